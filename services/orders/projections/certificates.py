"""Certificates as lists and pages show them, the share of their order, and the open list of providers."""

from __future__ import annotations

from typing import Any

from kernel.instants import to_text
from kernel.projection import Entry, Projection, Seen
from kernel.rows import Rows
from services.orders.domain.certificate import events as e
from services.orders.domain.certificate import offer as o
from services.orders.tables.certificate import (
    certificate_choice,
    certificate_offer_row,
    certificate_share,
    certificates,
    redemption,
)

certificates_projection = Projection(
    "certificates", (certificate_share, certificates, certificate_choice, redemption, certificate_offer_row)
)
on = certificates_projection.on


# -- the share of an order --------------------------------------------------------------------------------------------


class ByCertificate(Seen):
    by_certificate: int


@on("orders", "SocialOrderFormed", ByCertificate)
@on("orders", "SocialOrderCorrected", ByCertificate)
def _share(rows: Rows, event: ByCertificate, entry: Entry) -> None:
    rows.put(certificate_share, {"order_id": entry.stream_id}, volume=event.by_certificate)


# -- until it is issued -----------------------------------------------------------------------------------------------


@on("orders", "CertificateRequested", e.CertificateRequested)
def _requested(rows: Rows, event: e.CertificateRequested, entry: Entry) -> None:
    rows.add(certificate_share, {"order_id": event.order_id}, issued_volume=event.volume)
    values = event.model_dump(mode="json")
    rows.insert(certificates, status="requested", requested_at=entry.time, changed_at=entry.time, **values)


@on("orders", "CertificateFundsRequested", e.CertificateFundsRequested)
def _funding(rows: Rows, event: e.CertificateFundsRequested, entry: Entry) -> None:
    _change(rows, entry, status="funding", deadline=to_text(event.deadline), reason=None)


@on("orders", "CertificateFundsRefused", e.CertificateFundsRefused)
def _refused(rows: Rows, event: e.CertificateFundsRefused, entry: Entry) -> None:
    _change(rows, entry, status="requested", deadline=None, reason=event.reason)


@on("orders", "CertificateFundsTimedOut", e.CertificateFundsTimedOut)
def _timed_out(rows: Rows, event: e.CertificateFundsTimedOut, entry: Entry) -> None:
    _change(rows, entry, status="requested", deadline=None, reason="timeout")


@on("orders", "CertificateIssued", e.CertificateIssued)
def _issued(rows: Rows, event: e.CertificateIssued, entry: Entry) -> None:
    _change(rows, entry, status="issued", issued_at=entry.time, deadline=None)


# -- in use -----------------------------------------------------------------------------------------------------------


@on("orders", "CertificateProviderChosen", e.CertificateProviderChosen)
@on("orders", "CertificateProviderChanged", e.CertificateProviderChanged)
def _chosen(rows: Rows, event: e.Chosen, entry: Entry) -> None:
    prices = event.model_dump(include={"provider_id", "unit_price_kopecks", "own_price_kopecks"})
    _change(rows, entry, status="provider_chosen", **prices)
    rows.insert(
        certificate_choice,
        certificate_id=entry.stream_id,
        version=entry.version,
        budget_price_kopecks=event.budget_price_kopecks,
        since=to_text(event.since),
        **prices,
    )


@on("orders", "CertificateRedeemed", e.CertificateRedeemed)
def _redeemed(rows: Rows, event: e.CertificateRedeemed, entry: Entry) -> None:
    known = {"act_id", "unit_price_kopecks", "amount_kopecks", "own_kopecks"}
    _record(rows, event, **event.model_dump(include=known))
    key = {"certificate_id": entry.stream_id}
    amounts = {"paid_kopecks": event.amount_kopecks, "own_kopecks": event.own_kopecks}
    rows.add(certificates, key, redeemed_volume=event.volume, **amounts)
    row = rows.get(certificates, key)
    if row is not None and row["status"] == "provider_chosen":
        _change(rows, entry, status="in_use")
    else:
        _change(rows, entry)


@on("orders", "CertificateRedemptionRefused", e.CertificateRedemptionRefused)
def _redemption_refused(rows: Rows, event: e.CertificateRedemptionRefused, entry: Entry) -> None:
    _record(rows, event, code=event.code)


def _record(rows: Rows, event: e.OfRedemption, **values: Any) -> None:
    key = event.model_dump(include={"certificate_id", "provider_id", "redemption_id", "volume"})
    rows.insert(redemption, **key, made_at=to_text(event.made_at), came_at=to_text(event.came_at), **values)


# -- its ends ---------------------------------------------------------------------------------------------------------


@on("orders", "CertificateUsed", e.CertificateUsed)
def _used(rows: Rows, event: e.CertificateUsed, entry: Entry) -> None:
    _change(rows, entry, status="used", closed=True)


@on("orders", "CertificateExpired", e.CertificateExpired)
def _expired(rows: Rows, event: e.CertificateExpired, entry: Entry) -> None:
    _ended(rows, event, entry, status="expired")


@on("orders", "CertificateAnnulled", e.CertificateAnnulled)
def _annulled(rows: Rows, event: e.CertificateAnnulled, entry: Entry) -> None:
    _ended(rows, event, entry, status="annulled", reason=event.reason)


def _ended(rows: Rows, event: e.Ended, entry: Entry, **values: Any) -> None:
    term = {"closes_at": to_text(event.closes_at), "closes_explained": event.explained}
    _change(rows, entry, deadline=None, **term, **values)


@on("orders", "CertificateUnusedReturned", e.CertificateUnusedReturned)
def _returned(rows: Rows, event: e.CertificateUnusedReturned, entry: Entry) -> None:
    rows.add(certificate_share, {"order_id": event.order_id}, issued_volume=-event.volume)
    returned = {"returned_volume": event.volume, "returned_kopecks": event.amount_kopecks}
    _change(rows, entry, closed=True, **returned)


def _change(rows: Rows, entry: Entry, **values: Any) -> None:
    rows.change(certificates, {"certificate_id": entry.stream_id}, changed_at=entry.time, **values)


# -- the open list ----------------------------------------------------------------------------------------------------


@on("orders", "CertificateOfferMade", o.CertificateOfferMade)
def _offered(rows: Rows, event: o.CertificateOfferMade, entry: Entry) -> None:
    key = {"provider_id": event.provider_id, "service_code": event.service_code}
    price = event.unit_price_kopecks
    rows.put(certificate_offer_row, key, unit_price_kopecks=price, status="offered", changed_at=entry.time)


@on("orders", "CertificateOfferWithdrawn", o.CertificateOfferWithdrawn)
def _withdrawn(rows: Rows, event: o.CertificateOfferWithdrawn, entry: Entry) -> None:
    key = {"provider_id": event.provider_id, "service_code": event.service_code}
    rows.change(certificate_offer_row, key, status="withdrawn", changed_at=entry.time)
