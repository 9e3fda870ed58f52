"""Subscriptions (decision D4): reading another service's log, each entry with effect exactly once, in order.

The checkpoint row moves in the transaction of the effects and is the fence between replicas: a duplicate is skipped, a
gap is read from the source's log by SQL, two workers can't apply at once. An event that can't be handled parks its
**stream**: it and later events of the same subject wait in order while others go on. A parked stream is tried again
with growing pauses, then waits for `./market parked retry`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection

from kernel import tracing
from kernel.aggregate import snake
from kernel.chain import event_bytes
from kernel.database import is_transient
from kernel.failpoints import FailpointHit, failpoint
from kernel.host import Host
from kernel.identity import Actor
from kernel.logs import logger, told
from kernel.metrics import HANDLED, REACTION_REFUSALS
from kernel.pipeline import COMMIT, Statement, run
from kernel.projection import Entry
from kernel.rows import SqlRows
from kernel.store import Cause, Unit, entry_of
from kernel.traceparent import place_of_event

BATCH = 100
RETRIES = 5
_FENCE = "SELECT sequence FROM subscription WHERE source = %s FOR UPDATE SKIP LOCKED"
_PAGE = (
    'SELECT sequence, entry FROM "{0}".log WHERE sequence > '
    "(SELECT sequence FROM subscription WHERE source = %s) ORDER BY sequence LIMIT %s"
)
STREAMS = 20  # parked streams in one turn of a worker
log = logger("subscription")

Numbered = tuple[int, bytes]


class Taken(NamedTuple):
    """What came of one batch: entries passed, whether those were all, the checkpoint after it (None: another has it)."""

    passed: int
    whole: bool
    checkpoint: int | None


class Subscription:
    """One consumer's reading of one source."""

    def __init__(self, host: Host, source: str, batch: int = BATCH) -> None:
        self._host = host
        self._service = host.service
        self.source = source
        self._batch = batch
        self._wanted = {name for origin, name in self._service.reactions.handlers if origin == source}
        if source != self._service.name:
            for projection in self._service.projections:
                self._wanted |= {name for origin, name in projection.handlers if origin == source}

    def catch_up(self) -> int:
        """Handle one page of the source's log after the checkpoint; how many entries were passed."""
        return self._done(self._carefully_if_need_be(None)).passed

    def deliver(self, entries: Sequence[Numbered]) -> bool:
        """Handle entries that a bus brought. False where one is missing before them: then `catch_up` must read on."""
        return self._done(self._carefully_if_need_be(entries)).whole

    def receive(self, entries: Sequence[Numbered]) -> int | None:
        """Handle entries that a bus brought, reading what is missing from the log; the checkpoint after that.

        An entry above it is not in the log. None: another worker is at it, and nothing is known.
        """
        try:
            taken = self._done(self._carefully_if_need_be(entries))
        except FailpointHit:
            raise
        except Exception as problem:  # what a bus brought can't hold up what the log has
            if is_transient(problem):
                raise
            log.error("unreadable", service=self._service.name, source=self.source, error=told(problem))
            taken = Taken(0, False, 0)
        if taken.whole or taken.checkpoint is None:
            return taken.checkpoint
        while self.catch_up():
            pass
        with self._host.engine.connect() as connection, connection.begin():
            return self._fence(connection)

    def retry_parked(self, everything: bool = False) -> int:
        """Try parked streams whose time has come (or `everything`), each from its first event; how many went through."""
        with self._host.engine.connect() as connection, connection.begin():
            if self._fence(connection) is None:
                return 0
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock_shared(%s)", (self._host.store.rebuild_lock,))
            subjects = (
                connection.exec_driver_sql(
                    "SELECT subject FROM parked WHERE source = %s GROUP BY subject "
                    "HAVING %s OR min(next_try) <= clock_timestamp() ORDER BY min(sequence) LIMIT %s",
                    (self.source, everything, None if everything else STREAMS),
                )
                .scalars()
                .all()
            )
            unit = self._host.store.begin(connection)
            handled = sum(self._retry_stream(unit, subject) for subject in subjects)
            self._host.store.finish(unit)
        return self._done(Taken(handled, True, None)).passed

    def _carefully_if_need_be(self, offered: Sequence[Numbered] | None) -> Taken:
        """One batch in one go. Only if something in it fails: again, each entry under a savepoint of its own."""
        try:
            return self._take(offered, careful=False)
        except FailpointHit:
            raise
        except Exception as problem:  # the careful turn finds out which entry it was
            if is_transient(problem):
                raise
            return self._take(offered, careful=True)

    def _take(self, offered: Sequence[Numbered] | None, careful: bool) -> Taken:
        """Handle what was offered, or a page of the source's log."""
        with self._host.engine.connect() as connection:
            statements: list[Statement] = [
                # The rebuild of a read table takes this lock's exclusive form to swap (kernel/rebuild.py).
                ("SELECT pg_advisory_xact_lock_shared(%s)", (self._host.store.rebuild_lock,)),
                (_FENCE, (self.source,)),
                ("SELECT DISTINCT subject FROM parked WHERE source = %s", (self.source,)),
            ]
            if offered is None:
                statements.append((_PAGE.format(self.source), (self.source, self._batch)))
            _, fence, parked, *page = run(connection, statements)
            if not fence:
                return Taken(0, False, None)
            checkpoint = fence[0][0]
            # Each once: a doubled entry would shift the places of the others and hide that one is missing.
            found = offered if offered is not None else [(row[0], bytes(row[1])) for row in page[0]]
            fresh = sorted({sequence: body for sequence, body in found if sequence > checkpoint}.items())
            unbroken = [e for i, e in enumerate(fresh) if e[0] == checkpoint + 1 + i]
            if unbroken:
                self._apply(connection, unbroken, {row[0] for row in parked}, careful)
        return Taken(len(unbroken), len(unbroken) == len(fresh), checkpoint + len(unbroken))

    def _fence(self, connection: Connection) -> int | None:
        return connection.exec_driver_sql(_FENCE, (self.source,)).scalar_one_or_none()

    def _done(self, taken: Taken) -> Taken:
        if taken.passed:
            failpoint("subscription.committed")
            HANDLED.labels(self._service.name, self.source).inc(taken.passed)
            self._host.wake(self._service.name)
        return taken

    def _apply(self, connection: Connection, entries: Sequence[Numbered], waiting: set[str], careful: bool) -> None:
        if self._service.deposit and self.source in self._service.deposit.sources:
            self._service.deposit.take(connection, self.source, entries)
        move = ("UPDATE subscription SET sequence = %s WHERE source = %s", (entries[-1][0], self.source))
        if not self._wanted:
            failpoint("subscription.before_commit")
            run(connection, [move, COMMIT])
            return
        unit = self._host.store.begin(connection)
        self._handle_all(unit, entries, waiting, careful)
        unit.batch.add(*move)
        failpoint("subscription.before_commit")
        self._host.store.finish(unit, COMMIT)

    def _handle_all(self, unit: Unit, entries: Sequence[Numbered], waiting: set[str], careful: bool) -> None:
        for sequence, body in entries:
            entry = entry_of(self.source, orjson.loads(event_bytes(body)))
            if entry.name not in self._wanted:
                continue
            if entry.subject in waiting:
                self._park(unit.connection, sequence, entry.subject, body, "an earlier event of this stream waits", 0)
                continue
            if careful:
                error = self._try(unit, entry)
                if error:
                    waiting.add(entry.subject)
                    self._park(unit.connection, sequence, entry.subject, body, error, 1)
            else:
                self._handle(unit, entry)
            failpoint("subscription.mid_batch")

    def _try(self, unit: Unit, entry: Entry) -> str | None:
        """Handle one entry under a savepoint. The error's text where it failed by itself; a lost database is raised."""
        gathered = len(unit.outbox)
        unit.batch.flush()
        savepoint = unit.connection.begin_nested()
        try:
            self._handle(unit, entry)
            unit.batch.flush()
            savepoint.commit()
            return None
        except FailpointHit:
            raise
        except Exception as problem:
            if is_transient(problem):
                raise
            savepoint.rollback()
            unit.batch.forget()
            del unit.outbox[gathered:]
            log.error(
                "parked", service=self._service.name, source=self.source, event_id=entry.event_id,
                type=entry.type, error=told(problem),
            )  # fmt: skip
            return told(problem, 2000)

    def _handle(self, unit: Unit, entry: Entry) -> None:
        name = f"{self._service.name} handles {self.source}.{entry.name}"
        made_at = place_of_event(entry.correlation_id, entry.event_id)
        with tracing.span(name, "consumer", made_at) as span:
            span.set({"messaging.message.id": entry.event_id})
            self._project(unit, entry)
            self._react(unit, entry)

    def _project(self, unit: Unit, entry: Entry) -> None:
        if self.source != self._service.name:
            rows = SqlRows(unit.batch)
            for projection in self._service.projections:
                projection.apply(rows, entry)

    def _react(self, unit: Unit, entry: Entry) -> None:
        reaction = self._service.reactions.handlers.get((self.source, entry.name))
        if reaction is None:
            return
        unit.batch.flush()  # the reaction may ask the tables that have just been written
        model, react = reaction
        actor = Actor.system(self._service.name)
        cause = Cause(actor, None, entry.correlation_id, entry.event_id)
        for command in react(unit.connection, model.model_validate(entry.data), entry):
            with tracing.span(f"{self._service.name}.{snake(type(command).__name__)}", "internal") as span:
                outcome = self._host.store.execute(unit, command, cause)
                span.set({"market.outcome": outcome.code})
            if outcome.decision.refusal:
                REACTION_REFUSALS.labels(self._service.name, outcome.decision.refusal.code).inc()
                log.info(
                    "reaction refused", service=self._service.name, event_id=entry.event_id,
                    command=type(command).__name__, code=outcome.decision.refusal.code,
                )  # fmt: skip

    def _park(
        self, connection: Connection, sequence: int, subject: str, body: bytes, error: str, attempts: int
    ) -> None:
        connection.exec_driver_sql(
            "INSERT INTO parked (source, sequence, subject, entry, error, attempts, next_try) "
            "VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp() + interval '1 second' * %s)",
            (self.source, sequence, subject, body, error, attempts, 1 if attempts else None),
        )

    def _retry_stream(self, unit: Unit, subject: str) -> int:
        """A stream's parked events from the first to the last or to one that fails again; how many went through."""
        done = 0
        while rows := self._parked_page(unit.connection, subject):
            for sequence, body, attempts in rows:
                error = self._try(unit, entry_of(self.source, orjson.loads(event_bytes(bytes(body)))))
                if error:
                    pause = 2.0**attempts if attempts < RETRIES else None
                    unit.connection.exec_driver_sql(
                        "UPDATE parked SET error = %s, attempts = attempts + 1, "
                        "next_try = clock_timestamp() + interval '1 second' * %s WHERE source = %s AND sequence = %s",
                        (error, pause, self.source, sequence),
                    )
                    return done
                unit.connection.exec_driver_sql(
                    "DELETE FROM parked WHERE source = %s AND sequence = %s", (self.source, sequence)
                )
                done += 1
        return done

    def _parked_page(self, connection: Connection, subject: str) -> Sequence[Any]:
        return connection.exec_driver_sql(
            "SELECT sequence, entry, attempts FROM parked WHERE source = %s AND subject = %s ORDER BY sequence LIMIT %s",
            (self.source, subject, self._batch),
        ).all()
