"""The outside of a bundle: a zip file with one possible form.

Any zip tool opens it, but unlike zip in general nothing is left to choose: members are stored as they are, stand one
behind the other, carry no time and no comment, and every header follows from names, sizes and CRCs. So a reader
rebuilds each header and compares: a byte that differs has a place. Headers are zip64 throughout (APPNOTE 6.3.10,
4.3 and 4.5.3), so one form serves any size.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO
from zlib import crc32

MAX_MEMBERS = 10_000
MAX_NAME = 200
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")

_VERSION = 45  # zip64
_MADE_BY = 3 << 8 | _VERSION  # on Unix, so that the attributes are a file's mode
_DATE = 1 << 5 | 1  # 1980-01-01, the first a zip can say
_MODE = 0o100644 << 16
_IN_ZIP64 = 0xFFFFFFFF
_LOCAL = struct.Struct("<4sHHHHHIIIHH HHQQ")
_RECORD = struct.Struct("<4sHHHHHHIIIHHHHHII")
_RECORD_EXTRA = struct.Struct("<HHQQQ")
_END = struct.Struct("<4sQHHIIQQQQ 4sIQI 4sHHHHIIH")
#: The local header's first part ends here; its name stands between the two.
_LOCAL_FIXED = 30


class VerifyError(Exception):
    """What fails and where: `place` names member and byte, or source and entry; `what` says what is wrong there."""

    def __init__(self, place: str, what: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place = place
        self.what = what


@dataclass(frozen=True, slots=True)
class Member:
    """A member: its name, size in bytes, CRC-32, and where in the file its header starts."""

    name: str
    size: int
    crc: int
    header_at: int

    @property
    def starts(self) -> int:
        """Offset of the first byte of the contents."""
        return self.header_at + _LOCAL.size + len(self.name)

    @property
    def ends(self) -> int:
        """Offset behind the last byte of the contents."""
        return self.starts + self.size

    @property
    def place(self) -> str:
        """The member and its bytes in the file, for messages."""
        return f"{self.name} (bytes {self.starts}–{self.ends} of the file)"


def check_name(name: str) -> str:
    """`name` when a member can be called so: a relative path of ASCII letters, digits and ._- ; else ValueError."""
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        raise ValueError(f"a bundle has no member called {name!r}: ASCII letters, digits, ._- and / alone")
    return name


class Writer:
    """Writes members one behind the other into a seekable file; `close` adds the directory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.members: list[Member] = []

    @contextmanager
    def member(self, name: str) -> Iterator[MemberWriter]:
        """A sink for the contents of the next member. Its header is written when its size is known."""
        check_name(name)
        if any(member.name == name for member in self.members):
            raise ValueError(f"two members called {name}")
        at = self.members[-1].ends if self.members else 0
        sink = MemberWriter(self._file)
        self._file.write(bytes(_LOCAL.size + len(name)))
        yield sink
        member = Member(name, sink.size, sink.crc, at)
        self._file.seek(at)
        self._file.write(_local_header(member))
        self._file.seek(member.ends)
        self.members.append(member)

    def close(self) -> None:
        """Write the directory and the end."""
        self._file.write(_directory(self.members))


class MemberWriter:
    """Takes the contents of one member and keeps its size and CRC."""

    __slots__ = ("_file", "crc", "size")

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = 0
        self.crc = 0

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.size += len(data)
        self.crc = crc32(data, self.crc)


def read_members(file: BinaryIO) -> list[Member]:
    """The members of a bundle, in order, after every byte of every header was compared with what it must be.

    The CRCs are taken as the headers say; whoever reads the contents compares them. Raises VerifyError.
    """
    size = file.seek(0, 2)
    members = list(_read_directory(file, size))
    position = 0
    for member in members:
        if member.header_at != position:
            raise VerifyError(f"directory, record of {member.name}", f"its member starts at byte {position}")
        file.seek(position)
        header = _local_header(member)
        _compare(file.read(len(header)), header, position, f"header of {member.name}")
        position = member.ends
    expected = _directory(members)
    if position + len(expected) != size:
        raise VerifyError("directory", f"it starts at byte {size - len(expected)}, the last member ends at {position}")
    file.seek(position)
    _compare(file.read(len(expected)), expected, position, "directory")
    return members


