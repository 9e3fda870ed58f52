"""The one endpoint behind all routes of the API: reads a request strictly, calls the service, answers as HTTP does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from kernel.ids import derived_id, new_id
from kernel.refusal import MISSING, UNAUTHENTICATED, Refused
from services.gateway.api.reading import (
    expected_version,
    idempotency_key,
    is_possible,
    merged,
    object_of,
    query_parameters,
    read_body,
    read_object,
)
from services.gateway.api.route import Route
from services.gateway.calls import Answered, Asker, received_now
from services.gateway.contracts import Contract
from services.gateway.gate import Gate

Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(route: Route, gate: Gate) -> Endpoint:
    """The endpoint of a line of the table."""
    contract = gate.contracts.of(route.calls[0])

    async def answer_command(request: Request) -> Response:
        asker = _admitted(gate.claimed(request, route.limit), contract)
        target, parameters = _addressed(request, route, contract)
        key = new_id() if route.keyless else idempotency_key(request, gate.options.idempotency_key_length)
        version = expected_version(request)
        body = await read_body(request, gate.options.body_limit_bytes)
        received_at = received_now()  # the whole of it is here: this is when it was received
        await gate.receipts_first()
        await gate.check_revoked(asker)
        data = merged(object_of(request, body, gate.options.json_depth), parameters, contract)
        if route.id_optional and "id" not in data and _takes_id(contract):
            data["id"] = _new_id(route, asker, target, key)
        if route.prepare:
            data = await route.prepare(gate, asker, target, data, key)
        answer = await gate.calls.command(
            target, data, asker, key=key, received_at=received_at, expected_version=version
        )
        if target.startswith("access."):
            gate.revoked.forget()  # a session that was just ended is over at once
        return command_response(route, parameters, answer)

    async def answer_query(request: Request) -> Response:
        asker = _admitted(await gate.asker(request, route.limit), contract)
        target, parameters = _addressed(request, route, contract)
        params, wait = query_parameters(request.query_params, contract)
        if route.asks:
            params |= await read_object(request, gate.options.body_limit_bytes, gate.options.json_depth)
        answer = await gate.calls.query(target, merged(params, parameters, contract), asker, wait=wait)
        return query_response(request, answer)

    return answer_command if route.kind == "command" else answer_query


def command_response(route: Route, parameters: Mapping[str, str], answer: dict[str, Any]) -> Response:
    """What was done: id, version, ids of the events, the service's reply and the receipt, where it gives one."""
    if "refused" in answer:
        raise Answered(answer["refused"])
    headers = {"Cache-Control": "no-store"}
    if answer.pop("replayed", False):
        headers["Idempotency-Replayed"] = "true"
    if answer.get("version"):
        headers["ETag"] = f'"{answer["version"]}"'
    if route.creates:
        places = {**parameters, "id": answer["id"]}
        headers["Location"] = "/api/v1" + route.creates.format_map(places)
    return _json(answer, 201 if route.creates else 200, headers)


def query_response(request: Request, answer: dict[str, Any]) -> Response:
    """The service's reply as it is; a list gets the address of its next page, a single record its version as ETag."""
    if "refused" in answer:
        raise Answered(answer["refused"])
    reply = dict(answer["reply"])
    headers = {"Cache-Control": "no-store"}
    if answer.get("note"):
        headers["Market-Note"] = "not-yet"  # what `wait` named had not been handled in time
    version = reply.get("version")
    if isinstance(version, int) and not isinstance(version, bool):
        headers["ETag"] = f'"{version}"'
    if "items" in reply and reply.get("next"):
        following = _page(request, str(reply["next"]))
        headers["Link"] = f'<{following}>; rel="next"'
        reply["links"] = {"next": following}
    return _json(reply, 200, headers)


def _admitted(asker: Asker, contract: Contract | None) -> Asker:
    """Who asks; a visitor is turned away before a body is read. Other roles are the service's to judge."""
    if asker.token is None and contract is not None and not contract.public:
        raise Refused(UNAUTHENTICATED.having(reason="нужен вход / sign-in needed"))
    return asker


def _addressed(request: Request, route: Route, contract: Contract | None) -> tuple[str, dict[str, str]]:
    """The call that the address means, and the input that stands in it."""
    found: dict[str, str] = {}
    said: dict[str, str] = {}
    for name in route.parameters:
        text = request.path_params[name]
        said[name] = text
        field = route.input_name(name)
        if field is None:
            continue
        if not is_possible(field, text, contract):
            raise Refused(MISSING.having(what=name, id=text[:60]))
        found[field] = text
    target = route.target(said)
    if target not in route.calls:
        raise Refused(MISSING.having(what="custodian", id=said.get("custodian", "")[:60]))
    return target, found


def _new_id(route: Route, asker: Asker, target: str, key: str) -> str:
    """The id of what is created: the same asker, command and key give the same, so a repetition is the same command."""
    if route.own and asker.actor.has("provider") and asker.actor.organisation:
        return asker.actor.organisation
    return derived_id("http", asker.actor.id, target, key)


def _takes_id(contract: Contract | None) -> bool:
    return contract is None or "id" in contract.properties


def _page(request: Request, cursor: str) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("cursor", "wait")]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def _json(content: Mapping[str, Any], status: int, headers: Mapping[str, str]) -> Response:
    return Response(orjson.dumps(content), status, dict(headers), "application/json")
