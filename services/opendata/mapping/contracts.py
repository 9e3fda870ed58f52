"""Agreements, from the moment when they are sent to be signed; what is still being drafted or reserved isn't public."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from services.opendata.mapping.book import At, Change, Json, on
from services.opendata.mapping.words import item, money

ELSEWHERE: Json = {"elsewhere": True}
"""What the book holds of an agreement that no published process has led to."""


def contract_of(at: At) -> Json | None:
    """The published contract that an event of another service is about; None for one that isn't open data.

    Raises NotYet where its own events stand later in the tree.
    """
    agreement_id = at.data.get("agreement_id")
    if not agreement_id:
        return None
    found = at.known("contract", agreement_id)
    return None if found == ELSEWHERE else found


def contract(agreement: Json, **fields: Any) -> Json:
    return {"contracts": [{"id": agreement["number"], "awardID": agreement["award_id"], **fields}]}


@on("orders", "AgreementDrafted")
def drafted(at: At) -> Iterable[Change]:
    data = at.data
    competition = at.book.get("competition", data.get("competition_id") or "")
    if not competition or "ocid" not in competition:
        at.book.put("contract", at.entry.stream_id, ELSEWHERE)
        return ()
    kept = ("number", "award_id", "provider_id", "body_id", "lot_id", "volume", "unit_price_kopecks", "amount_kopecks")
    dates = {"starts": data["starts"], "ends": data["ends"]}
    at.note(
        "agreement",
        at.entry.stream_id,
        ocid=competition["ocid"],
        competition_id=data["competition_id"],
        **dates,
        **{name: data[name] for name in kept},
    )
    return ()


@on("orders", "AgreementSent")
def sent(at: At) -> Iterator[Change]:
    agreement = at.book.get("agreement", at.entry.stream_id)
    if agreement is None:
        return
    competition = at.known("competition", agreement["competition_id"])
    lot = next(lot for lot in competition["lots"] if lot["lot_id"] == agreement["lot_id"])
    known = at.book.get("contract", at.entry.stream_id)
    at.note("contract", at.entry.stream_id, **agreement)
    period = {
        "startDate": at.rules.day(agreement["starts"]),
        "endDate": at.rules.day(agreement["ends"], last_second=True),
    }
    body = contract(
        agreement,
        title=f"Соглашение {agreement['number']}",
        status="pending",
        period=period,
        value=money(at, agreement["amount_kopecks"]),
        items=[item(at, lot, agreement["volume"], agreement["unit_price_kopecks"])],
    )
    yield Change(agreement["ocid"], "contractUpdate" if known else "contract", body)


def _told(at: At, tag: str, **fields: Any) -> Iterator[Change]:
    """A change of a contract that has been published; of another one nothing is said."""
    agreement = at.book.get("contract", at.entry.stream_id)
    if agreement and agreement != ELSEWHERE:
        yield Change(agreement["ocid"], tag, contract(agreement, **fields))


@on("orders", "AgreementSignedByProvider")
def signed_by_provider(at: At) -> Iterator[Change]:
    return _told(at, "contractUpdate", statusDetails="signed_by_provider")


@on("orders", "AgreementActivated")
def activated(at: At) -> Iterator[Change]:
    return _told(at, "contractUpdate", status="active", statusDetails=None, dateSigned=at.time)


@on("orders", "AgreementSuspended")
def suspended(at: At) -> Iterator[Change]:
    return _told(at, "contractUpdate", statusDetails=f"suspended: {at.data['reason']}")


@on("orders", "AgreementResumed")
def resumed(at: At) -> Iterator[Change]:
    return _told(at, "contractUpdate", statusDetails=None)


@on("orders", "AgreementCompleted")
def completed(at: At) -> Iterator[Change]:
    return _told(at, "contractTermination", status="terminated", statusDetails="completed")


@on("orders", "AgreementTerminated")
def terminated(at: At) -> Iterator[Change]:
    details = f"terminated: {at.data['reason']}"
    return _told(at, "contractTermination", status="terminated", statusDetails=details, period={"endDate": at.time})


@on("orders", "AgreementVoided")
def voided(at: At) -> Iterator[Change]:
    return _told(at, "contractUpdate", status="cancelled", statusDetails=f"void: {at.data['reason']}")
