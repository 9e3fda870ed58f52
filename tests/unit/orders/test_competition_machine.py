"""Random commands by random people in random order, and what holds whatever they do (DOMAIN §2(b), DESIGN D1).

The machine gives any command to anybody at any time, some to who may give them, and `go_on` knows the procedure, so that
a run gets anywhere. After every step: no volume is spent twice (189-FZ art. 19), nothing of a bid is public before its
time, nobody is awarded while a complaint lives. At the end the whole log is folded again from nothing: the same state, and
every computed value (rankings, protocols by hash, awards) comes out once more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kernel import canonical
from kernel.aggregate import Command, Context, Event
from kernel.identity import Actor
from kernel.ids import new_id
from services.orders.domain import bid as bids
from services.orders.domain.competition import (
    admission,
    amendment,
    award,
    cancellation,
    closing,
    competition,
    complaint,
    correction,
    evaluation,
    low_price,
    opening,
    publication,
    questions,
    ranking,
    remedy,
    second_look,
)
from services.orders.domain.competition.state import Requirement
from tests.unit.orders.competition_walk import (
    ACTIVE,
    EVALUATORS,
    LICENCE,
    OFFICER,
    SECOND_OFFICER,
    SYSTEM,
    SealedBid,
    Walk,
    actor,
    content,
    lot,
    rules,
)

PAPERS = Requirement(code="papers", text="Приложены все справки", correctable=True)
NPOS = tuple(actor("provider", new_id()) for _ in range(4))
JUDGE = actor("auditor", rules().complaint_body)
PEOPLE = (
    OFFICER,
    SECOND_OFFICER,
    actor("officer", new_id()),
    *EVALUATORS,
    actor("evaluator"),
    *NPOS,
    actor("provider", new_id()),
    JUDGE,
    actor("auditor", new_id()),
)
PRICES = (31_337, 31_339, 12_343, 40_009)
POINTS = st.sampled_from((10, 60, 65, 70, 95))
TEXT = "Так решено по обстоятельствам дела"
OUTCOMES: tuple[award.Outcome, ...] = ("active", "void", "declined")
REMEDIES: tuple[remedy.Remedy, ...] = ("recheck", "rescore", "cancel")


class Competing(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.all_lots = (lot(900), lot(400, "Уборка, Кемь"))
        self.walk = Walk(lots=self.all_lots, requirements=(LICENCE, PAPERS)).open()
        self.bids: dict[str, bids.Bid] = {}
        self.forms: dict[str, SealedBid] = {}
        self.order: list[str] = []
        self.log: list[Event] = []
        self.capacity: dict[str, int] = {}

    # -- giving commands ----------------------------------------------------------------------------------------------

    def give(self, command: Command, by: Actor = SYSTEM) -> bool:
        """Whether it was done. A refusal leaves nothing behind."""
        before = len(self.walk.events)
        decision = self.walk.decide(command, by, self.facts(command))
        if decision.refusal is not None:
            assert not decision.events
            return False
        self.walk.take(decision)
        promised: dict[str, int] = {}
        for event in self.walk.events[before:]:
            self.log.append(event)
            if isinstance(event, award.CompetitionAwarded):
                assert not self.walk.state.living_complaints and self.walk.state.stopped_days is None
                for line in event.awards:
                    promised[line.provider_id] = promised.get(line.provider_id, 0) + line.volume
        assert all(volume <= self.capacity.get(one, volume) for one, volume in promised.items()), "has places for it"
        return True

    def facts(self, command: Command) -> Any:
        state = self.walk.state
        found: dict[type[Command], Callable[[], Any]] = {
            amendment.AmendCompetition: lambda: amendment.AmendBasis("approved", self.all_lots),
            questions.AnswerQuestion: lambda: questions.Asked("Что с ключами?"),
            closing.CloseBidding: lambda: closing.Standing(self.standing(), sealed=True),
            opening.OpenBids: lambda: self.walk.found(*(self.forms[bid.bid_id] for bid in state.bids)),
            admission.CheckBid: lambda: ACTIVE,
            award.AwardCompetition: lambda: award.Takers(capacity=self.capacity),
            award.SettleAward: lambda: award.Takers(capacity=self.capacity),
        }
        return found.get(type(command), lambda: None)()

    def standing(self) -> tuple[closing.StandingBid, ...]:
        """What the tables would say: confirmed since the last amendment, and the lot still announced."""
        lots = {each.lot_id for each in self.walk.state.lots}
        return tuple(
            closing.StandingBid(
                bid_id=bid_id, lot_id=bid.lot_id, provider_id=bid.provider_id, bid_version=bid.bid_version
            )
            for bid_id in self.order
            if (bid := self.bids[bid_id]).status == "standing"
            and bid.amendment == self.walk.state.amendments
            and bid.lot_id in lots
        )

    def bid(self, command: bids.ForLot, by: Actor, form: SealedBid | None = None) -> bool:
        state, walk = self.walk.state, self.walk
        bid_id = bids.bid_id_of(command.lot_id, command.provider_id)
        confirm_until = max(
            (event.confirm_until for event in self.log if isinstance(event, amendment.CompetitionAmended)), default=None
        )
        now = bids.BiddingNow(
            status=state.status,
            deadline=state.deadline,
            has_lot=any(each.lot_id == command.lot_id for each in state.lots),
            provider_status="active",
            bids=len(self.bids),
            late_attempts=int(form is not None and bids.is_late(state.status, state.deadline, walk.now)),
            amendments=state.amendments,
            confirm_until=confirm_until,
        )
        context = Context(now=walk.now, received_at=walk.now, actor=by, new_id=new_id, id=bid_id, facts=now)
        decision = bids.bid.decide(self.bids.get(bid_id, bids.Bid()), command, context)
        for event in decision.events:
            self.bids[bid_id] = bids.bid.evolve(self.bids.get(bid_id, bids.Bid()), event)
            self.log.append(event)
        if decision.refusal is None and form is not None:
            self.forms[bid_id] = form
            self.order = [other for other in self.order if other != bid_id] + [bid_id]
        return decision.refusal is None

    def fire(self) -> None:
        """What is due by now, in the order of its instants, as the stored clock would."""
        while due := min(
            (each for each in self.walk.dues if each[0] <= self.walk.now), key=lambda x: x[0], default=None
        ):
            self.walk.dues.remove(due)
            self.give(due[1])

    @initialize(
        offers=st.lists(st.tuples(st.integers(0, 1), st.sampled_from(PRICES)), min_size=2, max_size=4),
        places=st.lists(st.sampled_from((0, 100, 1_000)), max_size=4),
    )
    def some_have_bid(self, offers: list[tuple[int, int]], places: list[int]) -> None:
        self.capacity = {npo.organisation or "": free for npo, free in zip(NPOS, places, strict=False)}
        for who, (which, price) in zip(NPOS, offers, strict=False):
            self.submit_or_replace(who, which, price, 300)

    # -- rules: bidding -----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.walk.status in ("open", "closed"))
    @rule(who=st.sampled_from(NPOS), which=st.integers(0, 1), price=st.sampled_from(PRICES), volume=st.integers(1, 900))
    def submit_or_replace(self, who: Actor, which: int, price: int, volume: int) -> None:
        lot_id, provider_id = self.all_lots[which].lot_id, who.organisation or ""
        known = self.bids.get(bids.bid_id_of(lot_id, provider_id), bids.Bid())
        version = known.bid_version + 1
        form = SealedBid(self.walk, lot_id, provider_id, content(price, volume), version)
        kind = bids.ReplaceBid if known.status == "standing" else bids.SubmitBid
        place = {"competition_id": self.walk.id, "lot_id": lot_id, "provider_id": provider_id}
        self.bid(kind(**place, bid_version=version, sealed=form.sealed, sealed_by="bidder"), who, form)

    @precondition(lambda self: self.walk.status == "open" and self.bids)
    @rule(who=st.sampled_from(PEOPLE), which=st.integers(0, 7), confirms=st.booleans())
    def confirm_or_withdraw(self, who: Actor, which: int, confirms: bool) -> None:
        target = list(self.bids.values())[which % len(self.bids)]
        place = {"competition_id": self.walk.id, "lot_id": target.lot_id, "provider_id": target.provider_id}
        done = self.bid((bids.ConfirmBid if confirms else bids.WithdrawBid)(**place), who)
        assert not done or who.organisation == target.provider_id, "nobody touches another's bid"

    # -- rules: everybody does anything -------------------------------------------------------------------------------

    @rule(data=st.data(), who=st.sampled_from(PEOPLE))
    def do_anything(self, data: st.DataObject, who: Actor) -> None:
        command = self.any_command(data)
        assert command is not None
        self.give(command, who)

    @rule(data=st.data())
    def do_what_may_be_done(self, data: st.DataObject) -> None:
        """A command that the state allows, by somebody who has the role and whose business it is."""
        state = self.walk.state
        command = self.any_command(data, state.status)
        if command is None:
            return
        owner: Any = next((bid for bid in state.bids if bid.bid_id == getattr(command, "bid_id", "")), None)
        owner = owner or state.complaints.get(getattr(command, "complaint_id", ""))
        rivals = [npo for npo in NPOS if owner is None or npo.organisation == owner.provider_id]
        people = {
            "officer": (OFFICER, SECOND_OFFICER),
            "evaluator": EVALUATORS[:3],
            "provider": tuple(rivals) or NPOS,
            "auditor": (JUDGE,),
            "system": (SYSTEM,),
        }
        roles = sorted(competition.commands[type(command)].roles)
        self.give(command, data.draw(st.sampled_from(people[data.draw(st.sampled_from(roles))])))

    def any_command(self, data: st.DataObject, allowed_in: str = "") -> Command | None:
        """One of all commands, or of those that are allowed in a state."""
        state, id = self.walk.state, self.walk.id
        bid_id = data.draw(st.sampled_from([bid.bid_id for bid in state.bids] or [new_id()]))
        complaint_id = data.draw(st.sampled_from([*state.complaints, id]))
        question_id = data.draw(st.sampled_from([*state.unanswered, id]))
        met = {code: data.draw(st.booleans()) for code in ("no_debts", "papers")}
        checks = tuple(admission.Check(requirement=code, met=each, reason="по справке") for code, each in met.items())
        score = evaluation.Score(bid_id=bid_id, criterion="quality", score=data.draw(POINTS), comment="обосновано")
        place = {"id": id, "complaint_id": complaint_id}
        lots = tuple(each.lot_id for each in data.draw(st.sampled_from((self.all_lots, self.all_lots[:1]))))
        what = data.draw(st.sampled_from(REMEDIES))
        wanted = data.draw(st.sampled_from(((LICENCE, PAPERS), (PAPERS, LICENCE))))
        commands: list[Callable[[], Command]] = [
            lambda: publication.PublishCompetition(id=id),
            lambda: amendment.AmendCompetition(id=id, reason=TEXT, lot_ids=lots, requirements=wanted),
            lambda: questions.AskQuestion(id=id, text=TEXT),
            lambda: questions.AnswerQuestion(id=id, question_id=question_id, answer=TEXT),
            lambda: admission.CheckBid(id=id, bid_id=bid_id, checks=checks),
            lambda: correction.CorrectBid(id=id, bid_id=bid_id, text=TEXT),
            lambda: admission.BeginEvaluation(id=id),
            lambda: evaluation.DeclareConflicts(id=id, text=TEXT),
            lambda: evaluation.SubmitScores(id=id, scores=(score,)),
            lambda: low_price.JustifyPrice(id=id, bid_id=bid_id, text=TEXT),
            lambda: low_price.DecideLowPrice(id=id, bid_id=bid_id, accepted=met["papers"], reason=TEXT),
            lambda: second_look.AskSecondLook(id=id),
            lambda: ranking.DecideRanking(id=id),
            lambda: complaint.FileComplaint(id=id, lot_id=lots[0], text=TEXT),
            lambda: complaint.WithdrawComplaint(**place, reason=TEXT),
            lambda: remedy.AcceptComplaint(**place),
            lambda: remedy.DeclineComplaint(**place, reason=TEXT),
            lambda: remedy.SatisfyComplaint(**place, decision=TEXT, remedy=what),
            lambda: award.AwardCompetition(id=id),
            lambda: closing.CloseBidding(id=id, deadline=state.deadline or self.walk.now),
        ]
        made = [make() for make in commands]
        allowed = [each for each in made if not allowed_in or allowed_in in competition.commands[type(each)].states]
        return data.draw(st.sampled_from(allowed)) if allowed else None

    @precondition(lambda self: self.walk.status not in ("cancelled", "unsuccessful", "agreed"))
    @rule(who=st.sampled_from(PEOPLE), really=st.integers(0, 30))
    def cancel(self, who: Actor, really: int) -> None:
        if really == 0:
            self.give(cancellation.CancelCompetition(id=self.walk.id, reason=TEXT), who)

    @rule(hours=st.sampled_from((1, 24, 80, 200)))
    def wait(self, hours: int) -> None:
        self.walk.now += timedelta(hours=hours)
        self.fire()

    # -- the rule that knows the way ----------------------------------------------------------------------------------

    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        step = getattr(self, f"_from_{self.walk.status}", None)
        if step is not None:
            step(data)
            self.fire()

    def _from_open(self, data: st.DataObject) -> None:
        for question_id in self.walk.state.unanswered:
            self.give(questions.AnswerQuestion(id=self.walk.id, question_id=question_id, answer=TEXT), OFFICER)
        if len(self.bids) > 2:
            self.walk.now = max(self.walk.now, self.walk.state.deadline + closing.GRACE)

    def _from_closed(self, data: st.DataObject) -> None:
        self.give(opening.OpenBids(id=self.walk.id))

    def _from_opened(self, data: st.DataObject) -> None:
        for each in self.walk.state.bids:
            papers = data.draw(st.booleans()) if each.status == "opened" else True
            checks = tuple(
                admission.Check(requirement=code, met=code != "papers" or papers, reason="по справке")
                for code in ("no_debts", "papers")
            )
            self.give(admission.CheckBid(id=self.walk.id, bid_id=each.bid_id, checks=checks), OFFICER)
        self.give(admission.BeginEvaluation(id=self.walk.id), OFFICER)

    def _from_evaluation(self, data: st.DataObject) -> None:
        for member in EVALUATORS[:3]:
            self.give(evaluation.DeclareConflicts(id=self.walk.id, text=TEXT), member)
            for bid in self.walk.state.bids:
                points = data.draw(POINTS)
                line = evaluation.Score(bid_id=bid.bid_id, criterion="quality", score=points, comment="обосновано")
                self.give(evaluation.SubmitScores(id=self.walk.id, scores=(line,)), member)
        for bid in self.walk.state.bids:
            decide = low_price.DecideLowPrice(
                id=self.walk.id, bid_id=bid.bid_id, accepted=data.draw(st.booleans()), reason=TEXT
            )
            self.give(decide, OFFICER)
        self.give(second_look.AskSecondLook(id=self.walk.id), OFFICER)
        self.give(ranking.DecideRanking(id=self.walk.id), SECOND_OFFICER)

    def _from_standstill(self, data: st.DataObject) -> None:
        bid = data.draw(st.sampled_from(self.walk.state.bids))
        if data.draw(st.booleans()):
            bidder = next(npo for npo in NPOS if npo.organisation == bid.provider_id)
            self.give(complaint.FileComplaint(id=self.walk.id, lot_id=bid.lot_id, text=TEXT), bidder)
            return
        for complaint_id in self.walk.state.living_complaints:
            place = {"id": self.walk.id, "complaint_id": complaint_id}
            self.give(remedy.AcceptComplaint(**place), JUDGE)
            if data.draw(st.booleans()):
                self.give(remedy.DeclineComplaint(**place, reason=TEXT), JUDGE)
                continue
            wanted = data.draw(st.sampled_from(REMEDIES))
            self.give(remedy.SatisfyComplaint(**place, decision=TEXT, remedy=wanted), JUDGE)
        if self.walk.status != "standstill" or data.draw(st.integers(0, 2)):
            return
        self.walk.now = max(self.walk.now, self.walk.state.standstill_until + closing.GRACE)

    def _from_awarded(self, data: st.DataObject) -> None:
        pending = [each for each in self.walk.state.awards if not each.outcome]
        if pending:
            outcome = data.draw(st.sampled_from(OUTCOMES))
            one = pending[0]
            self.give(award.SettleAward(id=self.walk.id, award_id=one.award_id, agreement_id=new_id(), outcome=outcome))

    # -- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def no_volume_is_spent_twice(self) -> None:
        state = self.walk.state
        for each in self.all_lots:
            taken = [a for a in state.awards if a.lot_id == each.lot_id and a.outcome in ("", "active")]
            assert sum(a.volume for a in taken) <= each.volume
        for bid_id, volume in self.walk.given_to().items():
            assert volume <= state.bid(bid_id).volume
            assert state.bid(bid_id).status == "admitted"

    @invariant()
    def nothing_of_a_bid_is_public_before_its_time(self) -> None:
        closed = self.walk.state.closed_at is not None
        if self.walk.state.opened_at is not None:
            return
        public = b"".join(
            canonical.dumps(event.model_dump(mode="json")) for event in self.log if type(event).readers == "public"
        ).decode()
        for npo in NPOS:
            assert closed or (npo.organisation or "") not in public, "who bids"
        for price in PRICES:
            assert f'price_kopecks":{price}' not in public, "for how much"
        assert all(bid.price_kopecks == 0 for bid in self.walk.state.bids)

    @invariant()
    def nobody_wins_while_a_complaint_lives(self) -> None:
        state = self.walk.state
        assert state.status == "standstill" or not state.living_complaints
        assert (state.stopped_days is not None) == bool(state.living_complaints)

    def teardown(self) -> None:
        """The log alone gives the same state, and what it says was computed comes out again."""
        state: Any = competition.initial
        for event in self.walk.events:
            again = competition.recomputed.get(type(event).__name__)
            for name, value in (again(state, event) if again else {}).items():
                assert getattr(event, name) == value, (type(event).__name__, name)
            state = competition.evolve(state, event)
        assert competition.dump(state) == competition.dump(self.walk.state)
        if state.status == "cancelled" and state.opened_at is None:
            assert not any(isinstance(event, opening.BidsOpened) for event in self.walk.events)


TestCompeting = Competing.TestCase
TestCompeting.settings = settings(
    max_examples=60,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
