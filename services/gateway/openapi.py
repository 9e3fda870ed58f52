"""`/openapi.json`: OpenAPI 3.1 made from the table of routes and the services' contracts, and from nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kernel.settings import Settings
from services.gateway.api.route import Route
from services.gateway.contracts import Contract, Contracts

VERSION = "1.0.0"
AREAS = {
    "access": "Вход и учётные записи · sign-in and accounts",
    "registry": "Реестр исполнителей · the register of providers",
    "orders": "Заказы, конкурсы, заявки, соглашения · orders, competitions, bids, agreements",
    "providers": "Места, акты, помещения · places, acts, premises",
    "billing": "Деньги · money",
    "vault": "Персональные данные · personal data",
    "custodians": "Хранители ключей · keepers of the keys to sealed bids",
    "audit": "Журнал и доказательства · the log and its proofs",
    "opendata": "Открытые данные · open data",
}
ABOUT = """\
JSON over HTTP to the market of social services.

* Money is an integer of kopecks, ids are UUIDs, moments are RFC 3339 in UTC. There are no fractions in JSON
  but for open data, whose formats are others'.
* A command needs `Idempotency-Key`: the same key with the same input is done once and answered again with
  `Idempotency-Replayed: true`; with other input it is refused. Keys are kept 30 days, per account and command.
* `ETag` is a record's version; a command with `If-Match` is refused with 412 when the record has changed.
* Lists give `next`, an opaque cursor, and the address of the next page in `Link` and in `links.next`.
* `?wait=<service>/<event id>` makes a query's answer include that event; when that takes over two seconds the answer
  comes without it and with `Market-Note: not-yet`.
* Errors are `application/problem+json` (RFC 9457): `code` is stable, `detail` is in the language of
  Accept-Language (ru, en), `rule` is what the refusal follows from, `errors` point to what is wrong with the input.
"""

Json = dict[str, Any]


def openapi_document(routes: Iterable[Route], contracts: Contracts) -> Json:
    """The description of `routes`. A route whose contract isn't there is described without its input."""
    schemas: Json = {"Problem": PROBLEM, "Done": DONE, "Page": PAGE}
    paths: dict[str, Json] = {}
    areas: dict[str, None] = {}
    for route in routes:
        contract = contracts.of(route.calls[0])
        paths.setdefault(route.address, {})[route.method.lower()] = _operation(route, contract, schemas)
        areas.setdefault(route.area)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Market API",
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": AREAS.get(name, name)} for name in areas],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": {"Problem": _problem_response()},
            "parameters": PARAMETERS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def openapi_text(folder: Path, settings: Settings) -> str:
    """The description made from the contracts in `folder`, as the file `contracts/http/openapi.json` holds it."""
    from services.gateway.api.table import TABLE

    document = openapi_document(TABLE, Contracts.read(folder))
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _operation(route: Route, contract: Contract | None, schemas: Json) -> Json:
    in_path = {name for name in map(route.input_name, route.parameters) if name}
    operation: Json = {
        "operationId": route.operation,
        "tags": [route.area],
        "summary": f"{route.ru} · {route.en}",
        "parameters": [_path_parameter(route, name, contract) for name in route.parameters],
        "responses": {**_success(route), "default": {"$ref": "#/components/responses/Problem"}},
        "security": [{"bearer": []}],
    }
    if contract:
        operation["description"] = _description(contract)
        operation["x-roles"] = sorted(contract.roles - {"system"})
        if contract.public:
            operation["security"].append({})
    if route.kind == "query":
        if contract and not route.asks:
            operation["parameters"] += _query_parameters(route, contract, in_path, schemas)
        operation["parameters"].append({"$ref": "#/components/parameters/Wait"})
    else:
        if not route.keyless:
            operation["parameters"].append({"$ref": "#/components/parameters/IdempotencyKey"})
        operation["parameters"].append({"$ref": "#/components/parameters/IfMatch"})
    body = _body(route, contract, in_path, schemas)
    if body:
        operation["requestBody"] = body
    return operation


def _description(contract: Contract) -> str:
    parts = [contract.summary]
    if contract.more.get("ground"):
        parts.append(f"Ground: {contract.more['ground']}.")
    if contract.kind == "command" and contract.more.get("states"):
        parts.append(f"States: {', '.join(contract.more['states'])}.")
    roles = sorted(contract.roles - {"system"})
    parts.append(f"Roles: {', '.join(roles)}." if roles else "")
    return "\n\n".join(part for part in parts if part)


