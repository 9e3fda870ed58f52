"""The register of providers with their cards, and premises."""

from typing import TypedDict

from services.gateway.web.contexts.common import Number, Option, ProviderRef, TrailItem, Trust
from services.gateway.web.text import Instant, Text


class ProviderRow(TypedDict):
    id: str
    number: str
    name: Text
    kind: str
    inn: str
    territory: Text
    forms: list[str]
    status: str
    free_places: int | None


class ProviderFilters(TypedDict):
    q: str
    kind: str
    form: str
    territory: str


class ProvidersPage(TypedDict):
    """The register: ``providers``."""

    filters: ProviderFilters
    kinds: list[str]
    forms: list[str]
    territories: list[Option]
    items: list[ProviderRow]
    total: int | None
    cursor: str | None
    next_cursor: str | None


class Places(TypedDict):
    form: str
    maximum: int
    funded: int
    reserved: int
    free: int


class ServiceOffered(TypedDict):
    name: Text
    kind: str  # domestic | medical | …
    tariff_kopecks: int | None
    unit: Text


class Licence(TypedDict):
    number: str
    activity: Text
    valid_until: Instant | None  # a date "2027-01-31" or a moment; None: no end
    expired: bool
    expiring: bool  # the region's days of warning have begun


class Inspection(TypedDict):
    day: Instant
    body: Text
    outcome: Text


class RegisterState(TypedDict):
    """Why an entry is not active."""

    reason: Text
    ground: Text | None
    since: Instant


class YearOfWork(TypedDict):
    year: int
    services: str
    recipients: int


class CardDocument(TypedDict):
    hash: str
    kind: str  # charter | licence | inspection | report | other
    title: str
    kilobytes: int


class ConsortiumMember(TypedDict):
    id: str
    name: Text
    share: str  # per cent
    role: str
    lead: bool


class ConsortiumOf(TypedDict):
    """A consortium that a provider is a member of."""

    number: str
    name: Text
    status: str  # forming | standing
    members: list[ConsortiumMember]


class RegisterDecision(TypedDict):
    """A decision of the register, or what a provider did about one."""

    event: str  # ProviderSuspended …, as the log names it
    day: Instant
    ground: Text | None  # in the region's words of that day
    law: str | None
    reasons: list[str]
    term: str | None  # decision | correction | remedy | remedy_decision | appeal
    until: Instant | None
    explained: Text | None  # how `until` was counted
    in_time: bool | None  # None: it answers no term
    asked_by: Instant | None  # the last day of the term that it answers


class ProviderPage(TypedDict):
    """A provider's card: ``provider``. Personal data (head, contacts) only what law publishes, from the vault."""

    id: str
    number: str
    name: Text
    full_name: Text
    kind: str
    legal_form: Text
    status: str
    state: RegisterState | None  # for suspended, excluded, withdrawn
    inn: str
    ogrn: str
    address: Text
    territories: list[Text]
    head: Text | None
    phone: str | None
    email: str | None
    website: str | None  # http(s) only; anything else is shown as text
    included_at: Instant | None
    flags: list[str]
    experience_years: int | None
    staff: int | None
    volunteers: int | None
    active_agreements: int | None
    places: list[Places]
    services: list[ServiceOffered]
    licences: list[Licence] | None  # None: not known here
    inspections: list[Inspection] | None
    consortia: list[ConsortiumOf]
    experience: list[YearOfWork]  # the latest year first
    documents: list[CardDocument]
    decisions: list[RegisterDecision]  # the newest first
    trail: list[TrailItem]
    streams: list[str]
    trust: Trust


class Loan(TypedDict):
    borrower: ProviderRef
    until: Instant


class PremisesRow(TypedDict):
    id: str
    kind: str  # premises | ad_space (or the service's room | ad_surface)
    title: Text
    address: Text
    territory: Text
    area: Number | None  # square metres
    use: Text  # words, or codes of the texts ("club, sport")
    accessibility: Text | None
    status: str  # listed | free | requested | lent | withdrawn
    free_from: Instant | None  # None: now
    requests_until: Instant | None
    loan: Loan | None


class PremisesFilters(TypedDict):
    kind: str
    status: str
    territory: str


class PremisesPage(TypedDict):
    """Premises and advertising space: ``premises``."""

    filters: PremisesFilters
    kinds: list[str]
    statuses: list[str]
    territories: list[Option]
    items: list[PremisesRow]
    total: int | None
    cursor: str | None
    next_cursor: str | None
