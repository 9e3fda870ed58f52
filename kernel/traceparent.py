"""Where a piece of work belongs: the header `traceparent` of W3C Trace Context, level 1, and how an event names its trace.

The trace of an event is its correlation id, and its place in it is derived from its own id. So whoever reads an entry of a
log knows both, and nothing is stored or sent for it (ADR 16).
"""

from __future__ import annotations

import random
import re
from contextvars import ContextVar
from typing import NamedTuple

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_UUID = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})")
_NO_TRACE, _NO_SPAN = "0" * 32, "0" * 16


class Place(NamedTuple):
    """A span of a trace: 32 and 16 small hex digits, neither of them all zeros; `sampled`: somebody records it."""

    trace_id: str
    span_id: str
    sampled: bool

    def __str__(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


current: ContextVar[Place | None] = ContextVar("place", default=None)
"""Where what is being done now belongs, for the calls that it makes and the lines that it logs."""


def read(text: str) -> Place | None:
    """The place that a header names; None for what is none. Of a later version what this one knows is read."""
    found = _FORM.fullmatch(text)
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more is not None) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return Place(trace_id, span_id, bool(int(flags, 16) & 1))


def trace_of(correlation_id: str) -> str | None:
    """The trace of everything that happens under a correlation id; None where that is no UUID."""
    found = _UUID.fullmatch(correlation_id)
    trace_id = "".join(found.groups()) if found else _NO_TRACE
    return None if trace_id == _NO_TRACE else trace_id


def correlation_of(place: Place) -> str:
    """The correlation id whose trace this is: a UUID's form, 8-4-4-4-12."""
    digits = place.trace_id
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def place_of_event(correlation_id: str, event_id: str, sampled: bool = False) -> Place | None:
    """Where an event belongs: in the trace of its correlation id, under the second half of its own id."""
    trace_id, own = trace_of(correlation_id), trace_of(event_id)
    if trace_id is None or own is None or own[16:] == _NO_SPAN:
        return None
    return Place(trace_id, own[16:], sampled)


def fresh(trace_id: str | None) -> Place:
    """A new place that nobody records, in the trace named or else in a new one."""
    return Place(trace_id or f"{random.getrandbits(128) or 1:032x}", f"{random.getrandbits(64) or 1:016x}", False)
