"""The contracts are fresh, keep what they promised, and both sides keep to them."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest

from app.contracts.command import CONTRACTS, FROZEN, breaking_changes_since_frozen, stale_files
from app.contracts.compatible import breaking_changes
from app.contracts.examples import examples
from app.contracts.generate import ENVELOPE, event_schema, subscriptions
from app.services import all_services, domain_services
from kernel.aggregate import Command, Event
from kernel.service import Service

SERVICES = all_services()
FAMILIES = {service.family: service for service in SERVICES}
EXAMPLES = examples(CONTRACTS)
EVENTS = [(service, aggregate, event) for service in FAMILIES.values() for aggregate, event in service.events.values()]


def test_what_is_committed_is_what_the_code_says() -> None:
    assert stale_files() == [], "run ./market contracts and commit what it changes"


def test_nothing_breaks_a_version_that_was_released() -> None:
    assert breaking_changes_since_frozen() == []
    frozen = {path.name for path in FROZEN.rglob("*.json")}
    assert frozen == {f"{event.__name__}.v{event.version}.json" for _, _, event in EVENTS}, (
        "./market contracts --release"
    )


def test_every_event_has_a_recorded_example() -> None:
    types = {service.event_type(event) for service, _, event in EVENTS}
    missing = sorted(types - EXAMPLES.keys())
    # Events that no season plays yet; each is shown by a test of its own, and this list may only become shorter.
    assert missing == sorted(NOT_PLAYED)


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_producers_are_strict(type_: str) -> None:
    event = EXAMPLES[type_]
    service, aggregate, model = _of(type_)
    jsonschema.validate(event, ENVELOPE)
    jsonschema.validate(event["data"], event_schema(service, aggregate, model))
    parsed = model.model_validate(event["data"])
    assert parsed.model_dump(mode="json") == event["data"] or _only_adds(parsed.model_dump(mode="json"), event["data"])
    with pytest.raises(ValueError, match="surplus"):
        model.model_validate({**event["data"], "surplus": 1})


@pytest.mark.parametrize("type_", sorted(EXAMPLES))
def test_consumers_are_tolerant(type_: str) -> None:
    event = EXAMPLES[type_]
    name = type_.split(".")[2]
    for consumer, source, model in _readers_of(type_, name):
        strict = issubclass(model, Event | Command)
        model.model_validate(event["data"])
        if not strict:
            model.model_validate({**event["data"], "surplus": {"from": "a later release"}})
        else:
            assert consumer == source, f"{consumer} reads {type_} by its producer's own class"


def test_every_subscription_reads_an_event_that_exists() -> None:
    known = {(service.name, name) for service in domain_services() for name in service.events}
    for line in subscriptions(SERVICES):
        for event in line["events"]:
            assert event == "*" or (line["source"], event) in known, (
                f"{line['consumer']} waits for {line['source']}.{event}"
            )


def test_readers_of_every_event_are_well_formed() -> None:
    for service, _, event in EVENTS:
        kind, _, rest = event.readers.partition(":")
        fields = event.model_fields
        if kind == "after":
            trigger, field = rest.split(":")
            assert field in fields and trigger in service.events, event.__name__
        elif kind == "parties":
            assert all(field in fields for field in rest.split(",")), event.__name__
        else:
            assert event.readers in ("public", "auditor"), event.__name__


class TestBreakingChanges:
    OLD: dict[str, Any] = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "maxLength": 10},
            "b": {"$ref": "#/$defs/B"},
            "c": {"type": "string", "enum": ["x", "y"]},
        },
        "required": ["a"],
        "$defs": {"B": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    }

    def changed(self, **changes: Any) -> list[str]:
        new = copy.deepcopy(self.OLD)
        for path, value in changes.items():
            node: Any = new
            *parents, last = path.split("__")
            for part in parents:
                node = node[part]
            if value is None:
                del node[last]
            else:
                node[last] = value
        return breaking_changes(self.OLD, new)

    def test_additive_changes_pass(self) -> None:
        assert self.changed(properties__d={"type": "integer"}) == []
        assert self.changed(properties__c={"type": "string", "enum": ["x", "y", "z"]}) == []
        assert self.changed(properties__a={"type": "string", "maxLength": 20}) == []

    @pytest.mark.parametrize(
        "changes",
        [
            {"properties__a": None},
            {"properties__a": {"type": "integer"}},
            {"properties__a": {"type": "string", "maxLength": 5}},
            {"properties__c": {"type": "string", "enum": ["x"]}},
            {"required": ["a", "b"]},
            {"$defs__B__properties": {}},
        ],
    )
    def test_breaking_changes_are_named(self, changes: dict[str, Any]) -> None:
        assert len(self.changed(**changes)) == 1


def _of(type_: str) -> tuple[Service, Any, type[Event]]:
    _, family, name, _ = type_.split(".")
    service = FAMILIES[family]
    return service, *service.events[name]


def _readers_of(type_: str, name: str) -> list[tuple[str, str, Any]]:
    family = type_.split(".")[1]
    found = []
    for service in SERVICES:
        pairs = [*service.reactions.handlers.items(), *(h for p in service.projections for h in p.handlers.items())]
        for (source, event), (model, _) in pairs:
            if event == name and source.rstrip("0123456789").rstrip("_") == family:
                found.append((service.name, source, model))
    return found


def _only_adds(new: Any, old: Any) -> bool:
    """Whether `new` says all that `old` says, at any depth, and perhaps more."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and _only_adds(new[key], value) for key, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(new) == len(old) and all(map(_only_adds, new, old))
    return bool(new == old)


# Answers of one service that come after another gave up waiting, or out of order: what only a failure brings about;
# and what a competition of hundreds of bids has (tests/component/orders/test_many_bids.py).
NOT_PLAYED = {
    "market.billing.ObligationRefused.v1",
    "market.billing.ReservationBarred.v1",
    "market.orders.LatePlacesKept.v1",
    "market.orders.RankingContinued.v1",
    "market.orders.ReservationTimedOut.v1",
    "market.orders.StandingBidsListed.v1",
}
