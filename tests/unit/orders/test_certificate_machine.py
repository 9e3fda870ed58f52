"""Whatever happens to a certificate in whatever order: redeemed, left and returned are what was issued, and each record is
answered once. Hypothesis plays officers, the holder, two providers, billing and the clock."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.orders.domain.certificate import state as s
from tests.unit.orders.certificate_walk import COST, FIRST, HOLDER, ID, ISSUED, SECOND, Paper
from tests.unit.orders.competition_walk import OFFICER, SECOND_OFFICER, rules

RULES = rules()
PROVIDERS = st.sampled_from((FIRST, SECOND))
VOLUMES = st.integers(1, ISSUED)


class CertificateMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.paper = Paper()
        self.paper.rules = RULES
        self.paper.requested()
        self.records: list[tuple[str, dict[str, Any]]] = []
        self.answered: dict[str, str] = {}

    @initialize(funded=st.booleans(), provider_id=st.none() | PROVIDERS)
    def it_begins(self, funded: bool, provider_id: str | None) -> None:
        if funded:
            self.paper.do(s.IssueCertificate(id=ID), SECOND_OFFICER)
            self.paper.do(s.AcceptCertificateFunds(id=ID, attempt=1))
        if provider_id:
            self.the_holder_chooses(provider_id)

    @rule(attempt=st.integers(1, 3), good=st.booleans())
    def billing_answers(self, attempt: int, good: bool) -> None:
        refusal = s.TakeFundsRefusal(id=ID, attempt=attempt, reason="short")
        self.paper.do(s.AcceptCertificateFunds(id=ID, attempt=attempt) if good else refusal)

    @rule()
    def an_officer_issues(self) -> None:
        self.paper.do(s.IssueCertificate(id=ID), SECOND_OFFICER)

    @rule(provider_id=PROVIDERS)
    def the_holder_chooses(self, provider_id: str) -> None:
        self.paper.do(s.ChooseProvider(id=ID, provider_id=provider_id), HOLDER, self.paper.offer(provider_id))

    @rule(provider_id=PROVIDERS, volume=VOLUMES, hours_ago=st.integers(0, 24 * 30))
    def a_record_is_made(self, provider_id: str, volume: int, hours_ago: int) -> None:
        made_at = self.paper.now - timedelta(hours=hours_ago)
        self.records.append((provider_id, self.paper.device.record(provider_id, volume, made_at)))

    @precondition(lambda self: self.records)
    @rule(data=st.data())
    def a_record_comes(self, data: st.DataObject) -> None:
        """Any of them, at any time, also again."""
        provider_id, record = data.draw(st.sampled_from(self.records))
        answer = self.paper.redeem(record, provider_id)
        before = self.answered.get(record["redemption_id"], "provider_not_chosen")
        if before == "taken":
            assert answer == "again", "a record is taken once"
        elif before == "provider_not_chosen":  # which leaves no trace
            assert answer != "again"
            self.answered[record["redemption_id"]] = answer
        else:
            assert answer == before, "a refused record stays refused, for the same reason"

    @rule()
    def it_is_annulled(self) -> None:
        self.paper.do(s.AnnulCertificate(id=ID, reason="asked for by mistake"), OFFICER)

    @rule(hours=st.sampled_from((1, 30, 24 * 20, 24 * 90)))
    def time_passes(self, hours: int) -> None:
        self.paper.after(hours=hours)

    @invariant()
    def it_adds_up(self) -> None:
        self.paper.check()
        state = self.paper.state
        assert state.redeemed_volume + state.left_volume + state.returned_volume == ISSUED
        assert state.paid_kopecks + state.left_kopecks + state.returned_kopecks == ISSUED * COST
        used = state.status == "used"
        assert not used or state.redeemed_volume == ISSUED
        assert state.valid_until is not None and not (state.status in s.GOOD and self.paper.now >= state.valid_until), (
            "nothing outlives its term"
        )


TestCertificateMachine = CertificateMachine.TestCase
TestCertificateMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
