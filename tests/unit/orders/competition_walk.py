"""A competition walked through its phases by its own decisions, so that every story starts from a state that can be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from kernel import canonical
from kernel.aggregate import Command, Context, Decision, Event
from kernel.calendar import WorkingCalendar
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.sealing import KeyPair, Sealed, generate_keypair, new_key, seal, to_base64
from services.orders.domain.bid import bid_id_of
from services.orders.domain.competition import (
    admission,
    announcement,
    award,
    closing,
    competition,
    evaluation,
    low_price,
    opening,
    publication,
    questions,
    ranking,
    second_look,
)
from services.orders.domain.competition.state import CriterionLine, LotLine, Requirement
from services.orders.rules import Rules, load_rules

REGION = Path(__file__).resolve().parents[3] / "region"
NOON = datetime(2027, 2, 4, 9, 0, tzinfo=UTC)
BODY = new_id()


@lru_cache(maxsize=1)
def rules() -> Rules:
    return load_rules(REGION)


def calendar() -> WorkingCalendar:
    return rules().calendar


def actor(role: str, organisation: str | None = None) -> Actor:
    return Actor(new_id(), frozenset({role}), organisation)


SYSTEM = Actor.system("orders")
OFFICER = actor("officer", BODY)
SECOND_OFFICER = actor("officer", BODY)
EVALUATORS = tuple(actor("evaluator") for _ in range(4))

PRICE_AND_QUALITY = (
    CriterionLine(key="price", title="Цена", formula="lowest_price", weight=40, counts="kopecks"),
    CriterionLine(key="quality", title="Качество", formula="expert_mean", weight=60, counts="points"),
)
PRICE_ALONE = (CriterionLine(key="price", title="Цена", formula="lowest_price", weight=100, counts="kopecks"),)
PRICE_AND_YEARS = (
    CriterionLine(key="price", title="Цена", formula="lowest_price", weight=50, counts="kopecks"),
    CriterionLine(key="years", title="Опыт", formula="linear", weight=50, counts="years"),
)
LICENCE = Requirement(code="no_debts", text="Нет задолженности по налогам")
ACTIVE = admission.Bidder("active", "№ 7, АНО «Забота»", ("home",), ("domestic",))


def lot(volume: int = 1000, title: str = "Уборка, Беломорск") -> LotLine:
    return LotLine(lot_id=new_id(), title=title, volume=volume, unit="hour", limit_price_kopecks=50_000)


class SealedBid:
    """A bid as its bidder made it, with the key that only the bidder has kept."""

    def __init__(self, walk: Walk, lot_id: str, provider_id: str, content: bytes, version: int = 1) -> None:
        self.key = new_key()
        associated = opening.associated_data(walk.id, lot_id, provider_id, version)
        self.sealed: Sealed = seal(content, associated, [pair.public for pair in walk.keys], self.key)
        self.line = closing.StandingBid(
            bid_id=bid_id_of(lot_id, provider_id), lot_id=lot_id, provider_id=provider_id, bid_version=version
        )

    @property
    def bid_id(self) -> str:
        return self.line.bid_id

    @property
    def key_text(self) -> str:
        return to_base64(self.key)


def content(price: int = 40_000, volume: int = 500, **values: int | str) -> bytes:
    return canonical.dumps(
        {"price_kopecks": price, "volume": volume, "values": values, "text": "Наш опыт", "people": []}
    )


class Walk:
    """One competition and the commands that have brought it where it is."""

    def __init__(
        self,
        lots: tuple[LotLine, ...] = (),
        criteria: tuple[CriterionLine, ...] = PRICE_AND_QUALITY,
        requirements: tuple[Requirement, ...] = (LICENCE,),
    ) -> None:
        self.id = new_id()
        self.lots = lots or (lot(),)
        self.criteria = criteria
        self.requirements = requirements
        self.keys: list[KeyPair] = [generate_keypair() for _ in range(3)]
        self.state: Any = competition.initial
        self.events: list[Event] = []
        self.now = NOON
        self.dues: list[tuple[datetime, Command]] = []

    # -- asking --------------------------------------------------------------------------------------------------------

    def decide(self, command: Command, by: Actor = SYSTEM, facts: Any = None, **more: Any) -> Decision:
        now = more.get("now", self.now)
        context = Context(
            now=now,
            received_at=more.get("received_at", now),
            actor=by,
            new_id=new_id,
            id=self.id,
            facts=facts,
            rules=more.get("rules", rules()),
        )
        return competition.decide(self.state, command, context)

    def do(self, command: Command, by: Actor = SYSTEM, facts: Any = None, **more: Any) -> tuple[Event, ...]:
        """The command's events, which it must be allowed to have; folded into the state through its stored form."""
        decision = self.decide(command, by, facts, **more)
        assert decision.refusal is None, decision.refusal
        return self.take(decision)

    def take(self, decision: Decision) -> tuple[Event, ...]:
        """What was decided, folded into the state."""
        for event in decision.events:
            whole = canonical.dumps(event.model_dump(mode="json"))
            assert len(whole) < 59_000, f"{type(event).__name__}: {len(whole)} bytes"
            again = type(event).model_validate_json(whole)
            self._check_computed(again)
            self.state = competition.evolve(self.state, again)
        self.state = competition.load_json(competition.dump(self.state))
        self.events += decision.events
        self.dues += [(due.at, due.command) for due in decision.due]
        return decision.events

    def _check_computed(self, event: Event) -> None:
        """What an event says was computed comes out again from the state before it, as in a replay."""
        again = competition.recomputed.get(type(event).__name__)
        if again:
            for name, value in again(self.state, event).items():
                assert getattr(event, name) == value, (type(event).__name__, name)

    def refused(self, command: Command, by: Actor = SYSTEM, facts: Any = None, **more: Any) -> str:
        decision = self.decide(command, by, facts, **more)
        assert decision.refusal is not None, f"was done: {decision.events}"
        said = decision.refusal.to_dict()
        assert "{" not in said["ru"] + said["en"], f"a place that nothing fills: {said}"
        assert not decision.events
        return decision.refusal.code

    @property
    def status(self) -> str:
        return str(self.state.status)

    # -- phases --------------------------------------------------------------------------------------------------------

    def draft_command(self, **changes: Any) -> announcement.DraftCompetition:
        whole: dict[str, Any] = {
            "id": self.id,
            "order_id": new_id(),
            "lot_ids": tuple(each.lot_id for each in self.lots),
            "title": "Уборка жилья одиноких пожилых",
            "requirements": self.requirements,
            "criteria": self.criteria,
            "evaluators": tuple(each.id for each in EVALUATORS),
        }
        return announcement.DraftCompetition(**{**whole, **changes})

    def basis(self, **changes: Any) -> announcement.DraftBasis:
        basis = announcement.DraftBasis(
            number="К-2027-000001",
            order_status="approved",
            body_id=BODY,
            body_name="Администрация города",
            year=2027,
            territory="belomorsk",
            service_code="DOM-02",
            service_name="Уборка",
            form="home",
            service_kind="domestic",
            unit="hour",
            lots=self.lots,
        )
        return replace(basis, **changes)

    def drafted(self) -> Walk:
        self.do(self.draft_command(), OFFICER, self.basis())
        return self

    def published(self, deadline: datetime | None = None) -> Walk:
        self.drafted()
        self.do(publication.PublishCompetition(id=self.id, deadline=deadline), OFFICER)
        return self

    def open(self) -> Walk:
        self.published()
        self.do(publication.RecordBiddingKey(id=self.id), facts=self.key_texts)
        return self

    @property
    def key_texts(self) -> dict[str, str]:
        return {f"custodian_{n}": to_base64(pair.public) for n, pair in enumerate(self.keys, start=1)}

    def bid(self, plain: bytes | None = None, in_lot: int = 0, provider_id: str | None = None) -> SealedBid:
        return SealedBid(self, self.lots[in_lot].lot_id, provider_id or new_id(), plain or content())

    def closed(self, *bids: SealedBid) -> Walk:
        self.now = self.state.deadline + closing.GRACE
        standing = closing.Standing(tuple(each.line for each in bids), sealed=True)
        self.do(closing.CloseBidding(id=self.id, deadline=self.state.deadline), facts=standing)
        return self

    def found(self, *bids: SealedBid, **changes: Any) -> opening.Found:
        forms = {each.bid_id: each.sealed.to_dict() for each in bids}
        found = opening.Found(
            keys={each.bid_id: (each.key_text,) for each in bids},
            commitments={bid_id: form["commitment"] for bid_id, form in forms.items()},
            sealed=forms,
            acting=("custodian_1", "custodian_2"),
        )
        return replace(found, **changes)

    def opened(self, *bids: SealedBid) -> Walk:
        self.closed(*bids)
        self.do(opening.OpenBids(id=self.id), facts=self.found(*bids))
        return self

    def check(self, bid: SealedBid, met: bool = True, bidder: admission.Bidder = ACTIVE) -> tuple[Event, ...]:
        line = admission.Check(requirement="no_debts", met=met, reason="справка от 01.02.2027")
        return self.do(admission.CheckBid(id=self.id, bid_id=bid.bid_id, checks=(line,)), OFFICER, bidder)

    def checked(self, bid: SealedBid, **met: bool) -> tuple[Event, ...]:
        """The officer's check of every announced requirement, met unless said otherwise."""
        lines = tuple(
            admission.Check(requirement=each.code, met=met.get(each.code, True), reason="проверено")
            for each in self.state.requirements
        )
        return self.do(admission.CheckBid(id=self.id, bid_id=bid.bid_id, checks=lines), OFFICER, ACTIVE)

    def evaluated(self, *bids: SealedBid) -> Walk:
        """Opened, all admitted, everybody without a conflict."""
        self.opened(*bids)
        for each in bids:
            self.check(each)
        self.do(admission.BeginEvaluation(id=self.id), OFFICER)
        for member in EVALUATORS[:3]:
            self.declare(member)
        return self

    def declare(self, member: Actor, *conflicted: str) -> None:
        self.do(evaluation.DeclareConflicts(id=self.id, conflicted=conflicted, text="Заявляю"), member)

    def score(self, member: Actor, bid: SealedBid, points: int, criterion: str = "quality") -> None:
        self.do(self.scores(bid, points, criterion), member)

    def scores(self, bid: SealedBid, points: int, criterion: str = "quality") -> evaluation.SubmitScores:
        line = evaluation.Score(bid_id=bid.bid_id, criterion=criterion, score=points, comment="обосновано")
        return evaluation.SubmitScores(id=self.id, scores=(line,))

    def settled(self) -> Walk:
        """Prices that stand out are accepted when their time is over; scores far apart are given once more."""
        for bid in self.state.bids:
            if bid.status == "admitted" and bid.low_price == "asked":
                accept = low_price.DecideLowPrice(
                    id=self.id, bid_id=bid.bid_id, accepted=True, reason="Расчёт показан на примере прошлого года"
                )
                self.do(accept, OFFICER, now=bid.justify_until + timedelta(seconds=1))
        far = second_look.far_apart(self.state)
        if far:
            self.do(second_look.AskSecondLook(id=self.id), OFFICER)
            by_id = {member.id: member for member in EVALUATORS}
            for one in far:
                for member in evaluation.judges(self.state, self.state.bid(one.bid_id).lot_id):
                    points = self.state.sheets[member].scores[one.bid_id][one.criterion]
                    line = evaluation.Score(
                        bid_id=one.bid_id, criterion=one.criterion, score=points, comment="посмотрел ещё раз"
                    )
                    self.do(evaluation.SubmitScores(id=self.id, scores=(line,)), by_id[member])
        return self

    def decided(self, by: Actor = SECOND_OFFICER) -> Walk:
        self.settled()
        self.do(ranking.DecideRanking(id=self.id), by)
        return self

    def awarded(self, *inactive: str) -> Walk:
        self.now = self.state.standstill_until + closing.GRACE
        self.do(award.AwardCompetition(id=self.id), facts=award.Takers(inactive))
        return self

    def given_to(self) -> dict[str, int]:
        """{bid: volume} of all awards that haven't come to nothing."""
        found: dict[str, int] = {}
        for each in self.state.awards:
            if each.outcome in ("", "active"):
                found[each.bid_id] = found.get(each.bid_id, 0) + each.volume
        return found

    def ask(self) -> str:
        [event] = self.do(questions.AskQuestion(id=self.id, text="Что с ключами?"), actor("provider", new_id()))
        assert isinstance(event, questions.QuestionAsked)
        return event.question_id


HOUR = timedelta(hours=1)
