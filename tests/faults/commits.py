"""A command held in the middle of its COMMIT, so that a test can do something to it there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg

from tests.faults.patience import until
from tests.faults.system import System

GATE = 4_242  # the advisory lock at which the commit waits


class Held:
    """The gate: who waits at it, and how it opens."""

    def __init__(self, system: System, gate: psycopg.Connection[tuple[object, ...]]) -> None:
        self._system = system
        self._gate = gate

    def wait(self) -> int:
        """Wait until a COMMIT stands at the gate; the pid of its backend."""
        found: list[int] = []

        def look() -> bool:
            rows = self._system.market.sql(
                "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted "
                "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                (GATE,),
            )
            found.extend(row[0] for row in rows)
            return bool(found)

        until(look)
        return found[0]

    def release(self) -> None:
        """Let them go on. Where the server has died meanwhile, the gate has gone with it."""
        with suppress(psycopg.OperationalError):
            self._gate.rollback()


@contextmanager
def held_at_commit(system: System, box_id: str) -> Iterator[Held]:
    """Commands on one box stop inside their COMMIT (in a deferred trigger) until `release`."""
    system.market.sql(
        f"""
        CREATE OR REPLACE FUNCTION public.stand_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_advisory_xact_lock_shared({GATE}); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER gate AFTER INSERT ON box.outbox DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.subject = 'Box/{box_id}') EXECUTE FUNCTION public.stand_at_the_gate();
        """
    )
    with psycopg.connect(system.market.url) as gate:
        gate.execute("SELECT pg_advisory_xact_lock(%s)", (GATE,))
        held = Held(system, gate)
        try:
            yield held
        finally:
            held.release()
    until(lambda: _without_trigger(system))


def _without_trigger(system: System) -> bool:
    try:
        system.market.sql("DROP TRIGGER IF EXISTS gate ON box.outbox")
    except Exception:  # noqa: BLE001 - the server may just be coming back
        return False
    return True
