"""The store (decision D2): one transaction per command, so that no handler can forget a part of it.

    rebuild lock → advisory locks → the aggregate's row FOR NO KEY UPDATE → stored reply → facts → decide → fold
    → state row, read tables, due commands, reply → **outbox last** → COMMIT

What stands before the facts is one round trip, what follows the decision, with the COMMIT, another.

Promises: a command with a key is done once, however often it is sent, and the first answer is given again; a refused
command changes nothing unless the refusal itself is a fact; a COMMIT whose answer was lost is settled by the key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection

from kernel import canonical, tracing
from kernel.aggregate import Aggregate, Command, CommandRule, Context, Decision, Event, snake
from kernel.clock import Clock
from kernel.database import lock_key, lock_statements
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.instants import to_text
from kernel.pipeline import COMMIT, Batch, Statement, run
from kernel.projection import Entry
from kernel.refusal import KEY_REUSED, MISSING, STALE, WRONG_STATE, Refusal, Refused
from kernel.rows import SqlRows
from kernel.service import On, Service, Surroundings

NEW_STATES = frozenset({""})


@dataclass(frozen=True)
class Cause:
    """Why and by whom a command is given: what its events' envelopes say."""

    actor: Actor
    received_at: datetime | None
    correlation_id: str
    causation_id: str | None = None
    expected_version: int | None = None


@dataclass(frozen=True)
class StoredReply:
    """The first answer that was given under a key, with the hash of the input it answered."""

    input_hash: bytes
    reply: Any


@dataclass(frozen=True)
class _Opened:
    """A command's aggregate, its row held and read."""

    aggregate: Aggregate
    rule: CommandRule
    on: On
    stream: str
    loaded: list[tuple[Any, ...]]


@dataclass
class Unit:
    """What one transaction has gathered for its end: the outbox is written last, in one statement."""

    batch: Batch
    now: datetime
    outbox: list[tuple[str, str, str, bytes]] = field(default_factory=list)

    @property
    def connection(self) -> Connection:
        return self.batch.connection


@dataclass(frozen=True)
class Outcome:
    """What came of one command inside a transaction."""

    id: str
    version: int
    decision: Decision
    events: tuple[tuple[str, bytes], ...] = ()

    @property
    def code(self) -> str:
        """`done`, or the code of the refusal."""
        return self.decision.refusal.code if self.decision.refusal else "done"

    @property
    def wrote(self) -> bool:
        return bool(self.events) or bool(self.decision.due) or self.decision.keep


