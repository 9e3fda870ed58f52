"""The state of a competition: what its decisions rest on, and nothing that only pages show.

    draft → published → open → closed → opened → evaluation → decided → standstill → awarded → agreed
      └────────┴─────────┴───────┴────────┴──────────┴────────────────────┴───────────┴──▶ cancelled | unsuccessful

A complaint that is satisfied leads from standstill back to opened or evaluation (complaint.py).

A competition is fixed at its publication: criteria and their formulas (by hash), the region's limits, the dates. What
the region changes later changes nothing in a running one; what its body changes is an amendment (amendment.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kernel.aggregate import NEW, Aggregate, Context, changed
from kernel.ids import Id
from kernel.instants import Instant
from kernel.money import PositiveKopecks
from kernel.refusal import NOT_YOURS, Refusal, require

LAW = "189-FZ ch. 3"

# Limits on everything: a competition is decided in single transactions and written in entries of 60,000 bytes.
MAX_LOTS = 20
MAX_REQUIREMENTS = 20
MAX_EVALUATORS = 20
MAX_QUESTIONS = 100
MAX_BIDS = 2_000
"""Accepted per competition; bids in flight at once may pass it by a few. What names all of them comes in parts."""

PRICE = "price"
"""The key of the criterion that is fed by the bid's unit price; a criterion of `expert_mean` is fed by the experts."""

Short = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True)]
Long = Annotated[str, StringConstraints(min_length=3, max_length=2000, strip_whitespace=True)]
Account = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Number = int | Annotated[str, StringConstraints(max_length=40)]
"""An exact number: an integer, or text such as "12.5" or "25/2"; never a float."""

NOT_THE_LOT = Refusal(
    "lot_unknown", "В этом конкурсе нет лота {lot_id}.", "This competition has no lot {lot_id}.", kind="missing"
)
NOT_THE_BID = Refusal(
    "bid_unknown", "В этом конкурсе нет заявки {bid_id}.", "This competition has no bid {bid_id}.", kind="missing"
)


class Part(BaseModel):
    """Base of the values inside commands and events."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LotLine(Part):
    """A lot as it was announced; the limit price is per unit."""

    lot_id: Id
    title: str
    volume: int = Field(gt=0)
    unit: str
    limit_price_kopecks: PositiveKopecks


class Requirement(Part):
    """A requirement for participants, checked by a person; what is `correctable` may be put right once, in hours."""

    code: Code
    text: Text
    correctable: bool = False


class Check(Part):
    """One requirement: whether it is met, and why one can tell."""

    requirement: Code
    met: bool
    reason: Text


class CriterionLine(Part):
    """A criterion of the announcement: `formula` by name (formulas.py), `weight` in per cent.

    `counts` says what its number counts (kopecks, years, points …), for people.
    """

    key: Code
    title: Short
    formula: Annotated[str, StringConstraints(max_length=40)]
    weight: Number
    parameters: dict[str, Any] = Field(default_factory=dict)
    counts: Annotated[str, StringConstraints(max_length=40)] = ""

    @property
    def source(self) -> str:
        """Who gives its number: `experts`, the bid's `price`, or the `bid`'s values."""
        if self.formula == "expert_mean":
            return "experts"
        return "price" if self.key == PRICE else "bid"

    def for_scoring(self) -> dict[str, Any]:
        """The form that scoring.py takes and that is frozen by hash."""
        return {"key": self.key, "formula": self.formula, "weight": self.weight, "parameters": self.parameters}


class Limits(Part):
    """The region's numbers for the evaluation, as they were at publication."""

    quorum_evaluators: int
    spread_alarm_points: int
    abnormally_low_below_mean_percent: int
    abnormally_low_below_next_percent: int
    zone: str


@dataclass(frozen=True)
class Bid:
    """A bid that stood at the closing. `arrival`: 1, 2, … in the order of the standing versions in the log.

    status: sealed → opened | failed, opened → admitted | rejected, for one correction over correcting → corrected.
    `bidder` is how papers name it; `correct_until` is there once a correction was asked for;
    `low_price`, where the price stood out, is asked → justified → accepted | rejected.
    """

    bid_id: str
    lot_id: str
    provider_id: str
    bid_version: int
    arrival: int
    status: str = "sealed"
    price_kopecks: int = 0
    volume: int = 0
    values: dict[str, int | str] = field(default_factory=dict)
    bidder: str = ""
    reasons: tuple[str, ...] = ()
    correct_until: Instant | None = None
    low_price: str = ""
    justify_until: Instant | None = None


