"""A trace over RabbitMQ: from the gateway's process through box's to mirror's, and what callers of others put on the wire."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import orjson
import pytest

from app.contracts.generate import contract_files
from kernel import tracing
from kernel.bus import wire
from kernel.bus.broker import connect, drop
from kernel.ids import new_id
from kernel.settings import PROJECT, Settings
from kernel.traceparent import Place, correlation_of
from services.gateway.app import create_app
from services.gateway.options import UNLIMITED, Options
from tests.collector import Collector, collector
from tests.component.gateway.conftest import BOXES
from tests.integration.rpc.street import KEEPER, Street
from tests.support import eventually
from tests.toy.services import box_service, mirror_service

OURS = Place("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True)


@pytest.fixture
def traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Where the processes that are started in a test export to, and the test's own."""
    with collector() as made:
        for name, value in made.variables().items():
            monkeypatch.setenv(name, value)
        tracing.start("market-gateway", Settings())
        yield made
        tracing.stop()


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    folder = tmp_path / "contracts"
    for path, content in contract_files([box_service(), mirror_service()]).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    return folder


def put(street: Street, contracts: Path, **headers: str) -> httpx.Response:
    """A thing put into a new box over HTTP and RabbitMQ."""
    said = {"Authorization": f"Bearer {street.market.token(KEEPER)}", "Idempotency-Key": new_id(), **headers}
    box = street.box()

    async def story() -> httpx.Response:
        async with street.bus() as bus:
            options = Options(rates=UNLIMITED)
            app = create_app(bus, street.market.settings, routes=BOXES, contracts=contracts, options=options)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://market.test") as client:
                return await client.post(f"/api/v1/boxes/{box}/things", json={"amount": 1}, headers=said)

    answer = anyio.run(story)
    assert answer.status_code == 200, answer.text
    return answer


def asked_by_stock_client(street: Street, call: dict[str, Any], data: dict[str, Any], *more: str) -> dict[str, Any]:
    line = orjson.dumps({"service": "box", "method": "put", "data": data, "call": call})
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.integration.rpc.stock_client", street.url, *more],
        cwd=PROJECT, input=line, stdout=subprocess.PIPE, check=True, timeout=60,
    )  # fmt: skip
    answer: dict[str, Any] = orjson.loads(done.stdout)
    return answer


def test_one_request_is_one_trace_through_every_process(own_street: Street, contracts: Path, traces: Collector) -> None:
    replicas = [own_street.start(name) for name in ("box", "mirror")]
    put(own_street, contracts, traceparent=str(OURS))
    eventually(lambda: bool(own_street.market.sql("SELECT 1 FROM mirror.seen")))
    assert [replica.stop() for replica in replicas] == [0, 0]  # what waits is sent before they go
    tracing.stop()
    spans = {span.span_id: span for span in traces.trace(OURS.trace_id)}
    (last,) = [span for span in spans.values() if span.name == "mirror.Reflected"]
    story = [last]
    while story[0].parent in spans:
        story.insert(0, spans[story[0].parent])
    assert [(span.process, span.name) for span in story] == [
        ("market-gateway", "POST /api/v1/boxes/{id}/things"),
        ("market-gateway", "box.put"),
        ("market-box", "box.put"),
        ("market-box", "box.ThingPut"),
        ("market-mirror", "mirror handles box.ThingPut"),
        ("market-mirror", "mirror.reflect"),
        ("market-mirror", "mirror.Reflected"),
    ]
    assert story[0].parent == OURS.span_id


def test_the_header_is_on_the_wire_for_whoever_else_reads_it(own_street: Street, contracts: Path) -> None:
    own_street.start()
    connection = connect(own_street.url, "test")
    channel = connection.channel()
    channel.queue_declare("seen")
    channel.queue_bind("seen", wire.EXCHANGE, "box.put")
    put(own_street, contracts, traceparent=str(OURS))
    message = channel.basic_get("seen", no_ack=True)
    drop(connection)
    assert message.properties["application_headers"] == {"nameko.traceparent": str(OURS)}  # nothing is recorded here
    assert orjson.loads(message.body)["kwargs"]["call"]["traceparent"] == str(OURS)


def test_namekos_own_client_is_in_the_trace_of_its_context(own_street: Street, traces: Collector) -> None:
    replica = own_street.start()
    data = {"id": own_street.box(), "amount": 4}
    call = own_street.market.call("box.put", data, KEEPER, correlation_id=correlation_of(OURS))
    assert asked_by_stock_client(own_street, call.to_dict(), data, str(OURS))["reply"] == {"held": 4}
    assert replica.stop() == 0
    (command,) = [span for span in traces.trace(OURS.trace_id) if span.name == "box.put"]
    assert command.parent == OURS.span_id


def test_a_caller_who_has_never_heard_of_traces_is_served_and_found_by_its_correlation_id(
    own_street: Street, traces: Collector
) -> None:
    replica = own_street.start()
    data = {"id": own_street.box(), "amount": 4}
    call = own_street.market.call("box.put", data, KEEPER).to_dict()
    del call["traceparent"]
    assert asked_by_stock_client(own_street, call, data)["reply"] == {"held": 4}
    forged = {**call, "key": new_id(), "traceparent": "00-nonsense-01"}
    assert asked_by_stock_client(own_street, forged, data)["refused"]["code"] == "unauthenticated"
    assert replica.stop() == 0
    found = [span for span in traces.spans if span.name == "box.put"]
    assert {span.trace_id for span in found} == {call["correlation_id"].replace("-", "")}
    assert [span.attributes["market.outcome"] for span in found] == ["done", "unauthenticated"]


def test_a_collector_that_is_away_holds_up_neither_calls_nor_the_end(own_street: Street, contracts: Path) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_SCHEDULE_DELAY": "20"}
    replica = own_street.start("box", "", True, **variables)
    for _ in range(3):
        put(own_street, contracts)
    assert replica.until_it_says("the collector doesn't take traces; they are dropped")["level"] == "warning"
    put(own_street, contracts)
    started = time.monotonic()
    assert replica.stop() == 0
    assert time.monotonic() - started < tracing.STOP_S + 3
