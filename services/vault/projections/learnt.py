"""What the vault learns from events: whose competition it is and how far, whose head is published, who was denied."""

from __future__ import annotations

from typing import Any

from kernel.projection import Entry, Projection, Seen
from kernel.rows import Rows
from services.vault.domain.reading import PersonalDataDenied
from services.vault.tables import competition, denial, head

learnt = Projection("learnt", (competition, head, denial))


class Drafted(Seen):
    body_id: str


class Nothing(Seen):
    """An event of which only its coming matters."""


class Closed(Seen):
    """`standing`: the bids that stand. Where there are none, nothing will be opened."""

    standing: tuple[Any, ...] = ()


class CardSeen(Seen):
    head_ref: str | None = None


@learnt.on("orders", "CompetitionDrafted", Drafted)
def _drafted(rows: Rows, event: Drafted, entry: Entry) -> None:
    rows.put(competition, {"id": entry.stream_id}, body_id=event.body_id, state="drafted")


def _moves(state: str) -> Any:
    def move(rows: Rows, event: Nothing, entry: Entry) -> None:
        rows.put(competition, {"id": entry.stream_id}, state=state)

    return move


for _event, _state in (
    ("CompetitionPublished", "bidding"),
    ("BidsOpened", "opened"),
    ("CompetitionCancelled", "over"),
):
    learnt.on("orders", _event, Nothing)(_moves(_state))


@learnt.on("orders", "BiddingClosed", Closed)
def _closed(rows: Rows, event: Closed, entry: Entry) -> None:
    rows.put(competition, {"id": entry.stream_id}, state="closed" if event.standing else "over")


@learnt.on("registry", "ProviderApplied", CardSeen)
def _applied(rows: Rows, event: CardSeen, entry: Entry) -> None:
    rows.put(head, {"provider_id": entry.stream_id}, head_ref=event.head_ref or "", shown=False)


@learnt.on("registry", "CardChanged", CardSeen)
def _changed(rows: Rows, event: CardSeen, entry: Entry) -> None:
    if event.head_ref is not None:
        rows.change(head, {"provider_id": entry.stream_id}, head_ref=event.head_ref)


def _shows(shown: bool) -> Any:
    def show(rows: Rows, event: Nothing, entry: Entry) -> None:
        rows.change(head, {"provider_id": entry.stream_id}, shown=shown)

    return show


for _event, _shown in (("ProviderIncluded", True), ("ProviderExcluded", False), ("ProviderWithdrawn", False)):
    learnt.on("registry", _event, Nothing)(_shows(_shown))


@learnt.on("vault", "PersonalDataDenied", PersonalDataDenied)
def _denied(rows: Rows, event: PersonalDataDenied, entry: Entry) -> None:
    rows.insert(denial, reading_id=entry.stream_id, actor=entry.actor, at=entry.time)
