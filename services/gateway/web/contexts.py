"""What each page needs, as plain dicts: the contract between the gateway's routes and the templates.

Every page takes ``site`` and ``page``; besides it takes one more key, named like the page (see `views.PAGES`).
Values come as services answer: money in integer kopecks, moments aware or RFC 3339 text, volumes as integers or decimal
text, scores as exact fractions in text ("277/3"), codes as the domain names them (`open`, `npo`, `semi_residential`).
A key that is not NotRequired must be there; ``None`` says "there is none", an empty list shows the empty state.
The package `samples` holds a filled example of each.
"""

from typing import Literal, NotRequired, TypedDict

from services.gateway.web.preferences import View
from services.gateway.web.text import Instant, Text

Number = int | str
"""A volume or count: an integer, or decimal text such as "12.5"; never a float."""
Exact = str
"""An exact fraction as text: "92", "277/3"."""
Step = Literal["submission", "opening", "evaluation", "complaints", "contract"]


class Site(TypedDict):
    """The installation. It changes only with its configuration (region.toml)."""

    name: Text  # of the market
    region: Text
    zone: str  # IANA name, "Europe/Moscow"
    sandbox: bool  # the banner on every page
    single_machine: bool  # embedded: the three custodians share a machine, and pages say so
    version: str
    open_data: str  # address of the open data
    log_key: NotRequired[str]  # public key of the log's checkpoints, as a signed-note verifier key


class Page(TypedDict):
    """The request."""

    path: str
    query: dict[str, str]  # as it came; kept when the reader switches language or view
    view: View
    now: Instant  # of the clock that the market runs by: in a sandbox the training clock
    request_id: str


class Option(TypedDict):
    """A choice of a filter."""

    value: str
    name: Text


class ProviderRef(TypedDict):
    id: str  # what /providers/{id} takes
    name: Text
    kind: str  # npo | budget_institution | social_enterprise | individual


class EntryRef(TypedDict):
    """An entry of the log: /log/{source}/{sequence}."""

    source: str  # registry, orders, …
    sequence: int


class TrailItem(TypedDict):
    """One event of an activity trail, newest first."""

    time: Instant
    type: str  # market.orders.BidSubmitted.v1
    words: NotRequired[Text]  # better than what the type alone says
    actor: NotRequired[Text | None]
    ground: NotRequired[Text | None]
    entry: EntryRef


class Verification(TypedDict):
    time: Instant
    same: bool  # the replay gave the same result


class Checkpoint(TypedDict):
    size: int  # leaves of the tree
    root_hash: str  # hex or base64, shown as it is
    time: Instant


class Trust(TypedDict):
    """The card «Почему можно верить»."""

    events: int  # in the streams that this page is about; on the landing page in the whole log
    checkpoint: Checkpoint | None
    verification: Verification | None
    command: str  # the one command that repeats the verification


class OrderRow(TypedDict):
    id: str
    number: str  # СЗ-2027-000123
    title: Text
    buyer: Text
    territory: Text
    service: Text
    status: str
    lots: int
    limit_kopecks: int | None
    bids_until: Instant | None


class OrderFilters(TypedDict):
    status: str  # "" for all, as in the query
    territory: str
    service: str


class OrdersPage(TypedDict):
    """The order list: ``orders``."""

    filters: OrderFilters
    statuses: list[str]  # codes to choose from
    territories: list[Option]
    services: list[Option]
    items: list[OrderRow]
    total: int | None  # None when counting would cost too much
    cursor: str | None  # of this page; None on the first
    next_cursor: str | None


class Unit(TypedDict):
    """A unit of service. One whose code the texts know is counted with its plural forms."""

    code: str  # visit, hour, … as in the region's catalogue
    name: Text


class Outcome(TypedDict):
    """What a competition came to, once its awards are made; agreements that were declined are left out."""

    awards: int
    total_kopecks: int
    below_limit_kopecks: int  # how much less than the same volume at the limit prices


class Way(TypedDict):
    way: str  # state_assignment | competition | certificate
    volume: Number


