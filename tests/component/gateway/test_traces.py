"""One request, one trace: HTTP, the call, the command, its events and what other services do because of them."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY

from app.gateway import serving
from kernel import tracing
from kernel.bus.local import LocalBus
from kernel.ids import new_id
from kernel.settings import Settings
from kernel.traceparent import Place, correlation_of, place_of_event
from services.gateway.app import create_app
from services.gateway.options import UNLIMITED, Options
from tests.collector import Collector, Exported, collector
from tests.component.gateway.conftest import KEEPER, ROUTES, Site, problem
from tests.support import eventually

OURS = Place("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True)
CANARY = "very-secret-colour"


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Where this process exports to during the test."""
    with collector() as made:
        for name, value in made.variables().items():
            monkeypatch.setenv(name, value)
        tracing.start("market-test", Settings())
        yield made
        tracing.stop()


def put(site: Site, box: str, **headers: str) -> str:
    """A thing put into a box, and all that follows; the request's correlation id."""
    answer = site.post(f"/api/v1/boxes/{box}/things", {"amount": 1}, **headers)
    assert answer.status_code == 200, answer.text
    site.market.work()
    tracing.stop()
    return str(answer.headers["x-correlation-id"])


def line_of(spans: list[Exported], last: str) -> list[str]:
    """The names of a span and of all above it, down to it."""
    by_id = {span.span_id: span for span in spans}
    (span,) = [span for span in spans if span.name == last]
    names = [span.name]
    while span.parent in by_id:
        span = by_id[span.parent]
        names.insert(0, span.name)
    return names


def test_a_request_and_all_that_comes_of_it_are_one_trace(site: Site, traces: Collector) -> None:
    box = site.box()
    site.market.work()
    correlation_id = put(site, box, traceparent=str(OURS))
    assert correlation_id == correlation_of(OURS)
    spans = traces.trace(OURS.trace_id)
    assert line_of(spans, "mirror.Reflected") == [
        "POST /api/v1/boxes/{id}/things",
        "box.put",  # as the gateway saw it
        "box.put",  # as the service did
        "box.ThingPut",
        "mirror handles box.ThingPut",
        "mirror.reflect",
        "mirror.Reflected",
    ]
    assert [span.kind for span in spans if span.name == "box.put"] == ["server", "client"]
    (request,) = [span for span in spans if span.kind == "server" and span.parent == OURS.span_id]
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/boxes/{id}/things",
        "http.response.status_code": 200,
    }
    assert {span.process for span in spans} == {"market-test"} and not any(span.failed for span in spans)


def test_the_place_of_an_event_is_what_its_entry_says(site: Site, traces: Collector) -> None:
    correlation_id = put(site, site.box())
    rows = site.market.sql("SELECT entry FROM box.log ORDER BY sequence DESC LIMIT 1")
    event = orjson.loads(bytes(rows[0][0]))["event"]
    assert event["correlationid"] == correlation_id
    place = place_of_event(event["correlationid"], event["id"])
    (made,) = [span for span in traces.named("box.ThingPut") if span.trace_id == correlation_id.replace("-", "")]
    assert place and (made.trace_id, made.span_id, made.kind) == (place.trace_id, place.span_id, "producer")


def test_without_a_header_the_trace_is_that_of_the_correlation_id(site: Site, traces: Collector) -> None:
    box, said = site.box(), new_id()
    assert put(site, box, **{"X-Correlation-Id": said}) == said
    names = line_of(traces.trace(said.replace("-", "")), "mirror.reflect")
    assert names[0] == "POST /api/v1/boxes/{id}/things" and "box.ThingPut" in names


def test_a_client_that_names_two_stories_finds_each_and_the_way_between_them(site: Site, traces: Collector) -> None:
    box, said = site.box(), new_id()
    put(site, box, **{"X-Correlation-Id": said, "traceparent": str(OURS)})
    assert line_of(traces.trace(OURS.trace_id), "POST /api/v1/boxes/{id}/things")
    events = traces.trace(said.replace("-", ""))
    assert line_of(events, "mirror.reflect")[0] == "box.ThingPut"
    (made,) = [span for span in events if span.name == "box.ThingPut"]
    (command,) = [span for span in traces.trace(OURS.trace_id) if (span.name, span.kind) == ("box.put", "server")]
    assert made.links == (f"{OURS.trace_id}-{command.span_id}",)


