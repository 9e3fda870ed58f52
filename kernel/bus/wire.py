"""A call as bytes: the format of nameko 2, so that its own clients and services can stand at either end.

A request goes to the topic exchange `nameko-rpc` under `<service>.<method>`, into the queue `rpc-<service>`; its body is
`{"args": [], "kwargs": {"data": …, "call": …}}`. The reply goes to the same exchange under the request's `reply_to`, with
its `correlation_id`; its body is `{"result": …, "error": null}`. A refusal is a result: no exception travels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from kernel.bus.call import Call

EXCHANGE = "nameko-rpc"
CONTENT_TYPE, ENCODING = "application/json", "utf-8"
MOST_BYTES = 4 * 1024 * 1024  # of one body; the edge takes 1 MiB from outside
TRACEPARENT = "nameko.traceparent"
PROBE = "are_you_there"
"""A method that every service on the bus has: `{"reply": {"sandbox": …, "now": …}}`, for readiness and the pages' clock."""


class Unreadable(ValueError):
    """A body that is no request, or no reply; the text says why."""


def queue_of(service: str) -> str:
    return f"rpc-{service}"


def key_of(service: str, method: str) -> str:
    return f"{service}.{method}"


def request(data: Mapping[str, Any], call: Call) -> bytes:
    """TypeError for what is no JSON."""
    return orjson.dumps({"args": [], "kwargs": {"data": data, "call": call}})


def headers(call: Call) -> dict[str, Any] | None:
    """What nameko calls context data, for services and tools of others: the call's place in its trace."""
    return {TRACEPARENT: call.traceparent} if call.traceparent else None


def in_context(call: Call, headers: Mapping[str, Any] | None) -> Call:
    """The call with its place in the trace, where only the message's headers name one."""
    said = (headers or {}).get(TRACEPARENT)
    return replace(call, traceparent=said) if isinstance(said, str) and not call.traceparent else call


def read_request(body: bytes | None) -> tuple[Any, Call]:
    """(data, call) of a request; None stands for a body of more than `MOST_BYTES`. Raises Unreadable."""
    if body is None:
        raise Unreadable(f"more than {MOST_BYTES} bytes")
    try:
        kwargs = orjson.loads(body)["kwargs"]
        return kwargs["data"], Call.from_dict(kwargs["call"])
    except (ValueError, KeyError, TypeError) as problem:
        raise Unreadable(f"not a request: {problem}") from problem


def reply(answer: Mapping[str, Any]) -> bytes:
    """TypeError for what is no JSON."""
    return orjson.dumps({"result": answer, "error": None})


def read_reply(body: bytes | None) -> dict[str, Any]:
    """The answer in a reply. Raises Unreadable, also for the exception that a service of another make may send."""
    if body is None:
        raise Unreadable(f"more than {MOST_BYTES} bytes")
    try:
        parsed = orjson.loads(body)
        result = parsed["result"]
        if parsed.get("error") or not isinstance(result, dict):
            raise Unreadable("an error instead of an answer")
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise Unreadable(f"not a reply: {problem}") from problem
    return result
