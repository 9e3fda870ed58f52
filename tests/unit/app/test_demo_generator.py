"""A generated log is what a market would have written: chained, folded without a difference, the same every time."""

from __future__ import annotations

import random
import tracemalloc
from collections import Counter
from itertools import islice

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.demo.generator import MOST_PROVIDERS, ORGANISATIONS, _card, generate_log
from app.replay.fold import Fold
from app.services import domain_services
from kernel.chain import event_bytes, take_apart, verify_chain
from kernel.ids import is_id
from services.registry.domain.numbers import check_numbers

EVENTS = 3_000


@pytest.fixture(scope="module")
def log() -> list[tuple[str, int, bytes]]:
    return list(generate_log(300, EVENTS, seed=7))


def test_the_same_arguments_give_the_same_bytes(log: list[tuple[str, int, bytes]]) -> None:
    assert list(generate_log(300, EVENTS, seed=7)) == log
    assert list(generate_log(300, EVENTS, seed=8)) != log


def test_each_log_is_chained_from_its_first_entry(log: list[tuple[str, int, bytes]]) -> None:
    for source in ("registry", "providers"):
        own = [(sequence, entry) for name, sequence, entry in log if name == source]
        assert [sequence for sequence, _ in own] == list(range(1, len(own) + 1))
        assert verify_chain(entry for _, entry in own).sequence == len(own)


def test_the_services_fold_it_without_a_difference(log: list[tuple[str, int, bytes]]) -> None:
    fold = Fold(domain_services())
    for item in log:
        fold.feed(*item)
    assert (fold.differences, sum(fold.counts.values())) == ([], EVENTS)
    entries = fold.states["registry", "RegisterEntry"].values()
    assert len(entries) == 300 and {state.status for _, state in entries} <= {"active", "suspended"}


def test_events_have_ids_of_their_own(log: list[tuple[str, int, bytes]]) -> None:
    ids = [orjson.loads(event_bytes(entry))["id"] for _, _, entry in log]
    assert len(set(ids)) == EVENTS and all(map(is_id, ids))
    assert ids == sorted(ids, key=lambda id: id[:13]), "their first part is the time"


@given(providers=st.integers(1, 90), events=st.integers(1, 400))
@settings(max_examples=25, deadline=None)
def test_events_are_given_out_evenly_and_exactly(providers: int, events: int) -> None:
    lives = Counter(
        orjson.loads(take_apart(entry).event)["subject"].split("/")[1]
        for _, _, entry in generate_log(providers, events, seed=1)
    )
    assert lives.total() == events and len(lives) == min(providers, events)
    assert max(lives.values()) - min(lives.values()) <= 1


@pytest.mark.parametrize("number", [0, ORGANISATIONS - 1, ORGANISATIONS, MOST_PROVIDERS - 1])
def test_numbers_have_right_check_digits_up_to_the_last_provider(number: int) -> None:
    card = _card(number, random.Random(1), ["onega"])
    check_numbers(card["inn"], card["ogrn"], is_person=number >= ORGANISATIONS)


@pytest.mark.parametrize("providers", [0, -1, MOST_PROVIDERS + 1])
def test_more_providers_than_numbers_are_refused(providers: int) -> None:
    with pytest.raises(ValueError, match="providers"):
        next(generate_log(providers, 10, seed=1))


def test_memory_does_not_grow_with_the_log() -> None:
    stream = generate_log(100_000, 100_000, seed=1)
    for _ in islice(stream, 200):  # libraries and caches are loaded by then
        pass
    tracemalloc.start()
    size = sum(len(entry) for _, _, entry in islice(stream, 8_000))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000 < size, "what was given out is forgotten"