class Store:
    """Executes commands of one service inside transactions that its callers open."""

    def __init__(self, service: Service, clock: Clock, rules: Any, keys: Path) -> None:
        self.service = service
        self.clock = clock
        self.rules = rules
        self.keys = keys
        self.rebuild_lock = lock_key("rebuild", service.name)
        self._sql = {a.name: _state_sql(service.name, a.table) for a in service.aggregates}

    def begin(self, connection: Connection) -> Unit:
        """A unit for commands inside a transaction that is under way (reactions, due commands)."""
        return Unit(Batch(connection), self.clock.now(connection))

    def stored_reply(self, connection: Connection, actor: str, command: str, key: str) -> StoredReply | None:
        """The reply kept under a key, as (hash of the input, reply)."""
        rows = run(connection, [(_FIND_REPLY, (actor, command, key))])[0]
        return _reply_in(rows)

    def once(
        self, connection: Connection, command: Command, cause: Cause, key: str
    ) -> StoredReply | tuple[Unit, Outcome]:
        """A command's own transaction up to its decision: the reply kept under its key, or what comes of it now.

        The reply is looked up after the aggregate's row is held: of two calls with one key the second waits for the
        first and finds its reply, and isn't refused for what the first has changed.
        """
        aggregate, rule, on = self.service.rules_of[snake(type(command).__name__)]
        stream = rule.stream(command)
        statements = [
            (_SHARE_REBUILD_LOCK, (self.rebuild_lock,)),
            *self._opening(aggregate, stream, on, command),
            (_FIND_REPLY, (cause.actor.id, rule.name, key)),
        ]
        *_, loaded, kept = run(connection, statements)
        stored = _reply_in(kept)
        if stored:
            return stored
        unit = self.begin(connection)
        return unit, self._decide(unit, _Opened(aggregate, rule, on, stream, loaded), command, cause)

    def commit(self, unit: Unit, actor: str, command: str, key: str, hashed: bytes, reply: Any) -> None:
        """Everything that a command wrote, its reply, the outbox last, and COMMIT, in one round trip."""
        unit.batch.add(_KEEP_REPLY, (actor, command, key, hashed, orjson.dumps(reply).decode()))
        self._outbox(unit)
        unit.batch.flush(COMMIT)

    def execute(self, unit: Unit, command: Command, cause: Cause) -> Outcome:
        """Decide `command` inside a transaction under way; all is written but the outbox, which `finish` writes.

        A refusal is a normal end: the transaction goes on, without what the refused command's facts wrote.
        """
        aggregate, rule, on = self.service.rules_of[snake(type(command).__name__)]
        stream = rule.stream(command)
        unit.batch.flush()
        loaded = run(unit.connection, self._opening(aggregate, stream, on, command))[-1]
        opened = _Opened(aggregate, rule, on, stream, loaded)
        if not on.facts:
            outcome = self._decide(unit, opened, command, cause)
            unit.batch.flush()
            return outcome
        with unit.connection.begin_nested() as savepoint:
            outcome = self._decide(unit, opened, command, cause)
            unit.batch.flush()
            if outcome.decision.refusal and not outcome.wrote:
                savepoint.rollback()
        return outcome

    def finish(self, unit: Unit, *last: Statement) -> None:
        """Write the gathered events into the outbox, a transaction's last statement before its COMMIT (`last`)."""
        self._outbox(unit)
        unit.batch.flush(*last)

    def _opening(self, aggregate: Aggregate, stream: str, on: On, command: Command) -> list[Statement]:
        locks = lock_statements(on.locks(command)) if on.locks else []
        return [*locks, (self._sql[aggregate.name][0], (stream,))]

    def _outbox(self, unit: Unit) -> None:
        if len(unit.outbox) == 1:
            unit.batch.add(_OUTBOX_ONE, unit.outbox[0])
        elif unit.outbox:
            ids, subjects, types, events = map(list, zip(*unit.outbox, strict=True))
            unit.batch.add(_OUTBOX_MANY, (ids, subjects, types, events))
        unit.outbox.clear()

    def _decide(self, unit: Unit, opened: _Opened, command: Command, cause: Cause) -> Outcome:
        aggregate, rule, stream = opened.aggregate, opened.rule, opened.stream
        version, state = (opened.loaded[0][0], aggregate.load(opened.loaded[0][1])) if opened.loaded else (
            0, aggregate.initial,
        )  # fmt: skip
        refusal = _admissible(aggregate, rule, state, version, stream, cause)
        if refusal:
            return Outcome(stream, version, Decision(refusal=refusal))
        received_at = cause.received_at or unit.now
        facts = None
        if opened.on.facts:
            surroundings = Surroundings(cause.actor, unit.now, self.rules, self.keys, received_at)
            try:
                facts = opened.on.facts(unit.connection, command, state, surroundings)
            except Refused as answer:
                return Outcome(stream, version, Decision(refusal=answer.refusal))
        context = Context(
            now=unit.now,
            received_at=received_at,
            actor=cause.actor,
            new_id=new_id,
            id=stream,
            version=version,
            facts=facts,
            rules=self.rules,
        )
        decision = aggregate.decide(state, command, context)
        if decision.events:
            return self._write(unit, opened, version, state, decision, cause)
        self._keep_due(unit, decision, cause, None)
        return Outcome(stream, version, decision)

    def _write(
        self, unit: Unit, opened: _Opened, version: int, state: Any, decision: Decision, cause: Cause
    ) -> Outcome:
        aggregate, stream = opened.aggregate, opened.stream
        rows = SqlRows(unit.batch)
        written: list[tuple[str, bytes]] = []
        for event in decision.events:
            version += 1
            state = aggregate.evolve(state, event)
            entry = self._envelope(event, aggregate, opened.rule, stream, version, unit.now, cause)
            body = canonical.dumps(cloud_event(entry, self.service))
            unit.outbox.append((entry.event_id, entry.subject, entry.type, body))
            written.append((entry.event_id, body))
            tracing.event_made(entry)
            for projection in self.service.projections:
                projection.apply(rows, entry)
        sql = self._sql[aggregate.name][2 if opened.loaded else 1]
        unit.batch.add(sql, (version, aggregate.dump(state).decode(), stream))
        self._keep_due(unit, decision, cause, written[-1][0])
        return Outcome(stream, version, decision, tuple(written))

    def _envelope(
        self,
        event: Event,
        aggregate: Aggregate,
        rule: CommandRule,
        stream: str,
        version: int,
        now: datetime,
        cause: Cause,
    ) -> Entry:
        return Entry(
            source=self.service.name,
            event_id=new_id(),
            subject=f"{aggregate.name}/{stream}",
            type=self.service.event_type(type(event)),
            time=to_text(now),
            actor=cause.actor.id,
            version=version,
            correlation_id=cause.correlation_id,
            received_at=to_text(cause.received_at or now),
            ground=rule.ground,
            data=event.model_dump(mode="json"),
            causation_id=cause.causation_id or "",
        )

    def _keep_due(self, unit: Unit, decision: Decision, cause: Cause, event_id: str | None) -> None:
        for due in decision.due:
            data = due.command.model_dump_json()
            name = snake(type(due.command).__name__)
            causation_id = event_id or cause.causation_id
            unit.batch.add(_KEEP_DUE, (due.at, name, data, cause.correlation_id, causation_id))