@pytest.mark.parametrize("said", ["00-0-0-0", f"00-{'0' * 32}-{OURS.span_id}-01", f"{OURS}-more", "'; DROP TABLE"])
def test_a_header_that_is_none_begins_a_new_trace(site: Site, traces: Collector, said: str) -> None:
    correlation_id = put(site, site.box(), traceparent=said)
    assert correlation_id != correlation_of(OURS)
    assert line_of(traces.trace(correlation_id.replace("-", "")), "mirror.reflect")


def test_a_refusal_is_told_by_its_code_and_is_no_failure(site: Site, traces: Collector) -> None:
    answer = site.post(f"/api/v1/boxes/{site.box()}/things", {"amount": -1}, traceparent=str(OURS))
    assert problem(answer)["code"] == "below_zero"
    tracing.stop()
    puts = [span for span in traces.trace(OURS.trace_id) if span.name == "box.put"]
    assert [(span.attributes["market.outcome"], span.failed) for span in puts] == [("below_zero", None)] * 2


def test_nothing_that_anybody_has_sent_is_in_a_trace(site: Site, traces: Collector) -> None:
    site.market.ask("box.total_of", {"colour": CANARY})
    for path in (f"/api/v1/totals/{CANARY}", f"/nowhere/{CANARY}", f"/api/v1/totals/red?{CANARY}={CANARY}"):
        site.request("GET", path, headers={"X-Canary": CANARY, "Cookie": CANARY})
    site.post("/api/v1/boxes", {"colour": CANARY}, KEEPER, key=CANARY)
    site.request(CANARY.upper(), "/api/v1/boxes")
    site.market.answer("box.no_" + CANARY, {}, KEEPER)
    tracing.stop()
    assert {"GET /api/v1/totals/{colour}", "GET (none)", "(other) /api/v1/boxes", "box.unknown"} <= {
        span.name for span in traces.spans
    }
    for secret in (CANARY, CANARY.upper(), site.market.token(KEEPER), KEEPER.id):
        assert secret.encode() not in bytes(traces.raw)


