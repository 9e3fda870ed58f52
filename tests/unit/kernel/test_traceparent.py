"""`traceparent` as W3C Trace Context has it, and the place in a trace that an event's own ids name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import is_id, new_id
from kernel.traceparent import Place, correlation_of, fresh, place_of_event, read, trace_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("text", "sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-02", False),  # a flag that this version doesn't know
        (f"00-{TRACE}-{SPAN}-ff", True),
        (f"cc-{TRACE}-{SPAN}-01", True),  # a later version
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", True),
    ],
)
def test_what_is_read(text: str, sampled: bool) -> None:
    assert read(text) == Place(TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01-more",  # this version has four parts
        f"00-{TRACE}-{SPAN}-01.more",
        f"cc-{TRACE}-{SPAN}-01.more",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE[:-1]}٤-{SPAN}-01",
    ],
)
def test_what_is_none(text: str) -> None:
    assert read(text) is None


@given(st.binary(min_size=16, max_size=16).filter(any), st.binary(min_size=8, max_size=8).filter(any), st.booleans())
def test_what_is_written_is_read_again(trace: bytes, span: bytes, sampled: bool) -> None:
    place = Place(trace.hex(), span.hex(), sampled)
    assert read(str(place)) == place
    assert is_id(correlation_of(place)) and trace_of(correlation_of(place)) == place.trace_id


@given(st.text())
def test_no_text_is_more_than_refused(text: str) -> None:
    assert read(text) is None or re.fullmatch("[0-9a-f-]+.*", text)


def test_the_trace_of_a_story_is_its_correlation_id() -> None:
    correlation_id = new_id()
    assert trace_of(correlation_id) == correlation_id.replace("-", "")
    assert [trace_of(text) for text in ("", "story 1", "0" * 32, "00000000-0000-0000-0000-000000000000")] == [None] * 4


def test_an_event_has_a_place_of_its_own_that_everybody_finds() -> None:
    correlation_id, first, second = new_id(), new_id(), new_id()
    place = place_of_event(correlation_id, first)
    assert place and place == place_of_event(correlation_id, first) and read(str(place)) == place
    assert place.trace_id == trace_of(correlation_id) and place != place_of_event(correlation_id, second)
    assert place_of_event("story 1", first) is None and place_of_event(correlation_id, "") is None


def test_a_fresh_place_is_in_the_trace_named_or_in_a_new_one() -> None:
    assert fresh(TRACE).trace_id == TRACE and fresh(TRACE) != fresh(TRACE)
    assert fresh(None).trace_id != fresh(None).trace_id and read(str(fresh(None))) is not None
