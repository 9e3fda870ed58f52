"""The log's pages: contexts from the audit service's replies. Pure functions."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from kernel.canonical import loads
from kernel.merkle import leaf_hash
from services.gateway.web.contexts import (
    Cause,
    Checkpoint,
    EntryRef,
    LogEntryPage,
    LogFilters,
    LogPage,
    LogRow,
    Proof,
    TrailItem,
    Trust,
)
from services.gateway.web.text import Text

Reply = Mapping[str, Any]

BUNDLE = "./market audit bundle market.zip"
VERIFY = "./market audit verify market.zip"
REPLAY = "./market audit replay market.zip --against-live"
BY_THE_SYSTEM: Text = {"ru": "Система, по правилу", "en": "The system, by rule"}


def checkpoint(tree: Reply) -> Checkpoint | None:
    """The latest checkpoint of `audit.tree`; None before the first."""
    if not tree["checkpoint"]:
        return None
    return {"size": tree["size"], "root_hash": tree["root"], "time": tree["signed_at"]}


def trust(tree: Reply, events: int) -> Trust:
    """The card «Почему можно верить»: this installation keeps no record of replays, so there is no verification."""
    return {
        "events": events,
        "checkpoint": checkpoint(tree),
        "verification": None,
        "command": f"{BUNDLE} && {VERIFY} && {REPLAY}",
    }


def log_page(
    filters: Mapping[str, str],
    entries: Reply,
    newer_cursor: str | None,
    tree: Reply,
    types: Sequence[str],
    log_key: str | None,
) -> LogPage:
    """The browser of the log from `audit.entries` (newest first) and `audit.tree`."""
    trusted = f"{VERIFY} --trust '{log_key}'" if log_key else VERIFY
    return {
        "filters": cast(LogFilters, dict(filters)),
        "sources": [source["source"] for source in tree["sources"]],
        "types": list(types),
        "items": [row(item) for item in entries["items"]],
        "checkpoint": checkpoint(tree),
        "commands": [BUNDLE, trusted, REPLAY],
        "newer_cursor": newer_cursor,
        "older_cursor": entries["next"],
    }


def row(item: Reply) -> LogRow:
    event = event_of(item)
    return {"entry": ref(item), "time": event["time"], "type": item["type"], "subject": item["subject"]}


def trail(items: Sequence[Reply]) -> list[TrailItem]:
    """Events of one subject or several, as `audit.entries` gives them, for a record's page: newest first."""
    ordered = sorted(items, key=lambda item: -int(item["index"]))
    return [_trail_item(item, event_of(item)) for item in ordered]


def _trail_item(item: Reply, event: Reply) -> TrailItem:
    return {
        "time": event["time"],
        "type": item["type"],
        "actor": BY_THE_SYSTEM if _by_the_system(event) else None,
        "ground": event.get("ground"),
        "entry": ref(item),
    }


def entry_page(
    item: Reply, tree: Reply, inclusion: Reply | None, cause: Reply | None, log_key: str | None
) -> LogEntryPage:
    """One entry from `audit.entry`, with its proof from `audit.inclusion` where a checkpoint covers it.

    `cause` is the entry of the event that this one follows from, where the reader may see it.
    """
    whole = loads(item["entry"])
    event = whole["event"]
    logged = {source["source"]: source["entries"] for source in tree["sources"]}
    return {
        "entry": ref(item),
        "type": item["type"],
        "id": item["event_id"],
        "subject": item["subject"],
        "stream_version": event["streamversion"],
        "time": event["time"],
        "received_at": event.get("receivedat"),
        "sealed_at": whole["sealedat"],
        "actor": BY_THE_SYSTEM if _by_the_system(event) else event["actor"],
        "ground": event.get("ground"),
        "correlation_id": event.get("correlationid"),
        "cause": _cause(event, cause),
        "effects": [],
        "content": json.dumps(whole, ensure_ascii=False, indent=2),
        "withheld_until": None,
        "raw_url": f"/api/v1/log/entries/{item['event_id']}",
        "prev_hash": whole["prevhash"],
        "proof": _proof(item, tree, inclusion) if inclusion else None,
        "commands": [f"{BUNDLE} && {VERIFY}" + (f" --trust '{log_key}'" if log_key else "")],
        "previous": _beside(item, -1, logged),
        "next": _beside(item, 1, logged),
    }


def event_of(item: Reply) -> dict[str, Any]:
    """The event inside an entry's bytes."""
    event: dict[str, Any] = loads(item["entry"])["event"]
    return event


def ref(item: Reply) -> EntryRef:
    return {"source": item["source"], "sequence": item["sequence"]}


def _by_the_system(event: Reply) -> bool:
    return str(event["actor"]).startswith("system:")


def _cause(event: Reply, cause: Reply | None) -> Cause | None:
    if not event.get("causationid"):
        return None
    if cause is None:
        return {
            "type": "",
            "words": {"ru": "Запись, которую пока нельзя читать", "en": "An entry not public yet"},
            "entry": None,
        }
    return {"type": cause["type"], "entry": ref(cause)}


def _proof(item: Reply, tree: Reply, inclusion: Reply) -> Proof:
    # The note says origin, size and root on its first three lines (C2SP tlog-checkpoint).
    root = base64.b64decode(inclusion["checkpoint"].split("\n")[2]).hex()
    return {
        "leaf_index": inclusion["index"],
        "leaf_hash": leaf_hash(item["entry"].encode()).hex(),
        "path": [base64.b64decode(value).hex() for value in inclusion["proof"]],
        "checkpoint": {"size": inclusion["size"], "root_hash": root, "time": tree["signed_at"]},
        "note": inclusion["checkpoint"],
    }


def _beside(item: Reply, step: int, logged: Mapping[str, int]) -> EntryRef | None:
    sequence = item["sequence"] + step
    if not 1 <= sequence <= logged.get(item["source"], 0):
        return None
    return {"source": item["source"], "sequence": sequence}
