"""The API's table against the services' contracts: every route leads somewhere, nothing that people do is missing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from app.contracts.generate import contract_files
from app.services import all_services
from services.gateway.api.route import Route
from services.gateway.api.table import TABLE
from services.gateway.contracts import Contracts
from services.gateway.openapi import openapi_document


@pytest.fixture(scope="module")
def contracts(tmp_path_factory: pytest.TempPathFactory) -> Contracts:
    """As the code has them now, so that this test doesn't wait for `./market contracts`."""
    folder: Path = tmp_path_factory.mktemp("contracts")
    for name, text in contract_files(all_services()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return Contracts.read(folder)


@pytest.mark.parametrize("route", TABLE, ids=lambda route: route.operation)
def test_a_route_names_a_contract_and_its_parameters(route: Route, contracts: Contracts) -> None:
    for call in route.calls:
        contract = contracts.of(call)
        assert contract is not None, f"no service takes {call}"
        assert contract.kind == route.kind
        assert not contract.internal, f"{call} is the market's own"
        taken = {name for name in map(route.input_name, route.parameters) if name}
        assert route.prepare or taken <= set(contract.properties), f"{call} has no {taken - set(contract.properties)}"


def test_everything_that_people_may_ask_or_do_has_a_route(contracts: Contracts) -> None:
    found = [contracts.of(call) for route in TABLE for call in route.calls]
    routed = {f"{contract.service}.{contract.name}" for contract in found if contract}
    missing = [name for name, contract in contracts if not contract.internal and name not in routed]
    assert missing == []


def test_what_creates_takes_an_id_or_derives_one(contracts: Contracts) -> None:
    """An id that may be left out is one that the command has."""
    for route in TABLE:
        if route.fresh or route.own:
            contract = contracts.of(route.call)
            assert contract is not None and "id" in contract.properties, route.call


def test_addresses_and_names_are_unique() -> None:
    assert [name for name, count in Counter(route.operation for route in TABLE).items() if count > 1] == []
    assert [a for a, n in Counter((route.method, route.address) for route in TABLE).items() if n > 1] == []


def test_every_route_says_what_it_is_in_both_languages() -> None:
    for route in TABLE:
        assert any("а" <= sign <= "я" for sign in route.ru.lower()), route.path
        assert route.en.isascii() and route.en, route.path


def test_the_description_is_sound(contracts: Contracts) -> None:
    document = openapi_document(TABLE, contracts)
    for name, schema in document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        assert name.replace(".", "").replace("_", "").replace("-", "").isalnum()
    assert _dangling(document, document) == []
    for path, item in document["paths"].items():
        for operation in item.values():
            declared = {p["name"] for p in operation["parameters"] if p.get("in") == "path"}
            assert declared == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def _dangling(node: object, document: dict[str, object]) -> list[str]:
    """References in `node` that lead nowhere in `document`."""
    if isinstance(node, list):
        return [ref for item in node for ref in _dangling(item, document)]
    if not isinstance(node, dict):
        return []
    found = [ref for item in node.values() for ref in _dangling(item, document)]
    ref = node.get("$ref")
    if isinstance(ref, str):
        place: object = document
        for step in ref.removeprefix("#/").split("/"):
            place = place.get(step) if isinstance(place, dict) else None
        if place is None:
            found.append(ref)
    return found
