"""The log's pages: contexts from the audit service's replies. Pure functions."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from kernel.canonical import loads
from kernel.merkle import leaf_hash, node_hash
from services.gateway.web.contexts.common import Checkpoint, EntryRef, TrailItem, Trust
from services.gateway.web.contexts.log import (
    Cause,
    ClosedEntryPage,
    LogEntryPage,
    LogFilters,
    LogPage,
    LogRow,
    Proof,
    ProofStep,
    Withheld,
)
from services.gateway.web.text import Text

Reply = Mapping[str, Any]
Side = Literal["left", "right"]

BUNDLE = "./market audit bundle market.zip"
CHECK = ".venv/bin/python docs/check_entry.py"
VERIFY = "./market audit verify market.zip"
REPLAY = "./market audit replay market.zip --against-live"
BY_THE_SYSTEM: Text = {"ru": "Система, по правилу", "en": "The system, by rule"}


def checkpoint(tree: Reply) -> Checkpoint | None:
    """The latest checkpoint of `audit.tree`; None before the first."""
    if not tree["checkpoint"]:
        return None
    return {"size": tree["size"], "root_hash": tree["root"], "time": tree["signed_at"]}


def verify_by(log_key: str | None) -> str:
    """The command that verifies a bundle, against the published key where there is one."""
    return f"{VERIFY} --trust '{log_key}'" if log_key else VERIFY


def trust(tree: Reply, events: int, log_key: str | None) -> Trust:
    """The card «Почему можно верить»: this installation keeps no record of replays, so there is no verification."""
    return {
        "events": events,
        "checkpoint": checkpoint(tree),
        "verification": None,
        "command": f"{BUNDLE} && {verify_by(log_key)} && {REPLAY}",
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
    return {
        "filters": cast(LogFilters, dict(filters)),
        "sources": [source["source"] for source in tree["sources"]],
        "types": list(types),
        "items": rows(entries),
        "checkpoint": checkpoint(tree),
        "commands": [BUNDLE, verify_by(log_key), REPLAY],
        "newer_cursor": newer_cursor,
        "older_cursor": entries["next"],
    }


def rows(entries: Reply) -> list[LogRow | Withheld]:
    """The page's entries, newest first, with the places between them whose entries the reader may not see yet."""
    places: list[tuple[int, Reply | None]] = [(item["index"], item) for item in entries["items"]]
    places += [(index, None) for index in entries["withheld"]]
    found: list[LogRow | Withheld] = []
    for index, item in sorted(places, key=lambda place: -place[0]):
        if item is not None:
            found.append(row(item))
        elif found and "withheld" in found[-1]:
            gap = cast(Withheld, found[-1])
            found[-1] = {"withheld": gap["withheld"] + 1, "first": index, "last": gap["last"]}
        else:
            found.append({"withheld": 1, "first": index, "last": index})
    return found


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
    item: Reply, tree: Reply, inclusion: Reply | None, cause: Reply | None, log_key: str | None, market: str
) -> LogEntryPage:
    """One entry from `audit.entry`, with its proof from `audit.inclusion` where a checkpoint covers it.

    `cause` is the entry of the event that this one follows from, where the reader may see it. `market`: the address
    under which the reader came, for the command that checks the entry from their own machine.
    """
    whole = loads(item["entry"])
    event = whole["event"]
    return {
        "entry": ref(item),
        "type": item["type"],
        "id": item["event_id"],
        "subject": item["subject"],
        "stream_version": event["streamversion"],
        "time": event["time"],
        "received_at": event.get("receivedat"),
        "sealed_at": whole["sealedat"],
        "actor": BY_THE_SYSTEM if _by_the_system(event) else _account(event["actor"]),
        "ground": event.get("ground"),
        "correlation_id": event.get("correlationid"),
        "cause": _cause(event, cause),
        "content": json.dumps(whole, ensure_ascii=False, indent=2),
        "raw_url": f"/api/v1/log/entries/{item['event_id']}",
        "prev_hash": whole["prevhash"],
        "proof": _proof(item, tree, inclusion) if inclusion else None,
        "commands": [f"{CHECK} {market} {item['index']} '{log_key}'"] if inclusion and log_key else [],
        "previous": beside(tree, item["source"], item["sequence"] - 1),
        "next": beside(tree, item["source"], item["sequence"] + 1),
    }


def closed_entry_page(tree: Reply, source: str, sequence: int) -> ClosedEntryPage | None:
    """An entry that is there, by `audit.tree`, though the reader may not read it; None where there is none."""
    entry = beside(tree, source, sequence)
    if entry is None:
        return None
    return {
        "entry": entry,
        "previous": beside(tree, source, sequence - 1),
        "next": beside(tree, source, sequence + 1),
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


def _account(id: str) -> Text:
    return {"ru": f"Учётная запись {id}", "en": f"Account {id}"}


def _proof(item: Reply, tree: Reply, inclusion: Reply) -> Proof:
    # The note says origin, size and root on its first three lines (C2SP tlog-checkpoint).
    root = base64.b64decode(inclusion["checkpoint"].split("\n")[2]).hex()
    leaf, path = leaf_hash(item["entry"].encode()), [base64.b64decode(value) for value in inclusion["proof"]]
    return {
        "leaf_index": inclusion["index"],
        "leaf_hash": leaf.hex(),
        "steps": steps(inclusion["index"], inclusion["size"], leaf, path),
        "checkpoint": {"size": inclusion["size"], "root_hash": root, "time": tree["signed_at"]},
        "note": inclusion["checkpoint"],
    }


def steps(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> list[ProofStep]:
    """The way from a leaf to the root, so that a person can go it with any tool for SHA-256 (RFC 9162 2.1.3.2)."""
    node, place, last = leaf, index, size - 1
    found: list[ProofStep] = []
    for neighbour in path:
        on_the_left = bool(place % 2) or place == last
        node = node_hash(neighbour, node) if on_the_left else node_hash(node, neighbour)
        side: Side = "left" if on_the_left else "right"
        found.append({"side": side, "neighbour": neighbour.hex(), "result": node.hex()})
        while on_the_left and place % 2 == 0 and place:
            place, last = place // 2, last // 2
        place, last = place // 2, last // 2
    return found


def beside(tree: Reply, source: str, sequence: int) -> EntryRef | None:
    """The entry of that number in a service's log, where the log has got so far."""
    logged = {each["source"]: each["entries"] for each in tree["sources"]}
    return {"source": source, "sequence": sequence} if 1 <= sequence <= logged.get(source, 0) else None
