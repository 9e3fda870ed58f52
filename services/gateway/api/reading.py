"""Reading a request: strict, bounded, and with a pointer to whatever is wrong.

JSON is taken as RFC 8259 has it and not a bit more: no NaN, no second value under one name (two readers would take it
differently), no fractions (money is kopecks), no deeper than an honest body is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from starlette.datastructures import QueryParams
from starlette.requests import Request

from kernel.canonical import MAX_INTEGER
from kernel.ids import is_id
from kernel.refusal import INVALID, Refused
from services.gateway.contracts import Contract
from services.gateway.problems import (
    BAD_REQUEST,
    IF_MATCH_MALFORMED,
    KEY_MALFORMED,
    KEY_MISSING,
    MALFORMED,
    TOO_LARGE,
    WRONG_MEDIA,
)

_INTEGER = re.compile(r"^-?(0|[1-9][0-9]{0,15})$")
_VERSION = re.compile(r'^"(0|[1-9][0-9]{0,17})"$')
_WAIT = re.compile(r"^[a-z_0-9]{1,40}/[0-9a-f-]{36}$")


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The body, never more than `limit_bytes` of it: a larger one is refused by its announced or its real length."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit_bytes:
        raise Refused(TOO_LARGE.having(limit_bytes=limit_bytes))
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            raise Refused(TOO_LARGE.having(limit_bytes=limit_bytes))
        parts.append(part)
    return b"".join(parts)


async def read_object(request: Request, limit_bytes: int, depth: int) -> dict[str, Any]:
    """The JSON object of the body; no body at all is an empty object. Raises Refused."""
    return object_of(request, await read_body(request, limit_bytes), depth)


def object_of(request: Request, body: bytes, depth: int) -> dict[str, Any]:
    """The JSON object in a body that was read."""
    if not body:
        return {}
    if not _is_json(request.headers.get("content-type", "")):
        raise Refused(WRONG_MEDIA)
    return parse_object(body, depth)


def parse_object(body: bytes, depth: int) -> dict[str, Any]:
    """The JSON object in `body`. Raises Refused: malformed, or outside what the market's data can hold."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as problem:
        raise Refused(MALFORMED.having(problem=f"{problem.msg}, {problem.lineno}:{problem.colno}")) from problem
    errors: list[dict[str, str]] = []
    _look_through(value, "", depth, errors)
    if not isinstance(value, dict):
        errors = [_error("", "object", "a JSON object is expected")]
    if errors:
        raise _invalid(errors)
    try:
        json.loads(body, object_pairs_hook=_no_doubles)
    except _DoubledError as problem:
        raise Refused(
            MALFORMED.having(problem=f"{_TWICE[0]} {problem.args[0]!r} / {_TWICE[1]} {problem.args[0]!r}")
        ) from None
    return dict(value)


_TWICE = ("в объекте дважды есть имя", "an object has twice the name")


class _DoubledError(ValueError):
    pass


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        raise _DoubledError(next(name for name in names if names.count(name) > 1)[:40])
    return made


def _look_through(value: Any, pointer: str, depth: int, errors: list[dict[str, str]]) -> None:
    """Gather what canonical JSON can't hold, at most twenty places, each under its JSON pointer (RFC 6901)."""
    if len(errors) >= 20:
        return
    if isinstance(value, dict | list) and depth == 0:
        errors.append(_error(pointer, "too_deep", "nested too deep"))
    elif isinstance(value, dict):
        for name, item in value.items():
            place = f"{pointer}/{_escaped(name)}"
            if not name.isascii():
                errors.append(_error(place, "name_not_ascii", "names are ASCII"))
            _look_through(item, place, depth - 1, errors)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            _look_through(item, f"{pointer}/{position}", depth - 1, errors)
    elif isinstance(value, float) and abs(value) > MAX_INTEGER:  # how the parser gives an integer over 64 bits
        errors.append(_error(pointer, "integer_too_large", "integers stay within ±(2^53 - 1)"))
    elif isinstance(value, float):
        errors.append(_error(pointer, "fraction", "fractions are not taken: an integer (kopecks) or text"))
    elif isinstance(value, int) and abs(value) > MAX_INTEGER:
        errors.append(_error(pointer, "integer_too_large", "integers stay within ±(2^53 - 1)"))
    elif isinstance(value, str) and "\x00" in value:
        errors.append(_error(pointer, "zero_character", "U+0000 is not taken"))


