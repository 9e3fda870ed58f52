"""The events of a certificate. None names a person: `beneficiary_id` and `programme_id` are pseudonyms of the vault's.

They are for the parties and for auditors: who goes where how often is the beneficiary's own affair, also under a pseudonym.
"""

from __future__ import annotations

from typing import Any, Literal

from kernel.aggregate import Event
from kernel.ids import Id
from kernel.instants import Instant
from kernel.money import Kopecks, PositiveKopecks

End = Literal["used", "expired", "annulled"]


class OfCertificate(Event, readers="parties:body_id"):
    """What every event of a certificate names: whose money it is."""

    certificate_id: Id
    body_id: Id
    year: int


class CertificateRequested(OfCertificate, readers="parties:body_id,beneficiary_id"):
    """`amount_kopecks` = `volume` × `limit_price_kopecks`, the most that the budget pays (V = N·Q).

    `valid_until` is the first instant at which it isn't good any more. `public_key` is the holder's Ed25519 key, base64.
    """

    number: str
    order_id: Id
    beneficiary_id: Id
    programme_id: Id
    service_code: str
    unit: str
    volume: int
    limit_price_kopecks: PositiveKopecks
    amount_kopecks: PositiveKopecks
    valid_until: Instant
    public_key: str
    requested_by: str


class OfAttempt(OfCertificate, readers="parties:body_id"):
    attempt: int


class CertificateFundsRequested(OfAttempt, readers="parties:body_id"):
    amount_kopecks: PositiveKopecks
    deadline: Instant
    approved_by: str


class CertificateFundsRefused(OfAttempt, readers="parties:body_id"):
    reason: str


class CertificateFundsTimedOut(OfAttempt, readers="parties:body_id"):
    """The attempt was given up without an answer; billing lets go what it held, or will hold, for it."""


class CertificateIssued(OfAttempt, readers="parties:body_id,beneficiary_id"):
    beneficiary_id: Id
    volume: int
    amount_kopecks: PositiveKopecks


class Chosen(OfCertificate, readers="parties:body_id,beneficiary_id,provider_id"):
    """The provider's price of this moment holds until another choice. Of it the budget pays `budget_price_kopecks`,
    the beneficiary the rest, `own_price_kopecks`."""

    beneficiary_id: Id
    provider_id: Id
    provider_kind: str
    unit_price_kopecks: PositiveKopecks
    budget_price_kopecks: PositiveKopecks
    own_price_kopecks: Kopecks
    left_volume: int
    since: Instant
    chosen_by: str


class CertificateProviderChosen(Chosen, readers="parties:body_id,beneficiary_id,provider_id"):
    pass


class CertificateProviderChanged(Chosen, readers="parties:body_id,beneficiary_id,provider_id,previous_id"):
    previous_id: Id


class OfRedemption(OfCertificate, readers="parties:body_id,beneficiary_id,provider_id"):
    """`redemption_id` is the provider's own. `made_at`: when the holder's key signed it; `came_at`: when it got here."""

    beneficiary_id: Id
    provider_id: Id
    redemption_id: Id
    volume: int
    made_at: Instant
    came_at: Instant
    signature: str


class CertificateRedeemed(OfRedemption, readers="parties:body_id,beneficiary_id,provider_id"):
    """The act of one delivery. `amount_kopecks` is paid by the budget, `own_kopecks` by the beneficiary."""

    act_id: Id
    provider_kind: str
    service_code: str
    unit: str
    month: str
    unit_price_kopecks: PositiveKopecks
    amount_kopecks: PositiveKopecks
    own_kopecks: Kopecks
    left_volume: int


class CertificateRedemptionRefused(OfRedemption, readers="parties:body_id,beneficiary_id,provider_id"):
    """`code` and `details` are those of the refusal that was answered, and will be answered to each repetition."""

    code: str
    details: dict[str, Any]


class CertificateUsed(OfCertificate, readers="parties:body_id,beneficiary_id"):
    beneficiary_id: Id


class Ended(OfCertificate, readers="parties:body_id,beneficiary_id"):
    """From `ended_at` on nothing can be redeemed; records from before are taken until `closes_at`."""

    beneficiary_id: Id
    left_volume: int
    ended_at: Instant
    closes_at: Instant
    explanation: dict[str, Any]
    explained: dict[str, str]
    calendar_version: str


class CertificateExpired(Ended, readers="parties:body_id,beneficiary_id"):
    pass


class CertificateAnnulled(Ended, readers="parties:body_id,beneficiary_id"):
    reason: str
    annulled_by: str


class CertificateUnusedReturned(OfAttempt, readers="parties:body_id"):
    """The certificate is closed. `volume` goes back to the order's share, `amount_kopecks` to the budget's limit.

    `attempt` 0: no money was ever asked for it. A certificate that was used up may still give back money: its providers
    took less than the limit price.
    """

    order_id: Id
    cause: End
    volume: int
    amount_kopecks: Kopecks
