"""Delivery and money: an act is a milestone, a payment that the bank has carried out is a transaction.

Acts and payments speak of amounts and months; who received the services is in no event.
"""

from __future__ import annotations

from collections.abc import Iterator

from services.opendata.mapping.book import At, Change, Json, on
from services.opendata.mapping.contracts import contract, contract_of
from services.opendata.mapping.words import money, party, provider, reference

TAG = "implementationUpdate"


@on("providers", "ActConfirmed")
def act_confirmed(at: At) -> Iterator[Change]:
    data = at.data
    agreement = contract_of(at)
    if agreement is None:
        return
    milestone = {
        "id": data["act_id"],
        "title": f"Акт за {data['month']}",
        "type": "delivery",
        "status": "met",
        "dateMet": at.time,
        "value": money(at, data["amount_kopecks"]),
        "quantity": data["quantity"],
    }
    began = agreement.get("delivering", False)
    at.note("contract", data["agreement_id"], delivering=True)
    body = contract(agreement, implementation={"milestones": [milestone]})
    yield Change(agreement["ocid"], TAG if began else "implementation", body)


@on("providers", "ActReversed")
def act_reversed(at: At) -> Iterator[Change]:
    """A mistake is corrected by a reversing act: the milestone stays, and says that it isn't met after all."""
    agreement = contract_of(at)
    if agreement is None:
        return
    milestone = {"id": at.data["act_id"], "status": "notMet", "statusDetails": f"reversed: {at.data['reason']}"}
    yield Change(agreement["ocid"], TAG, contract(agreement, implementation={"milestones": [milestone]}))


@on("billing", "PaymentSettled")
def paid(at: At) -> Iterator[Change]:
    return _transaction(at, at.data["payment_id"], at.data["settled_on"], at.data["amount_kopecks"])


@on("billing", "ReturnReceived")
def returned(at: At) -> Iterator[Change]:
    """Money that came back: a transaction of its own, below nought."""
    return _transaction(at, at.entry.event_id, at.data["returned_on"], -at.data["amount_kopecks"])


def _transaction(at: At, id: str, date: str, kopecks: int) -> Iterator[Change]:
    data = at.data
    agreement = contract_of(at)
    if agreement is None:
        return
    ocid = agreement["ocid"]
    competition = at.known("competition", agreement["competition_id"])
    payer = party(at, ocid, agreement["body_id"], "payer", name=competition["body_name"])
    payee = provider(at, ocid, data["provider_id"], "payee")
    transaction: Json = {
        "id": id,
        "date": at.rules.day(date),
        "value": money(at, kopecks),
        "payer": reference(payer),
        "payee": reference(payee),
        "relatedMilestone": data["act_id"],
    }
    body = contract(agreement, implementation={"transactions": [transaction]})
    yield Change(ocid, TAG, body | {"parties": [payer, payee]})
