"""`deploy/grafana/dashboards/market.json`: what an operator looks at first, a row per question, made from this table.

The two questions on top are whether people are served and whether events flow; the rest tells where it is stuck.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

SOURCE = {"type": "prometheus", "uid": "market"}
UNANSWERED = '{outcome=~"unavailable|no_answer|overloaded|abandoned"}'
PANELS_A_ROW, WIDTH, HEIGHT = 3, 8, 8


@dataclass(frozen=True)
class Panel:
    """One graph: `lines` are (PromQL, legend); `limit`: from here on it is red."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]
    limit: float | None = None


def _quantile(share: float, metric: str, by: str) -> str:
    return f"histogram_quantile({share}, sum by (le, {by}) (rate({metric}_bucket[$__rate_interval])))"


ROWS: dict[str, tuple[Panel, ...]] = {
    "Are people served?": (
        Panel(
            "HTTP requests", "reqps",
            (("sum by (status) (rate(market_http_requests_total[$__rate_interval]))", "{{status}}"),),
        ),
        Panel(
            "HTTP latency", "s",
            (
                (_quantile(0.5, "market_http_request_seconds", "job"), "p50"),
                (_quantile(0.99, "market_http_request_seconds", "job"), "p99"),
            ),
            1.0,
        ),
        Panel(
            "Commands", "ops",
            (("sum by (service) (rate(market_commands_total[$__rate_interval]))", "{{service}}"),),
        ),
        Panel("Command latency, p99", "s", ((_quantile(0.99, "market_command_seconds", "service"), "{{service}}"),), 1.0),
        Panel(
            "Refusals by code", "ops",
            (
                (
                    'sum by (outcome) (rate(market_commands_total{outcome!="done"}[$__rate_interval]))',
                    "{{outcome}}",
                ),
            ),
        ),
        Panel("Processes that answer", "short", (("sum by (job) (up)", "{{job}}"),)),
        Panel(
            "Calls as the gateway sees them, p99", "s",
            ((_quantile(0.99, "market_rpc_seconds", "service"), "{{service}}"),),
            1.0,
        ),
        Panel(
            "Calls that no service answered", "ops",
            (
                (
                    f"sum by (service, outcome) (rate(market_rpc_calls_total{UNANSWERED}[$__rate_interval]))",
                    "{{service}} {{outcome}}",
                ),
            ),
        ),
        Panel("Query latency, p99", "s", ((_quantile(0.99, "market_query_seconds", "service"), "{{service}}"),), 1.0),
    ),
    "Do events flow?": (
        Panel("Sealed", "ops", (("sum by (service) (rate(market_sealed_events_total[$__rate_interval]))", "{{service}}"),)),
        Panel("Sealing lag", "short", (("max by (service) (market_outbox_events)", "{{service}}"),), 1000),
        Panel(
            "Publication lag", "short", (("max by (service) (market_publication_lag_events)", "{{service}}"),), 1000
        ),
        Panel(
            "Handled", "ops",
            (
                (
                    "sum by (service, source) (rate(market_subscription_events_total[$__rate_interval]))",
                    "{{service}} from {{source}}",
                ),
            ),
        ),
        Panel(
            "Subscription lag", "short",
            (("max by (service, source) (market_subscription_lag_events)", "{{service}} from {{source}}"),),
            1000,
        ),
        Panel("Parked events", "short", (("max by (service) (market_parked_events)", "{{service}}"),), 1),
        Panel("Age of the outbox", "s", (("max by (service) (market_outbox_age_seconds)", "{{service}}"),), 10),
    ),
    "Where is it stuck?": (
        Panel(
            "Calls that wait", "short",
            (('sum by (queue) (rabbitmq_detailed_queue_messages{queue=~"rpc-[a-z0-9_]+"})', "{{queue}}"),), 200,
        ),
        Panel(
            "Events that wait", "short",
            (('sum by (queue) (rabbitmq_detailed_queue_messages{queue=~"market[.].+[.]from[.].+"})', "{{queue}}"),), 1000,
        ),
        Panel(
            "Dead letters", "short",
            (('sum by (queue) (rabbitmq_detailed_queue_messages{queue="market.dead.v1"})', "{{queue}}"),), 1,
        ),
        Panel(
            "Connected to RabbitMQ", "short",
            (("max by (service, part) (market_bus_connected)", "{{service}} {{part}}"),),
        ),
        Panel(
            "Database connections in use", "percentunit",
            (
                (
                    "max by (service) (market_pool_connections_used / market_pool_connections_limit)",
                    "{{service}}",
                ),
            ),
            1.0,
        ),
        Panel(
            "Waiting for a connection, p99", "s",
            ((_quantile(0.99, "market_pool_wait_seconds", "service"), "{{service}}"),),
            0.5,
        ),
        Panel(
            "Spans of traces", "ops",
            (("sum by (outcome) (rate(market_trace_spans_total[$__rate_interval]))", "{{outcome}}"),),
        ),
        Panel(
            "Failed turns of workers", "ops",
            (
                (
                    "sum by (service, duty) (rate(market_worker_failures_total[$__rate_interval]))",
                    "{{service}} {{duty}}",
                ),
            ),
        ),
        Panel(
            "Refused reactions", "ops",
            (
                (
                    "sum by (service, code) (rate(market_reaction_refusals_total[$__rate_interval]))",
                    "{{service}} {{code}}",
                ),
            ),
        ),
    ),
}  # fmt: skip


def expressions() -> list[str]:
    """Every PromQL expression of the dashboard."""
    return [expression for panels in ROWS.values() for panel in panels for expression, _ in panel.lines]


def dashboard() -> str:
    """The dashboard as Grafana reads it from a file."""
    panels: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS.items():
        panels.append(
            {
                "type": "row",
                "title": title,
                "collapsed": False,
                "gridPos": {"x": 0, "y": top, "w": 24, "h": 1},
                "panels": [],
            }
        )
        top += 1
        for place, panel in enumerate(row):
            x, y = place % PANELS_A_ROW * WIDTH, top + place // PANELS_A_ROW * HEIGHT
            panels.append(_graph(panel, {"x": x, "y": y, "w": WIDTH, "h": HEIGHT}))
        top += -(-len(row) // PANELS_A_ROW) * HEIGHT
    for number, made in enumerate(panels, 1):
        made["id"] = number
    document = {
        "uid": "market",
        "title": "Market",
        "tags": ["market"],
        "timezone": "browser",
        "schemaVersion": 39,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "panels": panels,
    }
    return json.dumps(document, indent=1) + "\n"


def _graph(panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    return {
        "type": "timeseries",
        "title": panel.title,
        "gridPos": place,
        "datasource": SOURCE,
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
            for number, (expression, legend) in enumerate(panel.lines)
        ],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                "custom": {"thresholdsStyle": {"mode": "line" if panel.limit is not None else "off"}},
            },
            "overrides": [],
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
    }
