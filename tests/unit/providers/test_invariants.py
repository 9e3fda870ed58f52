"""Whatever is commanded in whatever order: no place is promised twice, no volume is acted twice, rows follow events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kernel.aggregate import Aggregate, Command, Context, Event
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.instants import to_text
from kernel.projection import Entry
from kernel.rows import MemoryRows
from services.providers.domain.act import Agreement, act
from services.providers.domain.act_terms import (
    AskReversal,
    ConfirmAct,
    ConfirmReversal,
    DeclineReversal,
    DraftAct,
    DropAct,
    NewLine,
    ReturnAct,
    SubmitAct,
)
from services.providers.domain.workspace import (
    GiveBackPlaces,
    OpenWorkspace,
    ReservePlaces,
    SetPlaces,
    SuspendWorkspace,
    workspace,
)
from services.providers.service import service
from services.providers.tables import delivery, known_agreement, places
from tests.unit.providers.story import BODY, NOW, NPO, OFFICER, PROVIDER, RULES, SYSTEM

SERVICE = service()
AGREEMENTS = [new_id() for _ in range(3)]
ACTS = [new_id() for _ in range(5)]
VOLUME = 20
FORMS = st.sampled_from(["home", "urgent"])


def entry(source: str, stream: str, name: str, data: dict[str, Any]) -> Entry:
    return Entry(
        source=source,
        event_id=new_id(),
        subject=stream,
        type=f"market.{source}.{name}.v1",
        time=to_text(NOW),
        actor="x",
        version=1,
        correlation_id="c",
        received_at=to_text(NOW),
        ground="",
        data=data,
    )


def activated(agreement_id: str) -> Entry:
    data = {
        "agreement_id": agreement_id,
        "body_id": BODY,
        "year": 2027,
        "provider_id": PROVIDER,
        "provider_kind": "npo",
        "service_code": "DOM-01",
        "service_kind": "domestic",
        "form": "home",
        "unit": "visit",
        "volume": VOLUME,
        "unit_price_kopecks": 100,
        "amount_kopecks": VOLUME * 100,
        "starts": "2027-01-01",
        "ends": "2027-12-31",
    }
    return entry("orders", f"Agreement/{agreement_id}", "AgreementActivated", data)


def project(rows: MemoryRows, entry: Entry) -> None:
    for projection in SERVICE.projections:
        projection.apply(rows, entry)


class Provider(RuleBasedStateMachine):
    """One provider's workspace and acts, with the facts that the tables give."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = MemoryRows()
        self.states: dict[tuple[str, str], Any] = {}
        self.over: set[str] = set()
        for agreement_id in AGREEMENTS:
            project(self.rows, activated(agreement_id))

    def give(self, aggregate: Aggregate, command: Command, actor: Actor, facts: Any = None) -> tuple[Event, ...]:
        stream = command.id  # type: ignore[attr-defined]
        state = self.states.get((aggregate.name, stream), aggregate.initial)
        context = Context(NOW, NOW, actor, new_id, stream, facts=facts, rules=RULES)
        decision = aggregate.decide(state, command, context)
        for event in decision.events:
            again = aggregate.recomputed.get(type(event).__name__)
            for name, value in (again(state, event) if again else {}).items():
                assert getattr(event, name) == value
            state = aggregate.evolve(state, event)
            data = event.model_dump(mode="json")
            project(self.rows, entry("providers", f"{aggregate.name}/{stream}", type(event).__name__, data))
        self.states[aggregate.name, stream] = aggregate.load_json(aggregate.dump(state))
        return decision.events

    def agreement(self, agreement_id: str) -> Agreement:
        row = self.rows.get(known_agreement, {"agreement_id": agreement_id}) or {}
        row = {name: value for name, value in row.items() if name not in ("agreement_id", "confirmed", "over")}
        return Agreement(id=agreement_id, **row)

    @rule()
    def open(self) -> None:
        self.give(workspace, OpenWorkspace(id=PROVIDER), SYSTEM)

    @rule()
    def suspend(self) -> None:
        self.give(workspace, SuspendWorkspace(id=PROVIDER), SYSTEM)

    @rule(form=FORMS, maximum=st.integers(0, 12), funded=st.integers(0, 12))
    def set_places(self, form: Any, maximum: int, funded: int) -> None:
        self.give(workspace, SetPlaces(id=PROVIDER, form=form, maximum=maximum, funded=funded), NPO)

    @rule(agreement_id=st.sampled_from(AGREEMENTS), form=FORMS, wanted=st.integers(0, 8))
    def request_places(self, agreement_id: str, form: Any, wanted: int) -> None:
        command = ReservePlaces(id=PROVIDER, agreement_id=agreement_id, form=form, places=wanted)
        over = "voided" if agreement_id in self.over else ""
        [answer] = self.give(workspace, command, SYSTEM, over)  # exactly one, always
        assert type(answer).__name__ in ("PlacesReserved", "PlacesRefused")

    @rule(agreement_id=st.sampled_from(AGREEMENTS))
    def void(self, agreement_id: str) -> None:
        self.over.add(agreement_id)
        self.give(workspace, GiveBackPlaces(id=PROVIDER, agreement_id=agreement_id, reason="voided"), SYSTEM)

    @rule(act_id=st.sampled_from(ACTS), agreement_id=st.sampled_from(AGREEMENTS), quantity=st.integers(1, 15))
    def draft(self, act_id: str, agreement_id: str, quantity: int) -> None:
        lines = [NewLine(service_code="DOM-01", unit="visit", quantity=quantity)]
        command = DraftAct(id=act_id, agreement_id=agreement_id, month="2027-02", lines=lines)
        self.give(act, command, NPO, self.agreement(agreement_id))

    @rule(act_id=st.sampled_from(ACTS))
    def submit(self, act_id: str) -> None:
        state = self.states.get(("Act", act_id), act.initial)
        facts = self.agreement(state.agreement_id) if state.agreement_id else None
        self.give(act, SubmitAct(id=act_id), NPO, facts)

    @rule(act_id=st.sampled_from(ACTS))
    def confirm(self, act_id: str) -> None:
        self.give(act, ConfirmAct(id=act_id), OFFICER)

    @rule(act_id=st.sampled_from(ACTS))
    def return_or_drop(self, act_id: str) -> None:
        if not self.give(act, ReturnAct(id=act_id, reason="wrong"), OFFICER):
            self.give(act, DropAct(id=act_id), NPO)

    @rule(act_id=st.sampled_from(ACTS), asker=st.sampled_from([NPO, OFFICER]), confirmed=st.booleans())
    def reverse(self, act_id: str, asker: Actor, confirmed: bool) -> None:
        self.give(act, AskReversal(id=act_id, reason="wrong"), asker)
        command = ConfirmReversal(id=act_id) if confirmed else DeclineReversal(id=act_id, reason="it is right")
        self.give(act, command, OFFICER if asker is NPO else NPO)

    @invariant()
    def no_place_is_promised_twice(self) -> None:
        state = self.states.get(("Workspace", PROVIDER), workspace.initial)
        assert not self.over & set(state.held), "an agreement that is over holds places"
        for form in ("home", "urgent"):
            assert 0 <= state.reserved(form) <= state.funded(form) and state.free(form) >= 0
            row = self.rows.get(places, {"provider_id": PROVIDER, "form": form})
            if row is not None:
                held = (state.funded(form), state.reserved(form), state.free(form))
                assert (row["funded"], row["reserved"], row["free"]) == held

    @invariant()
    def no_volume_is_acted_twice(self) -> None:
        acts = [state for (name, _), state in self.states.items() if name == "Act"]
        for agreement_id in AGREEMENTS:
            of_it = [state for state in acts if state.agreement_id == agreement_id]
            accepted = sum(s.quantity for s in of_it if s.status in ("confirmed", "reversal_asked"))
            claimed = accepted + sum(s.quantity for s in of_it if s.status == "submitted")
            assert claimed <= VOLUME
            row = self.rows.get(known_agreement, {"agreement_id": agreement_id}) or {}
            assert (row["claimed"], row["confirmed"]) == (claimed, accepted)
            journal = self.rows.tables.get(delivery.fullname, {}).values()
            assert sum(row["quantity"] for row in journal if row["agreement_id"] == agreement_id) == accepted


