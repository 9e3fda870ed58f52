"""Everything that the description offers, given nonsense: an answer in one form, never an error of the program.

Requests are made from `/openapi.json` alone, by each role: values of the right types, of wrong ones, and any JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.contracts.generate import contract_files
from kernel.ids import new_id
from services.access.service import service as access
from services.gateway.app import create_app
from services.gateway.options import UNLIMITED, Options
from services.opendata.service import service as opendata
from services.vault.service import service as vault
from tests.component.orders.country import BEGAN
from tests.component.orders.tender import everybody
from tests.support import Market, market, person

ROLES = (
    "officer",
    "registrar",
    "evaluator",
    "provider",
    "premises_owner",
    "treasurer",
    "auditor",
    "custodian",
    "administrator",
    "beneficiary",
)
EXPECTED = {200, 201, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422}
IDS = [new_id() for _ in range(3)]


class Target:
    """The market behind HTTP, and what its description offers."""

    def __init__(self, made: Market, portal: BlockingPortal, client: httpx.AsyncClient) -> None:
        self._portal, self._client = portal, client
        self.document: dict[str, Any] = self.request("GET", "/openapi.json").json()
        self.operations = [
            (method.upper(), path, operation)
            for path, item in self.document["paths"].items()
            for method, operation in item.items()
        ]
        self.tokens = [None, *(made.token(person(role, organisation=IDS[0])) for role in ROLES)]

    def request(self, method: str, url: str, content: bytes | None = None, headers: Any = None) -> httpx.Response:
        """One request, in the one event loop in which the application lives."""
        return self._portal.call(partial(self._client.request, method, url, content=content, headers=headers))

    def resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return schema


@pytest.fixture(scope="module")
def target(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    home: Path = tmp_path_factory.mktemp("home")
    services = [*everybody(home / "contracts"), access(), vault(), opendata()]
    for name, text in contract_files(services).items():
        (home / "contracts" / name).parent.mkdir(parents=True, exist_ok=True)
        (home / "contracts" / name).write_text(text, encoding="utf-8")
    with market(services, module_database, home, BEGAN) as made:
        options = Options(rates=UNLIMITED)
        app = create_app(made.installation.bus, made.settings, contracts=home / "contracts", options=options)
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://market.test")
        with start_blocking_portal() as portal:
            yield Target(made, portal, client)
            portal.call(client.aclose)


text = st.text(max_size=30) | st.sampled_from(
    ["", " ", "'", "%", "\x00", "../x", "2027-03-01", "2027-13-45T99:99:99Z", "🙂", *IDS]
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
# One value in six is of no type that the schema allows.
odd = st.integers(0, 5).map(lambda drawn: drawn == 0)


def values(target: Target, schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values of a schema's type (not of all its limits), now and then of another."""
    schema = target.resolved(schema)
    made = _of_type(target, schema, depth)
    return odd.flatmap(lambda is_odd: anything if is_odd else made)


def _of_type(target: Target, schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum") or [schema["const"]])
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return st.one_of([values(target, part, depth) for part in schema[word]])
    kind = schema.get("type")
    if kind == "object" and depth < 4:
        properties = schema.get("properties", {})
        required = {n: values(target, s, depth + 1) for n, s in properties.items() if n in schema.get("required", ())}
        optional = {n: values(target, s, depth + 1) for n, s in properties.items() if n not in required}
        return st.fixed_dictionaries(required, optional=optional)
    if kind == "array" and depth < 4:
        inner = values(target, schema.get("items", {}), depth + 1)
        return st.lists(inner, min_size=min(schema.get("minItems", 0), 3), max_size=3)
    return _leaf(schema, kind)


def _leaf(schema: dict[str, Any], kind: Any) -> st.SearchStrategy[Any]:
    if kind == "integer":
        return st.integers(schema.get("minimum", -3), schema.get("minimum", 0) + 2000) | st.integers(-(2**60), 2**60)
    if kind == "boolean":
        return st.booleans()
    if kind == "null":
        return st.none()
    if kind == "string":
        if "-[0-9a-f]{4}-" in schema.get("pattern", "") or schema.get("format") == "uuid":
            return st.sampled_from(IDS) | st.uuids().map(str)
        if schema.get("format") == "date-time":
            return st.datetimes().map(lambda at: at.isoformat() + "Z") | text
        if "pattern" in schema:
            return st.from_regex(schema["pattern"], fullmatch=True).filter(lambda found: len(found) < 200) | text
        return text
    return anything


def send(target: Target, data: st.DataObject) -> tuple[str, Any]:
    method, path, operation = data.draw(st.sampled_from(target.operations), label="operation")
    address, query = path, []
    for parameter in operation["parameters"]:
        if "$ref" in parameter:
            continue
        value = data.draw(values(target, parameter["schema"]), label=parameter["name"])
        if parameter["in"] == "path":
            address = address.replace("{" + parameter["name"] + "}", quote(str(value), safe="") or "_")
        elif parameter["required"] or data.draw(st.booleans()):
            query.append((parameter["name"], value if isinstance(value, str) else json.dumps(value)))
    headers = {"Idempotency-Key": new_id()}
    token = data.draw(st.sampled_from(range(len(target.tokens))), label="role")
    if target.tokens[token]:
        headers["Authorization"] = f"Bearer {target.tokens[token]}"
    body = None
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        body = json.dumps(data.draw(values(target, schema), label="body")).encode("utf-8", "surrogatepass")
        headers["Content-Type"] = "application/json"
    url = address + (f"?{urlencode(query, errors='replace')}" if query else "")
    return f"{method} {path}", target.request(method, url, body, headers)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_answer_is_one_that_the_description_knows(target: Target, data: st.DataObject) -> None:
    what, answer = send(target, data)
    assert answer.status_code in EXPECTED, f"{what}: {answer.status_code} {answer.text[:500]}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", what
        said = answer.json()
        assert said["status"] == answer.status_code and said["code"] and said["detail"], what
        assert "{" not in said["detail"] or "{" in str(said.get("details")), f"{what}: {said['detail']}"
