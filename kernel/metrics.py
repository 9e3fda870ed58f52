"""Metrics: names under `market_`, base units, no ids in labels (Prometheus naming practice)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

COMMANDS = Counter("market_commands_total", "Commands answered", ["service", "command", "outcome"])
COMMAND_SECONDS = Histogram(
    "market_command_seconds",
    "From the call's arrival at the service to its answer",
    ["service", "command"],
    buckets=_SECONDS,
)
QUERIES = Counter("market_queries_total", "Queries answered", ["service", "query", "outcome"])
QUERY_SECONDS = Histogram(
    "market_query_seconds",
    "From the call's arrival at the service to its answer",
    ["service", "query"],
    buckets=_SECONDS,
)
POOL_SIZE = Gauge("market_pool_connections_limit", "Connections to the database that the process may hold", ["service"])
POOL_USED = Gauge("market_pool_connections_used", "Connections that work is being done with now", ["service"])
POOL_WAIT_SECONDS = Histogram(
    "market_pool_wait_seconds", "How long work waited for a connection", ["service"],
    buckets=(0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)  # fmt: skip
SEALED = Counter("market_sealed_events_total", "Events sealed into the log", ["service"])
SEALING_LAG = Gauge("market_outbox_events", "Events committed and not yet sealed", ["service"])
OUTBOX_AGE = Gauge("market_outbox_age_seconds", "Age of the oldest event that isn't sealed yet", ["service"])
CHAIN_BREAKS = Counter(
    "market_chain_breaks_total", "Times that a log was found not to go on where it stood, by its source", ["source"]
)
PUBLISHED = Counter("market_published_events_total", "Events that the bus has confirmed", ["service"])
PUBLICATION_LAG = Gauge("market_publication_lag_events", "Entries sealed and not yet confirmed by the bus", ["service"])
HANDLED = Counter("market_subscription_events_total", "Foreign events handled", ["service", "source"])
SUBSCRIPTION_LAG = Gauge(
    "market_subscription_lag_events", "Entries of the source not yet handled", ["service", "source"]
)
PARKED = Gauge("market_parked_events", "Events waiting in parked streams", ["service"])
REACTION_REFUSALS = Counter(
    "market_reaction_refusals_total", "Commands of reactions and of the schedule that were refused", ["service", "code"]
)
DUE_FIRED = Counter("market_due_commands_total", "Due commands fired", ["service", "outcome"])
WORKER_FAILURES = Counter("market_worker_failures_total", "Turns of a worker that failed", ["service", "duty"])
BUS_CONNECTED = Gauge("market_bus_connected", "1 while connected to RabbitMQ", ["service", "part"])
BUS_QUEUE_MISSING = Gauge(
    "market_bus_queue_missing",
    "1 while a subscription's queue can't be read; it follows the log",
    ["service", "source"],
)
BUS_DELIVERED = Counter("market_bus_deliveries_total", "Events that RabbitMQ brought", ["service", "source"])
BUS_LAST_DELIVERY = Gauge(
    "market_bus_last_delivery_timestamp_seconds", "When RabbitMQ last brought an event", ["service", "source"]
)
BUS_UNREADABLE = Counter(
    "market_bus_unreadable_total", "Messages that are no entry of the source's log, sent to the dead letters",
    ["service", "source"],
)  # fmt: skip
BUS_UNROUTED = Counter("market_bus_unrouted_total", "Events that no queue wanted; the log has them", ["service"])
SPANS = Counter("market_trace_spans_total", "Spans recorded, exported to the collector, and lost with it", ["outcome"])
