"""Health: whether a service can do its work now, and how far behind it is."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from kernel.host import Host
from kernel.metrics import OUTBOX_AGE, PARKED, PUBLICATION_LAG, SEALING_LAG, SUBSCRIPTION_LAG


def health(host: Host) -> dict[str, Any]:
    """The database's answer, unsealed and unpublished events, how far each subscription is behind, parked events.

    Raises what the database raises when it doesn't answer. Also sets the gauges that Prometheus reads.
    """
    name = host.service.name
    with host.engine.connect() as connection:
        run = connection.exec_driver_sql
        unsealed = run("SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT 10000) o").scalar_one()
        oldest = run("SELECT event_id FROM outbox ORDER BY id LIMIT 1").scalar_one_or_none()
        unpublished = run("SELECT h.sequence - p.sequence FROM log_head h, publication p").scalar_one()
        parked = run("SELECT count(*) FROM parked").scalar_one()
        behind = {
            source: run(
                f'SELECT h.sequence - s.sequence FROM "{source}".log_head h, subscription s WHERE s.source = %s',
                (source,),
            ).scalar_one()
            for source in host.service.sources
        }
    SEALING_LAG.labels(name).set(unsealed)
    OUTBOX_AGE.labels(name).set(_age_s(oldest) if oldest else 0)
    PUBLICATION_LAG.labels(name).set(unpublished)
    PARKED.labels(name).set(parked)
    for source, lag in behind.items():
        SUBSCRIPTION_LAG.labels(name, source).set(lag)
    return {"service": name, "unsealed": unsealed, "unpublished": unpublished, "parked": parked, "behind": behind}


def _age_s(event_id: UUID) -> float:
    """Seconds since a UUIDv7 was made: its first 48 bits are the machine's milliseconds, in a sandbox too."""
    return max(0.0, time.time() - (event_id.int >> 80) / 1000)
