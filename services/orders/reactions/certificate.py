"""Billing's answers to a certificate's askings. An answer to an attempt that was given up changes nothing."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from kernel.aggregate import Command
from kernel.projection import Entry, Seen
from services.orders.domain.certificate.state import AcceptCertificateFunds, TakeFundsRefusal
from services.orders.reactions import reactions


class FundsAnswer(Seen):
    certificate_id: str
    attempt: int


class FundsRefusal(FundsAnswer):
    reason: str


@reactions.on("billing", "CertificateFunded", FundsAnswer)
def funded(connection: Connection, event: FundsAnswer, entry: Entry) -> Iterable[Command]:
    yield AcceptCertificateFunds(id=event.certificate_id, attempt=event.attempt)


@reactions.on("billing", "CertificateFundingRefused", FundsRefusal)
def funding_refused(connection: Connection, event: FundsRefusal, entry: Entry) -> Iterable[Command]:
    yield TakeFundsRefusal(id=event.certificate_id, attempt=event.attempt, reason=event.reason)