def test_an_error_is_told_by_its_type(site: Site, traces: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(CANARY)

    monkeypatch.setattr(site.market.installation.hosts["box"].store, "once", broken)
    answer = site.post("/api/v1/boxes", {"colour": "red"}, traceparent=str(OURS))
    assert answer.status_code == 500
    tracing.stop()
    assert {span.failed for span in traces.trace(OURS.trace_id)} == {"RuntimeError", "500", None}
    assert CANARY.encode() not in bytes(traces.raw)


def test_fastapi_adds_nothing_of_its_own(site: Site, traces: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would tell addresses as they were asked and the texts of exceptions, and takes a variable for its permission."""
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_BLRP_SCHEDULE_DELAY", "50")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "50")

    def broken(_: Any) -> str:
        raise RuntimeError(CANARY)

    app = create_app(
        site.market.installation.bus, site.market.settings, routes=ROUTES, contracts=site.contracts,
        options=Options(rates=UNLIMITED),
    )  # fmt: skip
    app.add_api_route("/broken", broken)
    with serving(app) as address:
        for path in ("/broken", f"/api/v1/totals/red?{CANARY}"):
            httpx.get(address + path)
        eventually(lambda: bool(traces.named("GET /broken")))
        time.sleep(0.3)  # what isn't wanted would have come by now
    tracing.stop()
    assert traces.paths == {"/v1/traces"} and {span.process for span in traces.spans} == {"market-test"}
    assert CANARY.encode() not in bytes(traces.raw)


def test_who_watches_is_in_no_trace(site: Site, traces: Collector) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        assert site.request("GET", path).status_code in (200, 503)
    tracing.stop()
    assert traces.spans == []


def test_log_lines_name_their_trace(site: Site, log_lines: io.StringIO) -> None:
    site.request("GET", "/api/v1/totals/red", headers={"traceparent": str(OURS)})
    site.request("GET", "/api/v1/totals/red")
    first, second = [orjson.loads(line) for line in log_lines.getvalue().splitlines()]
    assert first["trace_id"] == OURS.trace_id and first["correlation_id"] == correlation_of(OURS)
    assert second["trace_id"] == second["correlation_id"].replace("-", "") != OURS.trace_id


def test_a_collector_that_is_away_harms_nobody(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "20")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "10")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "1")
    lost = REGISTRY.get_sample_value("market_trace_spans_total", {"outcome": "lost"}) or 0
    tracing.start("market-test", Settings())
    box = site.box()
    for _ in range(20):  # more spans than the queue holds
        assert site.post(f"/api/v1/boxes/{box}/things", {"amount": 1}).status_code == 200
    site.market.work()
    started = time.monotonic()
    tracing.stop()
    assert time.monotonic() - started < tracing.STOP_S + 1
    assert (REGISTRY.get_sample_value("market_trace_spans_total", {"outcome": "lost"}) or 0) > lost


def test_why_the_collector_takes_nothing_is_told_once(
    site: Site, monkeypatch: pytest.MonkeyPatch, log_lines: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "0.1")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    tracing.start("market-test", Settings())
    for _ in range(3):
        site.request("GET", "/api/v1/totals/red")
        time.sleep(0.3)
    tracing.stop()
    lines = [orjson.loads(line) for line in log_lines.getvalue().splitlines()]
    (told,) = [line for line in lines if line["event"].startswith("the collector doesn't take traces")]
    assert told["level"] == "warning" and "Failed to export spans" in told["error"]
    assert "opentelemetry" not in "".join(capfd.readouterr())  # no lines of another form beside ours


def test_the_switch_of_the_sdk_is_heard(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as made:
        for name, value in {**made.variables(), "OTEL_SDK_DISABLED": "true"}.items():
            monkeypatch.setenv(name, value)
        tracing.start("market-test", Settings())
        with tracing.span("kept", "server", OURS) as below, tracing.span("kept", "client") as further:
            assert below.place == further.place == OURS
        with tracing.span("made", "server", None, correlation_of(OURS)) as span:
            assert span.place.trace_id == OURS.trace_id and not span.place.sampled
        put(site, site.box())
    assert made.paths == set()


@pytest.mark.parametrize(("share", "least", "most"), [("0", 0, 0), ("0.5", 5, 35), ("1", 40, 40)])
def test_a_share_of_traces_is_recorded_whole_or_not_at_all(
    site: Site, traces: Collector, monkeypatch: pytest.MonkeyPatch, share: str, least: int, most: int
) -> None:
    """Ids are UUIDs, whose fixed bits would turn a share of the ids into all or nothing."""
    tracing.stop()
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", share)
    tracing.start("market-test", Settings())
    box = site.box()
    headers = site.headers
    site.requests([
        ("POST", f"/api/v1/boxes/{box}/things", {"json": {"amount": 1}, "headers": headers()}) for _ in range(40)
    ])  # fmt: skip
    site.market.work()
    tracing.stop()
    found = {span.trace_id for span in traces.named("POST /api/v1/boxes/{id}/things")}
    assert least <= len(found) <= most
    for name in ("box.ThingPut", "mirror handles box.ThingPut", "mirror.reflect"):
        assert {span.trace_id for span in traces.named(name)} == found


def test_calls_are_timed_and_counted_as_the_gateway_saw_them_end(site: Site) -> None:
    def seen() -> dict[str, float]:
        calls = {outcome: {"service": "box", "method": "put", "outcome": outcome} for outcome in ("done", "below_zero")}
        found = {
            outcome: REGISTRY.get_sample_value("market_rpc_calls_total", labels) for outcome, labels in calls.items()
        }
        found["timed"] = REGISTRY.get_sample_value("market_rpc_seconds_count", {"service": "box", "method": "put"})
        return {name: count or 0 for name, count in found.items()}

    box, before = site.box(), seen()
    for amount in (1, -5):
        site.post(f"/api/v1/boxes/{box}/things", {"amount": amount})
    after = seen()
    assert {name: after[name] - before[name] for name in after} == {"done": 1, "below_zero": 1, "timed": 2}


def test_a_service_that_is_away_is_counted_as_the_caller_saw_it(site: Site) -> None:
    labels = {"service": "box", "method": "total_of", "outcome": "unavailable"}
    before = REGISTRY.get_sample_value("market_rpc_calls_total", labels) or 0
    [answer] = site.requests([("GET", "/api/v1/totals/red", {})], bus=LocalBus())
    assert answer.status_code == 503
    assert REGISTRY.get_sample_value("market_rpc_calls_total", labels) == before + 1
