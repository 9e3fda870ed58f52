"""Outcome digests stand for business facts: other ids leave them alone, another fact changes the one that it is of."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable

import pytest

from app.demo.generator import generate_log
from app.replay.digests import state_digests
from app.replay.fold import Fold
from app.replay.outcome import KINDS, outcome_digests, outcome_facts
from app.services import domain_services

Item = tuple[str, int, bytes]
UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def log() -> list[Item]:
    return list(generate_log(20, 200, seed=3))


def fold_of(log: Iterable[Item], change: Callable[[bytes], bytes] = lambda entry: entry) -> Fold:
    fold = Fold(domain_services())
    for source, sequence, entry in log:
        fold.feed(source, sequence, change(entry))
    return fold


def renamed(entry: bytes) -> bytes:
    """The entry with every id replaced by another one, always the same for the same id."""
    return UUID.sub(lambda found: str(uuid.uuid5(uuid.NAMESPACE_DNS, found[0].decode())).encode(), entry)


def test_other_ids_change_the_state_and_not_the_outcome(log: list[Item]) -> None:
    one, other = fold_of(log), fold_of(log, renamed)
    assert outcome_digests(one) == outcome_digests(other)
    assert state_digests(one) != state_digests(other)


def test_the_order_of_streams_changes_nothing(log: list[Item]) -> None:
    by_source = sorted(log, key=lambda item: (item[0], item[1]))
    assert outcome_digests(fold_of(by_source)) == outcome_digests(fold_of(log))


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("register", rb'"phone":"\+7815', b'"phone":"+7816'),
        ("register", rb'"number":"\xd0\xa0\xd0\x9f-2027-000001"', '"number":"РП-2027-999999"'.encode()),
        ("places", rb'"maximum":\d+', b'"maximum":1000'),
    ],
    ids=["a telephone number", "a number of the register", "places"],
)
def test_another_fact_changes_the_digest_of_its_kind_alone(
    log: list[Item], kind: str, before: bytes, after: bytes
) -> None:
    changed = fold_of(log, lambda entry: re.sub(before, after, entry))
    old, new = outcome_digests(fold_of(log)), outcome_digests(changed)
    assert {name for name in old if old[name] != new[name]} == {kind}


def test_every_kind_has_a_digest_and_facts_without_ids(log: list[Item]) -> None:
    fold = fold_of(log)
    assert outcome_digests(fold).keys() == KINDS.keys()
    facts = outcome_facts(fold)
    assert len(facts["register"]) == len(facts["places"]) == 20 and facts["agreements"] == []
    assert not UUID.search(repr(facts).encode()), "no id stands in a fact"


def test_some_services_alone_have_an_outcome_too(log: list[Item]) -> None:
    registry = [service for service in domain_services() if service.name == "registry"]
    fold = Fold(registry)
    for source, sequence, entry in log:
        if source == "registry":
            fold.feed(source, sequence, entry)
    whole = outcome_digests(fold_of(log))
    assert outcome_digests(fold)["register"] == whole["register"]