@dataclass(frozen=True)
class Sheet:
    """What one evaluator declared and scored: {bid: {criterion: points}}."""

    conflicted: tuple[str, ...] = ()
    scores: dict[str, dict[str, int]] = field(default_factory=dict)


LIVING_COMPLAINT = ("pending", "accepted")


@dataclass(frozen=True)
class Complaint:
    """status: pending → accepted → satisfied → resolved, or declined or withdrawn; `body_id` decides it."""

    provider_id: str
    lot_id: str
    body_id: str
    status: str = "pending"


@dataclass(frozen=True)
class Award:
    """outcome: "" while the agreement is on its way, then active, void or declined."""

    award_id: str
    lot_id: str
    provider_id: str
    bid_id: str
    volume: int
    unit_price_kopecks: int
    outcome: str = ""


@dataclass(frozen=True)
class Competition:
    status: str = NEW
    number: str = ""
    order_id: str = ""
    body_id: str = ""
    title: str = ""
    drafted_by: str = ""
    form: str = ""
    service_kind: str = ""
    lots: tuple[LotLine, ...] = ()
    requirements: tuple[Requirement, ...] = ()
    criteria: tuple[CriterionLine, ...] = ()
    evaluators: tuple[str, ...] = ()
    limits: Limits | None = None
    deadline: Instant | None = None
    questions_until: Instant | None = None
    custodians: tuple[str, ...] = ()
    amendments: int = 0
    asked: int = 0
    unanswered: tuple[str, ...] = ()
    closed_at: Instant | None = None
    opened_at: Instant | None = None
    given_keys: dict[str, str] = field(default_factory=dict)
    bids: tuple[Bid, ...] = ()
    sheets: dict[str, Sheet] = field(default_factory=dict)
    second_looks: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """{bid: {criterion: members who have looked again}} of the scores that a second look was asked for."""
    failed_lots: tuple[str, ...] = ()
    ranked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    standstill_until: Instant | None = None
    complaints: dict[str, Complaint] = field(default_factory=dict)
    stopped_days: int | None = None
    """Working days of the standstill that are left while complaints stop its clock; None while it runs."""
    renewed: bool = False
    """Whether a result was void already: scores are then given again, and no ranking opens them."""
    rounds: int = 0
    awards: tuple[Award, ...] = ()

    @property
    def frozen(self) -> Limits:
        """The limits of a published competition."""
        if self.limits is None:
            raise ValueError("a competition has no limits before its publication")
        return self.limits

    def lot(self, lot_id: str) -> LotLine:
        found = next((lot for lot in self.lots if lot.lot_id == lot_id), None)
        require(found is not None, NOT_THE_LOT, lot_id=lot_id)
        assert found is not None
        return found

    def bid(self, bid_id: str) -> Bid:
        found = next((bid for bid in self.bids if bid.bid_id == bid_id), None)
        require(found is not None, NOT_THE_BID, bid_id=bid_id)
        assert found is not None
        return found

    def with_bid(self, bid_id: str, **fields: Any) -> Competition:
        """The competition with other values in one of its bids."""
        bids = tuple(changed(bid, **fields) if bid.bid_id == bid_id else bid for bid in self.bids)
        return changed(self, bids=bids)

    def bids_by_id(self) -> dict[str, Bid]:
        """All bids by their ids: for whoever looks up many of them."""
        return {bid.bid_id: bid for bid in self.bids}

    def bids_of(self, lot_id: str, *statuses: str) -> tuple[Bid, ...]:
        """The lot's bids in these statuses (all where none is named), in the order of arrival."""
        return tuple(b for b in self.bids if b.lot_id == lot_id and (not statuses or b.status in statuses))

    @property
    def living_lots(self) -> tuple[LotLine, ...]:
        """The lots that haven't been declared unsuccessful."""
        return tuple(lot for lot in self.lots if lot.lot_id not in self.failed_lots)

    @property
    def living_complaints(self) -> tuple[str, ...]:
        return tuple(id for id, one in self.complaints.items() if one.status in LIVING_COMPLAINT)

    def criteria_of(self, source: str) -> tuple[CriterionLine, ...]:
        return tuple(criterion for criterion in self.criteria if criterion.source == source)


competition = Aggregate("Competition", Competition)


def by_own_officer(state: Competition, context: Context) -> None:
    """Refuse an officer of another body: who announced decides, nobody else."""
    require(context.actor.organisation == state.body_id, NOT_YOURS)
