"""Health: whether a service can do its work now, and how far behind it is."""

from __future__ import annotations

from typing import Any

from kernel.host import Host
from kernel.metrics import PARKED, SEALING_LAG, SUBSCRIPTION_LAG


def health(host: Host) -> dict[str, Any]:
    """The database's answer, unsealed events, how far each subscription is behind, parked events.

    Raises what the database raises when it doesn't answer. Also sets the gauges that Prometheus reads.
    """
    name = host.service.name
    with host.engine.connect() as connection:
        run = connection.exec_driver_sql
        unsealed = run("SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT 10000) o").scalar_one()
        parked = run("SELECT count(*) FROM parked").scalar_one()
        behind = {
            source: run(
                f'SELECT h.sequence - s.sequence FROM "{source}".log_head h, subscription s WHERE s.source = %s',
                (source,),
            ).scalar_one()
            for source in host.service.sources
        }
    SEALING_LAG.labels(name).set(unsealed)
    PARKED.labels(name).set(parked)
    for source, lag in behind.items():
        SUBSCRIPTION_LAG.labels(name, source).set(lag)
    return {"service": name, "unsealed": unsealed, "parked": parked, "behind": behind}
