"""What was asked and answered for each certificate, and whether its money is still held."""

from __future__ import annotations

from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.billing.domain.certificate import (
    CertificateFunded,
    CertificateFundingRefused,
    CertificateReleased,
    OfCertificate,
)
from services.billing.tables import certificate_fund

certificate_funds = Projection("certificate_funds", (certificate_fund,))
on = certificate_funds.on


@on("billing", "CertificateFunded", CertificateFunded)
def _funded(rows: Rows, event: CertificateFunded, entry: Entry) -> None:
    _put(rows, event, entry, "held")


@on("billing", "CertificateFundingRefused", CertificateFundingRefused)
def _refused(rows: Rows, event: CertificateFundingRefused, entry: Entry) -> None:
    _put(rows, event, entry, "refused")


@on("billing", "CertificateReleased", CertificateReleased)
def _released(rows: Rows, event: CertificateReleased, entry: Entry) -> None:
    rows.change(certificate_fund, {"certificate_id": event.certificate_id}, status="released", at=entry.time)


def _put(rows: Rows, event: OfCertificate, entry: Entry, status: str) -> None:
    known = event.model_dump(include={"attempt", "body_id", "year", "amount_kopecks"})
    rows.put(certificate_fund, {"certificate_id": event.certificate_id}, status=status, at=entry.time, **known)
