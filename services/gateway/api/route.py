"""A line of the API's table: an address, and the command or query behind it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

PREFIX = "/api/v1"
_PARAMETER = re.compile(r"{([a-z_]+)}")

Prepare = Callable[..., Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Route:
    """`method path → call`.

    Path parameters go into the input under their own name, or as `fields` says (`{"provider_id": "id"}`).
    `creates`: the address pattern of what a command makes; its answer is 201 with Location. Then, and with `fresh`, its
    `id` may be left out: it follows from asker, command and key; with `own` it is the organisation that a provider's
    staff acts for. `keyless`: needs no Idempotency-Key, since a repetition does no harm (sign-in). `asks`: a query that
    takes its parameters from a JSON body, being too large for an address. `prepare` turns what was sent into what the
    service takes; `body` is then the schema of what is sent. `limit` names a rate of its own (`sign_in`).
    `name`: of a second route of one call.
    """

    method: str
    path: str
    call: str
    kind: Literal["command", "query"]
    ru: str
    en: str
    fields: Mapping[str, str] = field(default_factory=dict)
    creates: str | None = None
    fresh: bool = False
    own: bool = False
    keyless: bool = False
    asks: bool = False
    prepare: Prepare | None = None
    body: Mapping[str, Any] | None = None
    limit: str | None = None
    name: str = ""
    area: str = ""

    @property
    def address(self) -> str:
        return PREFIX + self.path

    @property
    def parameters(self) -> tuple[str, ...]:
        """The path's parameters, in order."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def calls(self) -> tuple[str, ...]:
        """What the route may call: several where the path says which custodian."""
        if "{custodian}" in self.call:
            return tuple(self.call.replace("{custodian}", f"custodian_{n}") for n in (1, 2, 3))
        return (self.call,)

    def input_name(self, parameter: str) -> str | None:
        """Under which name a path parameter goes into the input; None for one that only chooses the service."""
        return None if "{" + parameter + "}" in self.call else self.fields.get(parameter, parameter)

    @property
    def id_optional(self) -> bool:
        return self.creates is not None or self.fresh

    @property
    def operation(self) -> str:
        """The route's own name in the API's description: that of the call, where a call has one route only."""
        return self.name or self.call.replace("{", "").replace("}", "")

    def target(self, parameters: Mapping[str, str]) -> str:
        """The call's name on the bus for these path parameters."""
        return self.call.format_map(parameters) if "{" in self.call else self.call


def command(method: str, path: str, call: str, ru: str, en: str, **more: Any) -> Route:
    return Route(method, path, call, "command", ru, en, **more)


def query(path: str, call: str, ru: str, en: str, **more: Any) -> Route:
    return Route(more.pop("method", "GET"), path, call, "query", ru, en, **more)


def area(name: str, *routes: Route) -> tuple[Route, ...]:
    """The routes of one part of the API, in the order in which the documentation shows them."""
    return tuple(replace(route, area=name) for route in routes)
