"""The schedule: commands that a service gave itself for later, fired once each, in the order of their instants.

A due command is stored in the transaction of the decision that needs it and deleted in the transaction that carries
it out, so it can't be lost or done twice; after the system slept, what is overdue fires in order. One that fails is
tried again with growing pauses while the others go on. A refusal is a normal end: the state had moved on.
"""

from __future__ import annotations

import orjson

from kernel import tracing
from kernel.database import is_transient, lock_key
from kernel.host import Host
from kernel.identity import Actor
from kernel.logs import logger, told
from kernel.metrics import DUE_FIRED, REACTION_REFUSALS
from kernel.store import Cause
from kernel.traceparent import place_of_event

log = logger("schedule")


class Schedule:
    """Fires one service's due commands."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = lock_key("schedule", host.service.name)

    def fire(self) -> int:
        """Fire the first due command, if its instant has come; 1 if there was one."""
        store = self._host.store
        row_id = None
        try:
            with self._host.engine.connect() as connection, connection.begin():
                # One at a time in the whole installation, or the order would be lost between replicas.
                if not connection.exec_driver_sql("SELECT pg_try_advisory_xact_lock(%s)", (self._lock,)).scalar_one():
                    return 0
                now = self._host.clock.now(connection)
                row = connection.exec_driver_sql(_FIRST, (now,)).one_or_none()
                if row is None:
                    return 0
                row_id, name, data, correlation_id, causation_id = row
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock_shared(%s)", (store.rebuild_lock,))
                rule = self._host.service.rules_of[name][1]
                command = rule.type.model_validate_json(orjson.dumps(data))
                unit = store.begin(connection)
                cause = Cause(Actor.system(self._host.service.name), None, correlation_id, causation_id)
                told_at = place_of_event(correlation_id, causation_id or "")
                name = f"{self._host.service.name}.{name}"
                with tracing.span(name, "internal", told_at, correlation_id) as span:
                    outcome = store.execute(unit, command, cause)
                    span.set({"market.outcome": outcome.code})
                connection.exec_driver_sql("DELETE FROM due WHERE id = %s", (row_id,))
                store.finish(unit)
        except Exception as problem:
            if row_id is None or is_transient(problem):
                raise
            self._postpone(row_id, told(problem, 2000))
            return 1
        refusal = outcome.decision.refusal
        DUE_FIRED.labels(self._host.service.name, "refused" if refusal else "done").inc()
        if refusal:
            REACTION_REFUSALS.labels(self._host.service.name, refusal.code).inc()
        self._host.wake(self._host.service.name)
        return 1

    def _postpone(self, row_id: int, error: str) -> None:
        log.error("due command failed", service=self._host.service.name, id=row_id, error=error[:500])
        DUE_FIRED.labels(self._host.service.name, "failed").inc()
        with self._host.engine.connect() as connection, connection.begin():
            connection.exec_driver_sql(
                "UPDATE due SET attempts = attempts + 1, error = %s, "
                "next_try = clock_timestamp() + interval '1 second' * power(2, least(attempts, 8)) WHERE id = %s",
                (error, row_id),
            )


_FIRST = """
SELECT id, command, data, correlation_id, causation_id FROM due
WHERE due_at <= %s AND (next_try IS NULL OR next_try <= clock_timestamp())
ORDER BY due_at, id LIMIT 1 FOR UPDATE
"""