def _path_parameter(route: Route, name: str, contract: Contract | None) -> Json:
    field = route.input_name(name)
    if field is None:
        schema: Json = {"type": "string", "enum": [f"custodian_{n}" for n in (1, 2, 3)]}
    elif contract and contract.is_id(field):
        schema = {"type": "string", "format": "uuid"}
    elif contract and "integer" in contract.types_of(field):
        schema = {"type": "integer"}
    else:
        schema = {"type": "string"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route, contract: Contract, in_path: set[str], schemas: Json) -> list[Json]:
    required = set(contract.params.get("required", ()))
    place = _component(contract)
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "schema": _relocated(schema, place, contract, schemas),
            **({"description": schema["description"]} if "description" in schema else {}),
        }
        for name, schema in contract.properties.items()
        if name not in in_path
    ]


def _body(route: Route, contract: Contract | None, in_path: set[str], schemas: Json) -> Json | None:
    if route.kind == "query" and not route.asks:
        return None
    if route.body is not None:
        schema = dict(route.body)
    elif contract is None:
        schema = {"type": "object"}
    else:
        left_out = in_path | ({"id"} if route.id_optional else set())
        whole = _relocated(contract.params, _component(contract), contract, schemas)
        required = [name for name in whole.get("required", ()) if name not in left_out]
        properties = {n: s for n, s in whole.get("properties", {}).items() if n not in in_path}
        if not properties:
            return None
        schema = {**whole, "properties": properties, "required": required}
    name = f"{route.operation}.body"
    schemas[name] = schema
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    return {"required": bool(schema.get("required")), "content": content}


def _component(contract: Contract) -> str:
    return f"{contract.service}.{contract.name}"


def _relocated(schema: Any, place: str, contract: Contract, schemas: Json) -> Any:
    """`schema` with its local definitions moved to the document's components, where references find them."""
    if isinstance(schema, list):
        return [_relocated(item, place, contract, schemas) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    moved: Json = {}
    for word, value in schema.items():
        if word == "$ref" and str(value).startswith("#/$defs/"):
            name = f"{place}.{value.rsplit('/', 1)[-1]}"
            moved[word] = f"#/components/schemas/{name}"
            if name not in schemas:
                schemas[name] = {}  # taken before it is filled: definitions may refer to themselves
                definition = contract.params["$defs"][value.rsplit("/", 1)[-1]]
                schemas[name] = _relocated(definition, place, contract, schemas)
        elif word not in ("$defs", "$schema", "$id"):
            moved[word] = _relocated(value, place, contract, schemas)
    return moved


def _success(route: Route) -> Json:
    if route.kind == "query":
        schema: Json = {"type": "object"}
        headers: Json = {"ETag": {"schema": {"type": "string"}}, "Link": {"schema": {"type": "string"}}}
        return {"200": {"description": "The answer", "headers": headers, "content": _content(schema)}}
    headers = {"ETag": {"schema": {"type": "string"}}, "Idempotency-Replayed": {"schema": {"const": "true"}}}
    if route.creates:
        headers["Location"] = {"schema": {"type": "string"}}
    content = _content({"$ref": "#/components/schemas/Done"})
    return {"201" if route.creates else "200": {"description": "Done", "headers": headers, "content": content}}


def _content(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _problem_response() -> Json:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": "A refusal (RFC 9457)", "content": content}


PARAMETERS: Json = {
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "required": True,
        "description": "Visible ASCII; a new one for everything that is meant anew.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    },
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "required": False,
        "description": "The version that the command is meant for, as ETag gave it.",
        "schema": {"type": "string", "examples": ['"3"']},
    },
    "Wait": {
        "name": "wait",
        "in": "query",
        "required": False,
        "description": "`<service>/<event id>`: an event that the answer must include.",
        "schema": {"type": "string", "pattern": "^[a-z_0-9]{1,40}/[0-9a-f-]{36}$"},
    },
}

DONE: Json = {
    "type": "object",
    "required": ["id", "version", "events", "reply"],
    "properties": {
        "id": {"type": "string", "description": "the stream that was changed"},
        "version": {"type": "integer", "minimum": 0},
        "events": {"type": "array", "items": {"type": "string", "format": "uuid"}},
        "reply": {"type": "object"},
        "receipt": {"type": "object", "description": "signed first half of a receipt (see audit/receipts)"},
    },
}

PAGE: Json = {
    "type": "object",
    "required": ["items", "next"],
    "properties": {
        "items": {"type": "array", "items": {"type": "object"}},
        "next": {"type": ["string", "null"], "description": "an opaque cursor"},
        "links": {"type": "object", "properties": {"next": {"type": "string"}}},
    },
}

PROBLEM: Json = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "rule", "request_id"],
    "properties": {
        "type": {"type": "string", "description": "/problems/<code>"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "rule": {"type": "string"},
        "request_id": {"type": "string"},
        "details": {"type": "object"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer (RFC 6901)"},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
