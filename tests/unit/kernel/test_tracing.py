"""Traces where nothing is exported: the place is carried on, and what exports isn't even imported."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from kernel import tracing
from kernel.bus import wire
from kernel.bus.call import Call
from kernel.ids import new_id
from kernel.settings import PROJECT
from kernel.traceparent import Place, current, read, trace_of

PLACE = Place("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True)


def test_a_place_is_passed_on_unchanged() -> None:
    with tracing.span("outer", "server", PLACE) as outer:
        assert outer.place == current.get() == PLACE
        with tracing.span("inner", "client", correlation_id=new_id()) as inner:
            assert inner.place == PLACE
    assert current.get() is None


def test_without_a_place_one_is_made_in_the_trace_of_the_story_and_nobody_is_told_that_it_is_recorded() -> None:
    correlation_id = new_id()
    with tracing.span("first", "server", None, correlation_id) as span:
        assert span.place.trace_id == trace_of(correlation_id) and not span.place.sampled
        assert read(str(span.place)) == span.place


def test_what_fails_leaves_no_place_behind() -> None:
    with pytest.raises(ValueError, match="it"), tracing.span("failing", "internal", PLACE) as span:
        span.set({"a": 1})
        span.rename("b")
        raise ValueError("it")
    assert current.get() is None


def test_a_call_carries_its_place_as_a_field_and_as_namekos_context() -> None:
    call = Call(key="k", traceparent=str(PLACE))
    assert wire.headers(call) == {"nameko.traceparent": str(PLACE)} and wire.headers(Call()) is None
    assert wire.read_request(wire.request({}, call))[1] == call


def test_a_caller_who_knows_only_the_header_is_heard() -> None:
    call = Call(key="k")
    assert wire.in_context(call, {"nameko.traceparent": str(PLACE)}) == replace(call, traceparent=str(PLACE))
    for headers in (None, {}, {"nameko.traceparent": 7}, {"nameko.call_id_stack": ["a"]}):
        assert wire.in_context(call, headers) == call
    own = replace(call, traceparent=str(PLACE))
    assert wire.in_context(own, {"nameko.traceparent": "another"}) == own


def test_a_message_that_brings_an_event_names_its_place() -> None:
    correlation_id, event_id = new_id(), new_id()
    place = read(tracing.traceparent_of_event(correlation_id, event_id))
    assert place and place.trace_id == trace_of(correlation_id) and not place.sampled
    assert tracing.traceparent_of_event("story 1", event_id) == ""


@pytest.mark.parametrize("module", ["app.gateway_process", "app.service_process"])
def test_what_is_not_configured_is_not_imported(module: str) -> None:
    program = (
        f"import sys, {module}; from kernel import tracing; from kernel.settings import Settings\n"
        "tracing.start('market', Settings())\n"
        "with tracing.span('a', 'server') as span: assert str(span.place)\n"
        "tracing.stop()\n"
        "unwanted = ('opentelemetry.sdk', 'opentelemetry.exporter', 'google.protobuf')\n"
        "sys.exit(' '.join(name for name in sys.modules if name.startswith(unwanted)) or 0)"
    )
    for endpoint, expected in (("", 0), ("http://127.0.0.1:9", 1)):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            cwd=PROJECT, env={"PATH": "/usr/bin:/bin", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == expected, done.stderr
        assert ("opentelemetry.sdk" in done.stderr) is bool(expected), done.stderr
