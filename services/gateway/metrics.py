"""Metrics of the edge, beside the kernel's: names under `market_`, base units, routes and not addresses in labels."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUESTS = Counter("market_http_requests_total", "Requests answered", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "market_http_request_seconds",
    "From the request's head to the end of its answer",
    ["route", "method"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
CALLS = Counter(
    "market_rpc_calls_total", "Calls to services as the gateway saw them end", ["service", "method", "outcome"]
)
CALL_SECONDS = Histogram(
    "market_rpc_seconds",
    "From sending a call to having its answer, the bus included",
    ["service", "method"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
SEALED_HERE = Counter("market_gateway_sealed_bids_total", "Bids that the gateway sealed for their bidders")
