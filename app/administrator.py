"""The body of `./market administrator LOGIN`: the first account, made by whoever holds the installation's keys."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Mapping
from typing import Any

from app.failure import Failure
from app.migrate import ensure_ready
from app.postgres import database_url
from kernel.bus.call import Caller
from kernel.host import Host
from kernel.identity import Actor, SigningKey, TokenIssuer
from kernel.ids import new_id
from kernel.settings import Settings
from kernel.store import body_hash
from services.access.service import service as access

OPERATOR = Actor("operator:console", frozenset({"operator"}))


def main(login: str) -> int:
    """Create the account; exit status 0 only when it is there."""
    settings = Settings()
    url = database_url(settings)
    ensure_ready(url, settings)
    data = {"id": new_id(), "login": login, "password": _password(), "display_name": login}
    answer = first_account(url, settings, data)
    if "refused" in answer:
        refused = answer["refused"]
        next_step = "correct it" if refused["kind"] == "invalid" else "an existing administrator makes further accounts"
        raise Failure(f"{refused['en']} / {refused['ru']}", next_step)
    print(f"{login} is the first administrator: sign in at /api/v1/sign-in after ./market up")
    return 0


def first_account(url: str, settings: Settings, data: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to `access.bootstrap`, given in this process beside whatever runs: nobody is there yet who could sign in."""
    host = Host(access(), url, settings)
    try:
        token = TokenIssuer(SigningKey.at(settings.keys / "access.key")).issue(OPERATOR, lifetime_s=60)
        caller = Caller(SigningKey.at(settings.keys / "gateway.key"), settings.call_deadline_s)
        return host.command("bootstrap", data, caller.call("access.bootstrap", body_hash(data), token=token))
    finally:
        host.close()


def _password() -> str:
    """From the terminal, asked twice; from a pipe, its first line. Never from the arguments, which others can see."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if first != getpass.getpass("Again: "):
        raise Failure("the two passwords differ", "try again")
    return first
