"""The bodies of `./market keys …`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import create_engine

from app.failure import Failure
from app.keys.files import alone, next_of
from app.keys.known import Key, Kind, known_keys
from app.keys.log import rotate_log_key
from app.keys.pairs import rotate_pair
from app.keys.wrapping import rotate_wrapping_key
from app.postgres import database_url
from kernel.database import admin_url
from kernel.identity import SigningKey
from kernel.note import Verifier
from kernel.settings import Settings


def list_keys(as_json: bool) -> int:
    """Name every key that is here."""
    settings = Settings()
    found = [_described(key, settings) for key in known_keys().values() if (settings.keys / key.name).exists()]
    if as_json:
        _print(found)
        return 0
    if not found:
        raise Failure(f"{settings.keys} holds no private key", "./market migrate makes them")
    width = max(len(row["name"]) for row in found)
    for row in found:
        print(f"{row['name']:{width}}  since {row['since'][:10]}  {row['purpose']}")
        if row["cut_off"]:
            print(f"{'':{width}}  a change of it was cut off: ./market keys rotate {row['name']}")
        if row["public"]:  # whole and alone in its line, to be copied
            print(row["public"])
    return 0


def rotate(name: str, as_json: bool) -> int:
    """Put a new key in the place of the one called `name`."""
    settings = Settings()
    key = known_keys().get(name)
    path = settings.keys / name
    if key is None:
        raise Failure(f"there is no key {name}", "see ./market keys list")
    if not path.exists():
        where = f"run this where {key.owner} keeps it, with MARKET_HOME naming the place"
        raise Failure(f"{path} is not here", f"{where}; a key under which nothing is yet is made on its first use")
    done: dict[str, Any] = {"name": name, "rotated": True}
    with alone(settings.keys):
        done |= _rotate(key, path, settings)
    done |= {"public": _public(path, settings), "then": key.then}
    if as_json:
        _print(done)
    else:
        print(f"{name} is new" + (f"; it encrypts {done['keys']} keys" if "keys" in done else ""))
        print(*filter(None, [done["public"], f"then: {key.then}"]), sep="\n")
    return 0


def _rotate(key: Key, path: Path, settings: Settings) -> dict[str, Any]:
    if key.kind is Kind.PAIR:
        rotate_pair(path)
        return {}
    engine = create_engine(admin_url(database_url(settings)), pool_size=1)
    try:
        if key.kind is Kind.WRAPPING:
            return {"keys": rotate_wrapping_key(engine, key, path)}
        rotate_log_key(engine, path, settings.origin)
        return {}
    finally:
        engine.dispose()


def _described(key: Key, settings: Settings) -> dict[str, Any]:
    path = settings.keys / key.name
    since = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds")
    return {
        "name": key.name,
        "kind": key.kind.value,
        "owner": key.owner,
        "purpose": key.purpose,
        "since": since,
        "public": _public(path, settings),
        "cut_off": next_of(path).exists(),
        "then": key.then,
    }


def _public(path: Path, settings: Settings) -> str | None:
    """The public half as one publishes it."""
    if path.suffix != ".key":
        return None
    role = path.stem.removeprefix("service-")
    name = settings.origin if role == "log" else f"market/{role}"
    return str(Verifier(name, SigningKey.at(path).public))


def _print(value: Any) -> None:
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")
