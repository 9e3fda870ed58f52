"""What component and fault tests stand on: real services on a real PostgreSQL database of their own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from kernel.bus.call import Call, Caller
from kernel.clock import move_sandbox
from kernel.database import admin_url
from kernel.identity import Actor, SigningKey, TokenIssuer
from kernel.ids import new_id
from kernel.installation import Installation
from kernel.keys import make_keys
from kernel.schema import setup
from kernel.service import Service
from kernel.settings import Settings
from kernel.store import body_hash

CUSTODIANS = ("custodian_1", "custodian_2", "custodian_3")


class Market:
    """An installation under test: commands and queries as any role, a clock, turns and settling."""

    def __init__(
        self, services: Iterable[Service], url: str, home: Path, sandbox_from: datetime | None, made: bool = False
    ) -> None:
        """`made`: the database at `url` has been set up already."""
        self.services = list(services)
        self.url = url
        self.settings = Settings(home=home)
        make_keys(self.settings.keys, tuple(s.name for s in self.services))
        self._admin = create_engine(admin_url(url), pool_size=1, pool_pre_ping=True)  # fault tests kill servers
        if not made:
            with self._admin.begin() as connection:
                setup(connection, self.services, self.settings, sandbox_from)
        self.installation = Installation(self.services, url, self.settings)
        self._caller = Caller(SigningKey.at(self.settings.keys / "gateway.key"), 10.0)
        self._issuer = TokenIssuer(SigningKey.at(self.settings.keys / "access.key"))
        self._tokens: dict[Actor, str] = {}

    def close(self) -> None:
        self.installation.stop()
        self._admin.dispose()

    def token(self, actor: Actor) -> str:
        if actor not in self._tokens:
            self._tokens[actor] = self._issuer.issue(actor)
        return self._tokens[actor]

    def call(self, name: str, data: Any, actor: Actor | None, **more: Any) -> Call:
        version = more.get("expected_version")
        token = self.token(actor) if actor else None
        return self._caller.call(name, body_hash(data, version), token=token, **more)

    def answer(self, name: str, data: dict[str, Any], actor: Actor | None = None, **more: Any) -> dict[str, Any]:
        """The whole answer of a command `service.command`."""
        service, _, command = name.partition(".")
        return self.installation.bus.command(service, command, data, self.call(name, data, actor, **more))

    def do(self, name: str, data: dict[str, Any], actor: Actor | None = None, **more: Any) -> dict[str, Any]:
        """A command that must be done; its answer."""
        answer = self.answer(name, data, actor, **more)
        assert "refused" not in answer, f"{name} was refused: {answer['refused']}"
        return answer

    def refused(self, name: str, data: dict[str, Any], actor: Actor | None = None, **more: Any) -> str:
        """A command that must be refused; the refusal's code."""
        answer = self.answer(name, data, actor, **more)
        assert "refused" in answer, f"{name} was done: {answer}"
        return str(answer["refused"]["code"])

    def ask(self, name: str, params: dict[str, Any] | None = None, actor: Actor | None = None) -> dict[str, Any]:
        """The reply of a query `service.query`, which must be given."""
        answer = self.asked(name, params, actor)
        assert "refused" not in answer, f"{name} was refused: {answer['refused']}"
        reply: dict[str, Any] = answer["reply"]
        return reply

    def asked(self, name: str, params: dict[str, Any] | None = None, actor: Actor | None = None) -> dict[str, Any]:
        service, _, query = name.partition(".")
        return self.installation.bus.query(service, query, params or {}, self.call(name, params or {}, actor))

    def sql(self, statement: str, params: tuple[Any, ...] = ()) -> list[Any]:
        """Rows of a statement run as superuser."""
        with self._admin.begin() as connection:
            result = connection.exec_driver_sql(statement, params)
            return list(result.all()) if result.returns_rows else []

    def move_clock(self, to: datetime) -> None:
        with self._admin.begin() as connection:
            move_sandbox(connection, to)
        self.installation.signals.notify()

    def work(self, rounds: int = 50) -> None:
        """Let every worker take turns in this thread until none has anything to do (no threads, repeatable)."""
        for _ in range(rounds):
            if not sum(worker.turn() for worker in self.installation.workers.values()):
                return
        raise AssertionError(f"still busy after {rounds} rounds: {self.installation.unsettled()}")


@contextmanager
def market(services: Iterable[Service], url: str, home: Path, sandbox_from: datetime | None = None) -> Iterator[Market]:
    made = Market(services, url, home, sandbox_from)
    try:
        yield made
    finally:
        made.close()


def person(*roles: str, organisation: str | None = None, id: str | None = None) -> Actor:
    """Somebody with `roles`."""
    return Actor(id or new_id(), frozenset(roles), organisation)


def eventually(check: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Poll until `check()` holds."""
    deadline = time.monotonic() + timeout_s
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError("it didn't come true in time")
        time.sleep(0.01)
