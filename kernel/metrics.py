"""Metrics: names under `market_`, base units, no ids in labels (Prometheus naming practice)."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

COMMANDS = Counter("market_commands_total", "Commands answered", ["service", "command", "outcome"])
COMMAND_SECONDS = Histogram(
    "market_command_seconds",
    "From the call's arrival at the service to its answer",
    ["service", "command"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
QUERIES = Counter("market_queries_total", "Queries answered", ["service", "query", "outcome"])
SEALED = Counter("market_sealed_events_total", "Events sealed into the log", ["service"])
SEALING_LAG = Gauge("market_outbox_events", "Events committed and not yet sealed", ["service"])
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
