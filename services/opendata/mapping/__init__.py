"""From events to releases: one mapping function per event type, a file per part of a contracting process.

A new event joins by one function declared with `@on(service, event)`. Where the function's answer to events that are
in logs already changes, `VERSION` goes up: what was published is then withdrawn by tombstones and published anew.
"""

from __future__ import annotations

from services.opendata.mapping import amendments, awards, bids, complaints, contracts, implementation, register, tender
from services.opendata.mapping.book import MAPPING, At, Book, BookInMemory, Change

VERSION = 1

__all__ = [
    "MAPPING",
    "VERSION",
    "At",
    "Book",
    "BookInMemory",
    "Change",
    "amendments",
    "awards",
    "bids",
    "complaints",
    "contracts",
    "implementation",
    "register",
    "tender",
]