TestProvider = Provider.TestCase
TestProvider.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("name", ["AgreementVoided", "AgreementTerminated", "AgreementSuspended", "AgreementResumed"])
def test_every_event_of_an_agreement_may_come_before_what_acts_say_of_it(name: str) -> None:
    """What orders and acts write into one row commutes."""
    foreign = [activated(AGREEMENTS[0]), entry("orders", f"Agreement/{AGREEMENTS[0]}", name, {"reason": "r"})]
    data = {"agreement_id": AGREEMENTS[0], "quantity": 5, "by": "x"}
    own = [
        entry("providers", "Act/1", "ActSubmitted", data),
        entry("providers", "Act/1", "ActReturned", {"agreement_id": AGREEMENTS[0], "quantity": 5, "reason": "r"}),
        entry("providers", "Act/2", "ActSubmitted", {**data, "quantity": 7}),
    ]
    assert played(foreign + own) == played(own + foreign) == played([own[0], *foreign, *own[1:]])


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 9)), max_size=12), st.randoms())
def test_the_journal_is_the_same_in_whatever_order_streams_arrive(acts: list[tuple[str, int]], random: Any) -> None:
    agreements = {"a": AGREEMENTS[0], "b": AGREEMENTS[1]}
    about = {"provider_id": PROVIDER, "provider_kind": "npo", "body_id": BODY, "year": 2027, "month": "2027-02",
             "service_code": "DOM-01"}  # fmt: skip
    streams = []
    for key, quantity in acts:
        act_id = new_id()
        data = {**about, "act_id": act_id, "agreement_id": agreements[key], "quantity": quantity,
                "amount_kopecks": quantity * 100}  # fmt: skip
        confirmed = entry("providers", f"Act/{act_id}", "ActConfirmed", {**data, "form": "home", "unit": "v", "by": ""})
        reversed_ = entry("providers", f"Act/{act_id}", "ActReversed", {**data, "reason": "r"})
        streams.append([confirmed, reversed_][: 1 + quantity % 2])
    straight = [each for stream in streams for each in stream]
    waiting = {each.subject: iter([e for e in straight if e.subject == each.subject]) for each in straight}
    mixed = sorted(straight, key=lambda each: random.random())
    kept = [next(waiting[each.subject]) for each in mixed]  # streams are mixed, each keeps its own order
    assert played(straight) == played(kept)


def played(entries: list[Entry]) -> dict[str, Any]:
    rows = MemoryRows()
    for each in entries:
        project(rows, replace(each))
    return rows.tables
