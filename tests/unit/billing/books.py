"""The whole rulebook of billing in memory: its aggregates, facts, projections and reactions, without a database."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from kernel.aggregate import Command, Context, Decision, Event
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.instants import to_text
from kernel.projection import Entry
from kernel.rows import MemoryRows, Row
from services.billing.domain.budget_line import OfAgreement, SetLimit
from services.billing.domain.certificate import OnCertificate
from services.billing.domain.invoice import Invoice, InvoiceFacts, RegisterInvoice, ReverseInvoice
from services.billing.domain.ledger import Budget
from services.billing.facts import read_agreement, read_certificate, read_invoice, read_limit
from services.billing.reactions import reactions
from services.billing.service import service

NOW = datetime(2027, 3, 1, 9, tzinfo=UTC)
SYSTEM = Actor.system("billing")


class Books:
    """One billing service: give it commands and other services' events, look at its events, states and tables."""

    def __init__(self) -> None:
        self.service = service()
        self.states: dict[tuple[str, str], Any] = {}
        self.rows = MemoryRows()
        self.log: list[tuple[str, str, dict[str, Any]]] = []
        self._tables = {table.name: table for table in self.service.read_tables()}
        self._rules = {on.command: (aggregate, rule) for aggregate, rule, on in self.service.rules_of.values()}

    # -- giving -------------------------------------------------------------------------------------------------------

    def do(self, command: Command, actor: Actor = SYSTEM) -> Decision:
        aggregate, rule = self._rules[type(command)]
        stream = rule.stream(command)
        state = self.states.get((aggregate.name, stream), aggregate.initial)
        context = Context(
            now=NOW,
            received_at=NOW,
            actor=actor,
            new_id=new_id,
            id=stream,
            facts=self._facts(command, state),
        )
        decision = aggregate.decide(state, command, context)
        for event in decision.events:
            self._record(aggregate.name, stream, event.model_dump(mode="json"), type(event))
        return decision

    def hear(self, source: str, name: str, data: dict[str, Any]) -> tuple[str, ...]:
        """Another service's event; the names of this service's events that followed."""
        before = len(self.log)
        model, react = reactions.handlers[source, name]
        entry = _entry(source, f"X/{new_id()}", f"market.{source}.{name}.v1", data)
        for command in react(None, model.model_validate(data), entry):  # type: ignore[arg-type]
            self.do(command)
        return tuple(name for name, _, _ in self.log[before:])

    def _facts(self, command: Command, state: Any) -> Any:
        if isinstance(command, SetLimit):
            return read_limit(self.rows, command)
        if isinstance(command, OfAgreement):
            return read_agreement(self.rows, command)
        if isinstance(command, OnCertificate):
            return read_certificate(self.rows, command)
        if isinstance(command, RegisterInvoice | ReverseInvoice):
            facts = read_invoice(self.rows, Budget(command.body_id, command.year), command.agreement_id)
        elif isinstance(state, Invoice) and state.agreement_id:
            facts = read_invoice(self.rows, state.budget, state.agreement_id)
        else:
            facts = InvoiceFacts()
        return InvoiceFacts(facts.source, facts.source_kopecks, f"N-{len(self.log)}")

    def _record(self, aggregate: str, stream: str, data: dict[str, Any], type_: type[Event]) -> None:
        name = type_.__name__
        self.log.append((name, stream, data))
        owner = self.service.events[name][0]
        state = self.states.get((aggregate, stream), owner.initial)
        event = type_.model_validate(data)
        again = owner.recomputed.get(name)
        for field, value in (again(state, event) if again else {}).items():
            assert getattr(event, field) == value, f"{name}.{field} computed again is {value}"
        self.states[aggregate, stream] = owner.evolve(state, event)
        entry = _entry("billing", f"{aggregate}/{stream}", self.service.event_type(type_), data)
        for projection in self.service.projections:
            projection.apply(self.rows, entry)

    # -- looking ------------------------------------------------------------------------------------------------------

    def table(self, name: str) -> list[Row]:
        return list(self.rows.tables.get(self._tables[name].fullname, {}).values())

    def balances(self) -> dict[str, int]:
        return {row["account"]: row["balance_kopecks"] for row in self.table("account")}

    def postings(self) -> Iterable[list[dict[str, Any]]]:
        return (data["postings"] for _, _, data in self.log if data.get("postings"))

    def replayed(self) -> Books:
        """Other books made from the events alone."""
        other = Books()
        for name, stream, data in self.log:
            aggregate, type_ = self.service.events[name]
            other._record(aggregate.name, stream, data, type_)
        return other


def _entry(source: str, subject: str, type_: str, data: dict[str, Any]) -> Entry:
    return Entry(
        source=source,
        event_id=new_id(),
        subject=subject,
        type=type_,
        time=to_text(NOW),
        actor="somebody",
        version=1,
        correlation_id="",
        received_at=to_text(NOW),
        ground="",
        data=data,
    )
