"""A client of the market that knows an address and nothing else: what it can call it reads from `/openapi.json`.

`Api.call("orders.submit_bid", {…}, token)` finds the operation of that name, puts what belongs there into the address,
and sends the rest as JSON. A connection per thread is kept open.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from app.failure import Failure

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Answer:
    """An HTTP answer with its JSON body."""

    status: int
    body: dict[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The code of a refusal; empty where there is none."""
        return str(self.body.get("code", "")) if self.status >= 400 else ""

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def version(self) -> int:
        return int(self.body["version"])

    @property
    def reply(self) -> dict[str, Any]:
        """What a command's service replied."""
        found: dict[str, Any] = self.body["reply"]
        return found


@dataclass(frozen=True)
class Operation:
    """One operation of the description: method, address pattern, and the names that belong into the address."""

    method: str
    pattern: str
    in_path: frozenset[str]
    has_body: bool

    def request(self, data: Mapping[str, Any]) -> tuple[str, bytes | None]:
        """Address and body for `data`."""
        missing = sorted(self.in_path - data.keys())
        if missing:
            raise ValueError(f"{self.method} {self.pattern} needs {', '.join(missing)}")
        address = self.pattern.format_map({name: quote(str(data[name]), safe="") for name in self.in_path})
        rest = {name: value for name, value in data.items() if name not in self.in_path}
        if self.has_body:
            return address, orjson.dumps(rest)
        said = {name: value for name, value in rest.items() if value is not None}
        return (f"{address}?{urlencode(said, doseq=True)}" if said else address), None


class Api:
    """The market at `host:port`. Safe for many threads."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._local = threading.local()
        self._lock = threading.Lock()
        self._open: list[http.client.HTTPConnection] = []
        self.commands = 0
        self._operations = self._learn()

    def close(self) -> None:
        for connection in self._open:
            connection.close()

    def __contains__(self, operation: str) -> bool:
        return operation in self._operations

    def call(
        self,
        operation: str,
        data: Mapping[str, Any] | None = None,
        token: str | None = None,
        key: str | None = None,
        version: int | None = None,
    ) -> Answer:
        """Call an operation. `key`: the Idempotency-Key of a command; `version`: what If-Match names."""
        found = self._operations.get(operation)
        if found is None:
            raise Failure(f"the gateway offers no operation {operation}", "compare /openapi.json with app/demo")
        address, body = found.request(data or {})
        headers = {"Accept": "application/json", "Accept-Language": "en"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if key:
            headers["Idempotency-Key"] = key
        if version is not None:
            headers["If-Match"] = f'"{version}"'
        return self.send(found.method, address, body, headers)

    def send(self, method: str, address: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """One request as it is, for what no well-behaved client would send."""
        headers = {**headers, **({"Content-Type": "application/json"} if body is not None else {})}
        connection = self._connection()
        try:
            connection.request(method, address, body, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as problem:
            connection.close()
            raise Failure(f"{method} {address} got no answer: {problem!r}", "look into the log above") from problem
        if method != "GET":
            with self._lock:
                self.commands += 1
        parsed = orjson.loads(content) if "json" in response.headers.get("Content-Type", "") else {}
        return Answer(response.status, parsed, {name.lower(): value for name, value in response.headers.items()})

    def _connection(self) -> http.client.HTTPConnection:
        found: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if found is None:
            found = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
            self._local.connection = found
            self._open.append(found)
        return found

    def _learn(self) -> dict[str, Operation]:
        description = self.send("GET", "/openapi.json", None, {}).body
        return {
            said["operationId"]: Operation(
                method.upper(),
                pattern,
                frozenset(p["name"] for p in said.get("parameters", ()) if p.get("in") == "path"),
                "requestBody" in said or method != "get",
            )
            for pattern, methods in description["paths"].items()
            for method, said in methods.items()
        }