class Correction(TypedDict):
    """How an order's figures changed: the ways that have another volume now, and the volume itself."""

    time: Instant
    reason: Text
    moved: list["Moved"]


class Moved(TypedDict):
    way: str  # as in Way, or "all" for the order's whole volume
    before: Number
    after: Number


class Deadline(TypedDict):
    step: Step  # what ends then; opening has no deadline of its own
    at: Instant
    calendar: bool  # whether /orders/{id}/deadline.ics answers
    explained: Text | None  # how it was counted, day by day


class DeadlineMove(TypedDict):
    before: Instant
    after: Instant
    reason: Text


class Amendment(TypedDict):
    """A change of the announcement after its publication."""

    number: int
    time: Instant
    reason: Text
    parts: list[str]  # title | lots | requirements | criteria
    confirm_until: Instant


class Custodian(TypedDict):
    name: Text
    released_at: Instant | None


class Opening(TypedDict):
    """Between the deadline and the opening: whose keys are awaited."""

    needed: int
    custodians: list[Custodian]


class Stopped(TypedDict):
    """Why a competition was cancelled or was unsuccessful, and at which step."""

    step: Step
    reason: Text
    ground: Text | None
    time: Instant


class Criterion(TypedDict):
    key: str
    name: Text
    weight: Number  # per cent
    formula: str  # lowest_price | price_gap | linear | scale | expert_mean


class Offer(TypedDict, total=False):
    """What a bid offers on a criterion; one of the three. Empty when only the commission's scores speak."""

    kopecks: int
    number: Number  # with `unit`
    unit: Text
    words: Text


class BidCell(TypedDict):
    criterion: str  # Criterion.key
    offer: Offer
    score: Exact | None  # None until decided, and for bids not admitted


class BestScore(TypedDict):
    """The highest score of all admitted bids of a lot, also of those that are on another page."""

    criterion: str  # Criterion.key
    score: Exact


class Bid(TypedDict):
    """A bid after the opening."""

    provider: ProviderRef
    status: str  # opened | admitted | rejected | withdrawn
    reason: Text | None  # why it was not admitted
    flags: list[str]  # abnormally_low | tie | second_look | corrected
    cells: list[BidCell]
    total: Exact | None
    rank: int | None
    awarded_volume: Number | None


class Award(TypedDict):
    provider: ProviderRef
    volume: Number
    unit_price_kopecks: int
    total_kopecks: int
    agreement: "AgreementRef | None"


class AgreementRef(TypedDict):
    number: str
    status: str


class Lot(TypedDict):
    id: str
    number: int
    title: Text
    volume: Number
    unit: Unit
    limit_kopecks: int
    unit_limit_kopecks: int | None
    status: str
    reason: Text | None  # why nothing came of it
    bids: list[Bid] | None  # a part of them by rank; None while sealed: nobody sees how many there are
    best: list[BestScore]  # empty where nothing is compared
    best_total: Exact | None
    cursor: str | None  # of this part of the bids; None on the first
    next_cursor: str | None
    awards: list[Award]


class Requirement(TypedDict):
    name: Text
    text: Text | None


class Question(TypedDict):
    asked_at: Instant
    text: Text
    answered_at: Instant | None
    answer: Text | None


class Protocol(TypedDict):
    url: str
    time: Instant
    name: NotRequired[Text]


class Complaint(TypedDict):
    number: Number
    filed_at: Instant
    status: str
    subject: Text
    who: NotRequired[Text]  # complains
    term: NotRequired[Instant | None]  # of the body that decides
    remedy: NotRequired[str | None]  # recheck | rescore | cancel
    decision: NotRequired[Text | None]


class Competition(TypedDict):
    step: Step | None  # None before the announcement
    finished: bool  # agreed: all five steps are done
    stopped: Stopped | None
    deadline: Deadline | None
    moves: list[DeadlineMove]
    amendments: list[Amendment]
    sealed: bool  # bids are accepted or wait for the opening
    stopped_days: int | None  # of the standstill that are left while complaints stop its clock
    opening: Opening | None
    questions_until: Instant | None
    requirements: list[Requirement]
    criteria: list[Criterion]
    formulas_hash: str | None
    questions: list[Question]
    protocols: list[Protocol]
    complaints: list[Complaint] | None  # None: complaints are not taken here