def _escaped(name: str) -> str:
    return name[:60].replace("~", "~0").replace("/", "~1")


def _error(pointer: str, code: str, message: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "message": message}


def _invalid(errors: list[dict[str, str]]) -> Refused:
    summary = "; ".join(f"{error['pointer'] or '/'} — {error['message']}" for error in errors[:3])
    return Refused(INVALID.having(summary=summary, errors=errors))


def _is_json(content_type: str) -> bool:
    media, _, parameters = content_type.partition(";")
    charset = parameters.replace(" ", "").replace('"', "").lower()
    return media.strip().lower() == "application/json" and charset in ("", "charset=utf-8")


def idempotency_key(request: Request, longest: int) -> str:
    """The key of a command. Quotes, which the IETF draft wants around it, are taken off."""
    key = request.headers.get("idempotency-key", "").strip()
    if not key:
        raise Refused(KEY_MISSING)
    if len(key) > 2 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if len(key) > longest or not all("!" <= sign <= "~" for sign in key):
        raise Refused(KEY_MALFORMED.having(limit=longest))
    return key


def expected_version(request: Request) -> int | None:
    """The version that If-Match names; None without it, or for `*`."""
    said = request.headers.get("if-match")
    if said is None or said.strip() == "*":
        return None
    found = _VERSION.match(said.strip())
    if not found:
        raise Refused(IF_MATCH_MALFORMED)
    return int(found[1])


def merged(data: Mapping[str, Any], parameters: Mapping[str, str], contract: Contract | None) -> dict[str, Any]:
    """The input with the path's parameters in it. Refuses a body that names another thing than its address."""
    _refuse_zero(parameters.items())
    whole = dict(data)
    for name, text in parameters.items():
        value = typed(text, contract, name)
        if name in whole and whole[name] != value:
            raise _invalid([_error(f"/{name}", "differs_from_address", "differs from the address")])
        whole[name] = value
    return whole


def _refuse_zero(said: Iterable[tuple[str, str]]) -> None:
    """U+0000 is a character that PostgreSQL can't hold, in an address as in a body."""
    errors = [_error(f"/{_escaped(n)}", "zero_character", "U+0000 is not taken") for n, text in said if "\x00" in text]
    if errors:
        raise _invalid(errors[:20])


def is_possible(name: str, text: str, contract: Contract | None) -> bool:
    """Whether a path parameter can name anything at all: an id must look like one."""
    return contract is None or not contract.is_id(name) or is_id(text)


def query_parameters(query: QueryParams, contract: Contract | None) -> tuple[dict[str, Any], str | None]:
    """The parameters of a query with the types that its contract gives them, and what `wait` says.

    What doesn't fit stays text: the service refuses it and says where.
    """
    wait = query.get("wait")
    if wait is not None and not _WAIT.match(wait):
        raise Refused(BAD_REQUEST.having(problem="wait=<service>/<event id>"))
    _refuse_zero([(name, value) for name, value in query.multi_items()])
    found: dict[str, Any] = {}
    for name in dict.fromkeys(name for name, _ in query.multi_items()):
        if name == "wait":
            continue
        values = query.getlist(name)
        if contract and "array" in contract.types_of(name):
            found[name] = [value for value in values if value]
        elif len(values) > 1:
            raise Refused(BAD_REQUEST.having(problem=f"{name[:40]} дан дважды / {name[:40]} comes twice"))
        elif values[0] != "" or contract is None or "string" not in contract.types_of(name):
            found[name] = typed(values[0], contract, name)
        elif "null" not in contract.types_of(name):
            found[name] = ""  # an empty field of a form: nothing was chosen where nothing may be chosen
    return found, wait


def typed(text: str, contract: Contract | None, name: str) -> Any:
    """A text of an address as the JSON type that the contract wants there."""
    types = contract.types_of(name) if contract else frozenset()
    if "string" in types or not types:
        return text
    if "integer" in types and _INTEGER.match(text):
        return int(text)
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if "null" in types and text == "":
        return None
    return text