def _admissible(
    aggregate: Aggregate, rule: CommandRule, state: Any, version: int, stream: str, cause: Cause
) -> Refusal | None:
    """What can be said before facts are gathered: a missing stream, a stale version."""
    if version == 0 and "" not in rule.states:
        return MISSING.having(what=aggregate.name, id=stream)
    if cause.expected_version is not None and cause.expected_version != version:
        return STALE.having(expected=cause.expected_version, actual=version)
    if version > 0 and rule.states == NEW_STATES:
        return WRONG_STATE.having(state=state.status, allowed="new")
    return None


def _reply_in(rows: list[tuple[Any, ...]]) -> StoredReply | None:
    return StoredReply(bytes(rows[0][0]), rows[0][1]) if rows else None


def check_reuse(stored: StoredReply, hashed: bytes) -> dict[str, Any]:
    """The first answer again, or a refusal when the same key came with other input."""
    if stored.input_hash != hashed:
        return {"refused": KEY_REUSED.to_dict()}
    return {**stored.reply, "replayed": True}


def body_hash(data: Mapping[str, Any], expected_version: int | None = None) -> bytes:
    """SHA-256 over the canonical input; ValueError where it can't be canonical (a float, a huge integer)."""
    return hashlib.sha256(canonical.dumps({"data": data, "version": expected_version})).digest()


def cloud_event(entry: Entry, service: Service) -> dict[str, Any]:
    """The event as CloudEvents 1.0 with the project's extensions (DESIGN §6)."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": entry.event_id,
        "source": f"/services/{service.name}",
        "type": entry.type,
        "subject": entry.subject,
        "time": entry.time,
        "datacontenttype": "application/json",
        "dataschema": f"contracts/events/{service.family}/{entry.name}.v{entry.type.rsplit('.v', 1)[1]}.json",
        "data": entry.data,
        "streamversion": entry.version,
        "actor": entry.actor,
        "correlationid": entry.correlation_id,
        "receivedat": entry.received_at,
    }
    if entry.ground:
        event["ground"] = entry.ground
    if entry.causation_id:
        event["causationid"] = entry.causation_id
    return event


def entry_of(source: str, event: Mapping[str, Any]) -> Entry:
    """The Entry of a parsed CloudEvent."""
    return Entry(
        source=source,
        event_id=event["id"],
        subject=event["subject"],
        type=event["type"],
        time=event["time"],
        actor=event["actor"],
        version=event["streamversion"],
        correlation_id=event["correlationid"],
        received_at=event["receivedat"],
        ground=event.get("ground", ""),
        data=event["data"],
        causation_id=event.get("causationid", ""),
    )


def _state_sql(schema: str, table: str) -> tuple[str, str, str]:
    name = f'"{schema}"."{table}"'
    return (
        f"SELECT version, state FROM {name} WHERE id = %s FOR NO KEY UPDATE",
        f"INSERT INTO {name} (version, state, id) VALUES (%s, %s, %s)",
        f"UPDATE {name} SET version = %s, state = %s WHERE id = %s",
    )


_SHARE_REBUILD_LOCK = "SELECT pg_advisory_xact_lock_shared(%s)"
_FIND_REPLY = "SELECT input_hash, reply FROM reply WHERE actor = %s AND command = %s AND key = %s"
_KEEP_REPLY = "INSERT INTO reply (actor, command, key, input_hash, reply) VALUES (%s, %s, %s, %s, %s)"
_OUTBOX_ONE = "INSERT INTO outbox (event_id, subject, type, event) VALUES (%s, %s, %s, %s)"
_OUTBOX_MANY = """
INSERT INTO outbox (event_id, subject, type, event)
SELECT e, s, t, b FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bytea[]) WITH ORDINALITY AS u(e, s, t, b, n)
ORDER BY n
"""
_KEEP_DUE = "INSERT INTO due (due_at, command, data, correlation_id, causation_id) VALUES (%s, %s, %s, %s, %s)"
