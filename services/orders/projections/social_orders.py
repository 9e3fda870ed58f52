"""Social orders and their lots, as lists and pages show them and as commands lock them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from kernel.projection import Entry, Projection, Seen
from kernel.rows import Rows
from services.orders.domain.agreement.events import AgreementDrafted, AgreementVoided
from services.orders.domain.social_order import (
    NumberedLot,
    SocialOrderApproved,
    SocialOrderClosed,
    SocialOrderCorrected,
    SocialOrderFormed,
)
from services.orders.tables.agreement import award, lot, lot_claim, order_correction, social_orders

social_orders_projection = Projection("social_orders", (social_orders, lot, lot_claim, award, order_correction))
on = social_orders_projection.on

FIGURES = ("volume", "by_assignment", "by_competition", "by_certificate")
FREE, IN_COMPETITION, AWARDED, UNSUCCESSFUL = "free", "in_competition", "awarded", "unsuccessful"


@on("orders", "SocialOrderFormed", SocialOrderFormed)
def _formed(rows: Rows, event: SocialOrderFormed, entry: Entry) -> None:
    rows.insert(
        social_orders,
        order_id=entry.stream_id,
        status="formed",
        prepared_by=event.formed_by,
        formed_at=entry.time,
        changed_at=entry.time,
        lot_ids=[each.lot_id for each in event.lots],
        **event.model_dump(exclude={"lots", "formed_by", "standard_version"}),
    )
    for each in event.lots:
        _new_lot(rows, entry.stream_id, event.body_id, event.unit, each)


@on("orders", "SocialOrderApproved", SocialOrderApproved)
def _approved(rows: Rows, event: SocialOrderApproved, entry: Entry) -> None:
    _change(rows, entry, status="approved", approved_by=event.approved_by)


@on("orders", "SocialOrderCorrected", SocialOrderCorrected)
def _corrected(rows: Rows, event: SocialOrderCorrected, entry: Entry) -> None:
    order = rows.get(social_orders, {"order_id": entry.stream_id})
    if order is None:
        return
    rows.insert(
        order_correction,
        order_id=entry.stream_id,
        version=entry.version,
        corrected_at=entry.time,
        reason=event.reason,
        before={way: order[way] for way in FIGURES} | {"lots": len(order["lot_ids"])},
        after={way: getattr(event, way) for way in FIGURES} | {"lots": len(event.lots)},
    )
    before, after = set(order["lot_ids"]), {each.lot_id for each in event.lots}
    for gone in sorted(before - after):
        rows.delete(lot, {"lot_id": gone})
    for each in event.lots:
        if each.lot_id in before:
            figures = each.model_dump(exclude={"lot_id"})
            rows.change(lot, {"lot_id": each.lot_id}, **figures)
        else:
            _new_lot(rows, entry.stream_id, order["body_id"], order["unit"], each)
    _change(
        rows,
        entry,
        status="formed",
        prepared_by=event.corrected_by,
        approved_by=None,
        lot_ids=[each.lot_id for each in event.lots],
        **event.model_dump(exclude={"lots", "corrected_by"}),
    )


@on("orders", "SocialOrderClosed", SocialOrderClosed)
def _closed(rows: Rows, event: SocialOrderClosed, entry: Entry) -> None:
    _change(rows, entry, status="closed", reason=event.reason)


def _change(rows: Rows, entry: Entry, **values: Any) -> None:
    rows.change(social_orders, {"order_id": entry.stream_id}, changed_at=entry.time, **values)


def _new_lot(rows: Rows, order_id: str, body_id: str, unit: str, new: NumberedLot) -> None:
    rows.insert(lot, order_id=order_id, body_id=body_id, unit=unit, status=FREE, **new.model_dump())


# -- what a competition does to lots: the events as this projection needs them ----------------------------------------


class _Named(Seen):
    lot_id: str


class Drafted(Seen):
    lots: tuple[_Named, ...]


class Award(Seen):
    award_id: str
    lot_id: str
    provider_id: str
    bid_id: str
    volume: int
    unit_price_kopecks: int


class Awarded(Seen):
    awards: tuple[Award, ...]


class Unsuccessful(Seen):
    lot_ids: tuple[str, ...]


class Plain(BaseModel):
    """Of these events only their stream matters."""


@on("orders", "CompetitionDrafted", Drafted)
def _claimed(rows: Rows, event: Drafted, entry: Entry) -> None:
    lot_ids = sorted(each.lot_id for each in event.lots)
    for lot_id in lot_ids:
        rows.add(lot, {"lot_id": lot_id}, claims=1)
        rows.change(lot, {"lot_id": lot_id}, status=IN_COMPETITION, competition_id=entry.stream_id)
    rows.put(lot_claim, {"competition_id": entry.stream_id}, lot_ids=lot_ids)


@on("orders", "CompetitionAmended", Drafted)
def _claimed_otherwise(rows: Rows, event: Drafted, entry: Entry) -> None:
    claim = rows.get(lot_claim, {"competition_id": entry.stream_id})
    before = set(claim["lot_ids"]) if claim else set()
    after = {each.lot_id for each in event.lots}
    for lot_id in sorted(before - after):
        rows.add(lot, {"lot_id": lot_id}, claims=-1)
        rows.change(lot, {"lot_id": lot_id}, status=FREE, competition_id=None)
    for lot_id in sorted(after - before):
        rows.add(lot, {"lot_id": lot_id}, claims=1)
        rows.change(lot, {"lot_id": lot_id}, status=IN_COMPETITION, competition_id=entry.stream_id)
    rows.put(lot_claim, {"competition_id": entry.stream_id}, lot_ids=sorted(after))


@on("orders", "CompetitionAwarded", Awarded)
def _awarded(rows: Rows, event: Awarded, entry: Entry) -> None:
    for each in sorted(event.awards, key=lambda award: award.award_id):
        rows.put(
            award,
            {"award_id": each.award_id},
            competition_id=entry.stream_id,
            awarded_at=entry.time,
            **each.model_dump(exclude={"award_id"}),
        )
    for lot_id in sorted({each.lot_id for each in event.awards}):
        rows.change(lot, {"lot_id": lot_id}, status=AWARDED)


@on("orders", "LotsUnsuccessful", Unsuccessful)
@on("orders", "CompetitionUnsuccessful", Unsuccessful)
def _unsuccessful(rows: Rows, event: Unsuccessful, entry: Entry) -> None:
    _let_go(rows, entry.stream_id, set(event.lot_ids), UNSUCCESSFUL)


@on("orders", "CompetitionCancelled", Plain)
def _cancelled(rows: Rows, event: Plain, entry: Entry) -> None:
    _let_go(rows, entry.stream_id, None, FREE)


@on("orders", "CompetitionAgreed", Plain)
def _agreed(rows: Rows, event: Plain, entry: Entry) -> None:
    _let_go(rows, entry.stream_id, None, None)


def _let_go(rows: Rows, competition_id: str, lot_ids: set[str] | None, status: str | None) -> None:
    """End the competition's claim on `lot_ids` (None: on all that it still has); `status` None leaves it as it is."""
    claim = rows.get(lot_claim, {"competition_id": competition_id})
    if claim is None:
        return
    held = set(claim["lot_ids"])
    gone = held if lot_ids is None else held & lot_ids
    for lot_id in sorted(gone):
        rows.add(lot, {"lot_id": lot_id}, claims=-1)
        if status is not None:
            rows.change(lot, {"lot_id": lot_id}, status=status, competition_id=None)
    rows.put(lot_claim, {"competition_id": competition_id}, lot_ids=sorted(held - gone))


# -- what agreements take of lots -------------------------------------------------------------------------------------


@on("orders", "AgreementDrafted", AgreementDrafted)
def _taken(rows: Rows, event: AgreementDrafted, entry: Entry) -> None:
    rows.add(lot, {"lot_id": event.lot_id}, agreed_volume=event.volume)


@on("orders", "AgreementVoided", AgreementVoided)
def _given_back(rows: Rows, event: AgreementVoided, entry: Entry) -> None:
    # Only a void gives volume back. A terminated agreement keeps what it took: its acts say what of it was delivered.
    rows.add(lot, {"lot_id": event.lot_id}, agreed_volume=-event.volume)