def _read_directory(file: BinaryIO, size: int) -> Iterator[Member]:
    """Members as the directory names them. It is only read here; `read_members` compares its bytes."""
    if size < _END.size:
        raise VerifyError("the file", f"{size} bytes are no bundle")
    file.seek(size - _END.size)
    end = _END.unpack(file.read(_END.size))
    count, length, start = end[7], end[8], end[9]
    if start + length + _END.size != size or not 0 < count <= MAX_MEMBERS or length > size:
        raise VerifyError(f"end of the directory (from byte {size - _END.size})", "it isn't a bundle's, or was changed")
    if length > MAX_MEMBERS * (_RECORD.size + _RECORD_EXTRA.size + MAX_NAME):
        raise VerifyError("directory", f"{length} bytes are too many")
    file.seek(start)
    data, at = file.read(length), 0
    for number in range(1, count + 1):
        place = f"directory, record {number} (from byte {start + at})"
        if at + _RECORD.size + _RECORD_EXTRA.size > length:
            raise VerifyError(place, "the directory ends before it")
        fields = _RECORD.unpack_from(data, at)
        crc, width = fields[7], fields[10]
        at += _RECORD.size
        raw = data[at : at + width]
        try:
            name = check_name(raw.decode("ascii"))
            _, _, contents, _, header_at = _RECORD_EXTRA.unpack_from(data, at + width)
        except (ValueError, struct.error):
            raise VerifyError(place, f"no member can be called {raw[:60]!r}") from None
        at += width + _RECORD_EXTRA.size
        if header_at + contents > start:
            raise VerifyError(place, f"{name} doesn't end before the directory")
        yield Member(name, contents, crc, header_at)


def _local_header(member: Member) -> bytes:
    name = member.name.encode()
    whole = _LOCAL.pack(
        *(b"PK\x03\x04", _VERSION, 0, 0, 0, _DATE, member.crc, _IN_ZIP64, _IN_ZIP64, len(name), 20),
        *(1, 16, member.size, member.size),
    )
    return whole[:_LOCAL_FIXED] + name + whole[_LOCAL_FIXED:]


def _record(member: Member) -> bytes:
    name = member.name.encode()
    fixed = _RECORD.pack(
        *(b"PK\x01\x02", _MADE_BY, _VERSION, 0, 0, 0, _DATE, member.crc, _IN_ZIP64, _IN_ZIP64, len(name)),
        *(_RECORD_EXTRA.size, 0, 0, 0, _MODE, _IN_ZIP64),
    )
    return fixed + name + _RECORD_EXTRA.pack(1, 24, member.size, member.size, member.header_at)


def _directory(members: list[Member]) -> bytes:
    """All that stands behind the last member: a record each, zip64's end, its locator, and the end."""
    start = members[-1].ends if members else 0
    records = b"".join(map(_record, members))
    count, length = len(members), len(records)
    zip64_end = (b"PK\x06\x06", 44, _MADE_BY, _VERSION, 0, 0, count, count, length, start)
    locator = (b"PK\x06\x07", 0, start + length, 1)
    end = (b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, _IN_ZIP64, _IN_ZIP64, 0)
    return records + _END.pack(*zip64_end, *locator, *end)


def _compare(found: bytes, expected: bytes, offset: int, place: str) -> None:
    if found == expected:
        return
    at = next((i for i, (a, b) in enumerate(zip(found, expected, strict=False)) if a != b), len(found))
    raise VerifyError(
        f"{place}, byte {offset + at} of the file", "it isn't what follows from the member's name and size"
    )
