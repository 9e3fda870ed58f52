"""Consortia as they are read: members with shares and roles, whose consent is asked, what is proposed."""

from __future__ import annotations

from typing import Any

from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.registry.domain.consortium import (
    ConsentDeclined,
    ConsentGiven,
    ConsortiumDissolved,
    ConsortiumEstablished,
    ConsortiumFormed,
    MemberReplaced,
    ReplacementProposed,
)
from services.registry.tables.consortium import consortium_view

consortia = Projection("consortia", (consortium_view,))


@consortia.on("registry", "ConsortiumFormed", ConsortiumFormed)
def _formed(rows: Rows, event: ConsortiumFormed, entry: Entry) -> None:
    rows.insert(
        consortium_view, id=entry.stream_id, version=entry.version, status="forming", formed_at=entry.time, **entry.data
    )


@consortia.on("registry", "ConsentGiven", ConsentGiven)
def _given(rows: Rows, event: ConsentGiven, entry: Entry) -> None:
    row = rows.get(consortium_view, {"id": entry.stream_id})
    assert row is not None, f"{entry.subject} is agreed to before it was formed"
    _change(rows, entry, waiting=[each for each in row["waiting"] if each != event.provider_id])


@consortia.on("registry", "ConsentDeclined", ConsentDeclined)
def _declined(rows: Rows, event: ConsentDeclined, entry: Entry) -> None:
    _change(rows, entry, waiting=[], proposed=None)


@consortia.on("registry", "ConsortiumEstablished", ConsortiumEstablished)
def _established(rows: Rows, event: ConsortiumEstablished, entry: Entry) -> None:
    _change(rows, entry, status="standing")


@consortia.on("registry", "ReplacementProposed", ReplacementProposed)
def _proposed(rows: Rows, event: ReplacementProposed, entry: Entry) -> None:
    said = {name: value for name, value in entry.data.items() if name != "waiting"}
    _change(rows, entry, proposed=said, waiting=entry.data["waiting"])


@consortia.on("registry", "MemberReplaced", MemberReplaced)
def _replaced(rows: Rows, event: MemberReplaced, entry: Entry) -> None:
    _change(rows, entry, members=entry.data["members"], proposed=None, waiting=[])


@consortia.on("registry", "ConsortiumDissolved", ConsortiumDissolved)
def _dissolved(rows: Rows, event: ConsortiumDissolved, entry: Entry) -> None:
    _change(rows, entry, status="dissolved", waiting=[], proposed=None, dissolved_because=event.reason)


def _change(rows: Rows, entry: Entry, **values: Any) -> None:
    rows.change(consortium_view, {"id": entry.stream_id}, version=entry.version, **values)
