"""How this service sees events of registry and orders: only what it needs, and tolerant of everything else."""

from __future__ import annotations

from kernel.projection import Seen


class ProviderIncluded(Seen):
    number: str = ""
    short_name: str = ""
    kind: str = ""
    territory: str = ""


class CardChanged(Seen):
    """Only the fields that changed are there."""

    short_name: str | None = None
    kind: str | None = None
    territory: str | None = None


class WithReason(Seen):
    """ProviderSuspended, ProviderExcluded."""

    reason: str = ""


class Plain(Seen):
    """An event of which only its happening matters."""


class PlacesRequested(Seen):
    """`attempt`: which asking of the agreement this is; the answer says it again."""

    agreement_id: str
    provider_id: str
    form: str
    places: int
    attempt: int = 0


class AgreementActivated(Seen):
    """`starts`, `ends`: dates, "2027-03-31"."""

    agreement_id: str
    body_id: str
    year: int
    provider_id: str
    provider_kind: str
    service_code: str
    form: str
    unit: str
    volume: int
    unit_price_kopecks: int
    starts: str
    ends: str
