"""A custodian acts by itself: it looks for closed competitions and releases what the evidence allows.

Looking is a cheap query; the commands check everything again inside their own transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

from kernel.aggregate import Command
from kernel.host import Host
from kernel.identity import Actor
from kernel.ids import derived_id, new_id
from kernel.store import Cause
from services.custodian.domain.competition_key import OpenKeys, ReleaseLayers
from services.custodian.evidence import missing_evidence

EVERY_S = 0.1
FRUITLESS_S = 60.0  # a bid that this custodian can't open stays so: its bidder sealed it for other keys

_TO_RELEASE = """
SELECT c.competition_id::text FROM competition c
JOIN competition_key k ON k.state->>'competition_id' = c.competition_id::text
WHERE c.closed_event IS NOT NULL AND c.standing > 0 AND k.state->>'status' = 'published' LIMIT 20
"""
_TO_OPEN = """
SELECT DISTINCT l.competition_id::text FROM layer l
JOIN bid b ON b.bid_id = l.bid_id AND NOT b.withdrawn AND b.standing_version = b.bid_version
JOIN competition c ON c.competition_id = l.competition_id AND c.closed_event IS NOT NULL
WHERE NOT EXISTS (SELECT 1 FROM opened o WHERE o.competition_id = l.competition_id AND o.bid_id = l.bid_id)
LIMIT 20
"""


def release_by_itself(name: str, number: int) -> Callable[[Host], bool]:
    """The duty of one custodian's worker."""
    looked = [0.0]
    fruitless: dict[tuple[str, str], float] = {}

    def release(host: Host) -> bool:
        now = time.monotonic()
        if now - looked[0] < EVERY_S:
            return False
        looked[0] = now
        done = False
        queries: list[tuple[str, type[Command]]] = [(_TO_OPEN, OpenKeys)]
        if number < 3:
            queries.insert(0, (_TO_RELEASE, ReleaseLayers))
        for sql, command in queries:
            with host.engine.connect() as connection:
                waiting = list(connection.exec_driver_sql(sql).scalars())
            for competition_id in waiting:
                key = (command.__name__, competition_id)
                if fruitless.get(key, 0.0) > now:
                    continue
                outcome = _give(host, command, name, competition_id)
                if outcome == "nothing":
                    fruitless[key] = now + FRUITLESS_S
                done = done or outcome == "done"
        return done

    return release


def _give(
    host: Host, command: type[Command], name: str, competition_id: str
) -> Literal["done", "too early", "nothing"]:
    with host.engine.connect() as connection, connection.begin() as transaction:
        now = host.clock.now(connection)
        if missing_evidence(connection, host.settings.keys, competition_id, now):
            return "too early"
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock_shared(%s)", (host.store.rebuild_lock,))
        unit = host.store.begin(connection)
        cause = Cause(Actor.system(name), None, new_id())
        outcome = host.store.execute(
            unit, command.model_validate({"id": derived_id("custodian", name, competition_id)}), cause
        )
        if not outcome.events:
            transaction.rollback()
            return "nothing"
        host.store.finish(unit)
    host.wake(name)
    return "done"