class OrderPage(TypedDict):
    """One order with its lots and competition: ``order``."""

    id: str
    number: str
    title: Text
    body: Text | None
    buyer: Text
    territory: Text
    service: Text
    year: int
    unit: Unit
    volume: Number
    limit_kopecks: int | None
    status: str
    ways: list[Way]
    corrections: list[Correction]
    lots: list[Lot]
    competition: Competition
    outcome: Outcome | None
    trail: list[TrailItem]
    streams: list[str]  # subjects of the log that the trail is of: "SocialOrder/…", "Competition/…"
    trust: Trust


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


class LogRow(TypedDict):
    entry: EntryRef
    time: Instant
    type: str
    words: NotRequired[Text]
    subject: str


class Withheld(TypedDict):
    """Neighbouring places of the tree whose entries the reader may not see yet: between the rows, by their numbers."""

    withheld: int
    first: int
    last: int


class LogFilters(TypedDict):
    source: str
    type: str
    subject: str


class LogPage(TypedDict):
    """The browser of the log, newest first: ``log``."""

    filters: LogFilters
    sources: list[str]
    types: list[str]
    items: list[LogRow | Withheld]
    checkpoint: Checkpoint | None
    commands: list[str]  # exactly three: write the bundle, verify it, replay it
    newer_cursor: str | None
    older_cursor: str | None


class Cause(TypedDict):
    """A neighbour in the chain of causes; ``entry`` is None when the reader may not see it yet."""

    type: str
    words: NotRequired[Text]
    entry: EntryRef | None


class ProofStep(TypedDict):
    """One step up the tree: SHA-256 of 0x01, the left hash, the right hash."""

    side: Literal["left", "right"]  # where the neighbour stands
    neighbour: str
    result: str


class Proof(TypedDict):
    """The inclusion proof of RFC 6962 under a signed checkpoint (C2SP)."""

    leaf_index: int
    leaf_hash: str
    steps: list[ProofStep]  # the last result is the root, if all is right
    checkpoint: Checkpoint
    note: str  # the signed note, as it is


class LogEntryPage(TypedDict):
    """One entry: ``entry``."""

    entry: EntryRef
    type: str
    words: NotRequired[Text]
    id: str
    subject: str
    stream_version: int
    time: Instant
    received_at: Instant | None
    sealed_at: Instant
    actor: Text | None
    ground: Text | None
    correlation_id: str | None
    cause: Cause | None
    content: str  # the entry's JSON, indented
    raw_url: str
    prev_hash: str
    proof: Proof | None  # None until a checkpoint covers the entry
    commands: list[str]
    previous: EntryRef | None
    next: EntryRef | None


class ClosedEntryPage(TypedDict):
    """An entry that is in the log and that this reader may not read yet, or never: ``entry``."""

    entry: EntryRef
    previous: EntryRef | None
    next: EntryRef | None


class LandingFigures(TypedDict):
    open_orders: int
    providers: int
    agreed_kopecks: int
    entries: int


class LandingPage(TypedDict):
    """The first page: ``landing``."""

    figures: LandingFigures
    closing_soon: list[OrderRow]  # at most five, the nearest deadline first
    trust: Trust


class Refusal(TypedDict):
    """A refusal of a service as it came: stable code, both languages, the rule."""

    code: str
    sentence: Text
    rule: str | None


class Case(TypedDict):
    """What one part of the program says by a code; `{name}` stands where the facts of the case come."""

    sentence: Text
    rule: str


class ProblemPage(TypedDict):
    """What a refusal's code means: ``problem``."""

    code: str
    status: int
    cases: list[Case]


class ErrorPage(TypedDict):
    """An error: ``error``. Any HTTP status from 400; those without texts of their own look like 400 or 500."""

    status: int
    refusal: Refusal | None
    retry_after_s: int | None
