"""Canonical JSON: equal values give equal bytes, so bytes can be hashed, signed and compared.

`dumps` writes RFC 8785 (JCS) under the project's profile, which leaves out what makes canonical JSON slow or
ambiguous: keys are ASCII (so sorting by byte and sorting by UTF-16 unit agree), there are no floats (money is
kopecks, shares are exact fractions), integers stay within ±(2^53 - 1), where every JSON reader agrees on them.
A value outside the profile is a `ValueError` that names the path, never a silent conversion.

orjson writes the bytes; a property test holds them against the reference library `rfc8785`.
"""

from __future__ import annotations

from typing import Any

import orjson

#: The largest integer that every JSON reader holds exactly (RFC 7493, I-JSON, section 2.2).
MAX_INTEGER = 2**53 - 1
#: Nesting allowed; orjson writes at most 254 levels, and no honest event comes near.
MAX_DEPTH = 200

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
_LEAVES = frozenset({str, int, bool, type(None)})


def dumps(value: object) -> bytes:
    """The canonical bytes of `value`: dict, list, tuple, str, int, bool, None, nested.

    Raises ValueError naming the path (`$.data.lots[2].price`) for anything outside the profile: floats, big
    integers, keys that aren't ASCII text, lone surrogates, enums, dates and other classes.
    """
    if _plain(value, 0):
        try:
            return orjson.dumps(value, option=_OPTIONS)
        except TypeError:
            pass  # a big integer or a lone surrogate: found and named below
    _refuse(value, "$", 0)
    raise AssertionError("orjson refused a value that the profile allows")


def loads(data: bytes | str) -> Any:
    """Parse JSON that is trusted to be canonical already. Raises ValueError when it isn't JSON at all."""
    return orjson.loads(data)


def loads_canonical(data: bytes) -> Any:
    """Parse bytes that must be canonical: raises ValueError unless `dumps` of the result gives them back.

    For bytes from outside, and for replay: doubled keys, spaces or escapes that two readers may take differently
    are refused here.
    """
    value = orjson.loads(data)
    if dumps(value) != data:
        raise ValueError("JSON is not in its canonical form (RFC 8785)")
    return value


def _plain(value: object, depth: int) -> bool:
    """Whether the profile can hold `value`, but for the size of integers and surrogates, which orjson checks."""
    kind = type(value)
    if kind in _LEAVES:
        return True
    if depth >= MAX_DEPTH:
        return False
    if kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str or not key.isascii():
                return False
            if type(item) not in _LEAVES and not _plain(item, depth + 1):
                return False
        return True
    if kind is list or kind is tuple:
        return all(type(item) in _LEAVES or _plain(item, depth + 1) for item in value)  # type: ignore[attr-defined]
    return False


def _refuse(value: object, path: str, depth: int) -> None:
    """Raise ValueError for the first place in `value` that the profile doesn't allow."""
    if depth > MAX_DEPTH:
        raise ValueError(f"{path}: nested deeper than {MAX_DEPTH} levels")
    kind = type(value)
    if kind is str:
        _refuse_surrogate(str(value), path)
    elif kind is int:
        if abs(value) > MAX_INTEGER:  # type: ignore[arg-type]
            raise ValueError(f"{path}: integer {value} is outside ±(2^53 - 1); write it as text")
    elif kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str or not key.isascii():
                raise ValueError(f"{path}: key {key!r} is not ASCII text")
            _refuse(item, f"{path}.{key}", depth + 1)
    elif kind is list or kind is tuple:
        for position, item in enumerate(value):  # type: ignore[arg-type]
            _refuse(item, f"{path}[{position}]", depth + 1)
    elif kind is float:
        raise ValueError(f"{path}: float {value!r}; write an integer (kopecks, parts) or text")
    elif kind not in _LEAVES:
        raise ValueError(f"{path}: {kind.__name__} is not a JSON value; convert it first")


def _refuse_surrogate(text: str, path: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"{path}: text holds a lone surrogate at {error.start}") from None
