"""The list of orders, and an order with its competition, lots, bids and complaints."""

from typing import NotRequired, TypedDict

from services.gateway.web.contexts.common import Exact, Number, Option, ProviderRef, Step, TrailItem, Trust
from services.gateway.web.text import Instant, Text


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
