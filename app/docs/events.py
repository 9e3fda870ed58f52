"""The catalogue of events: what each says, on which stream it stands, and who may read it from when."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from app.docs.states import emitted, rules_of
from app.docs.tables import MADE, document, first_paragraph, table
from kernel.aggregate import Aggregate, Event
from kernel.service import Service
from kernel.settings import PROJECT

#: What pages call an event, in both languages; the texts are the gateway's.
WORDS = PROJECT / "services" / "gateway" / "web" / "texts" / "events.toml"


def events_page(services: Sequence[Service]) -> str:
    """The catalogue of all services' events; the three custodians are one package."""
    words = _words(WORDS)
    families = {service.family: service for service in reversed(services)}
    parts: list[Iterable[str]] = [
        [MADE],
        ["# Events"],
        [
            "Every fact that the market logs. The type in an envelope is `market.<service>.<Event>.v<version>`, the",
            "subject `<Aggregate>/<id>`. Fields: the JSON Schemas in [contracts/events](../contracts/events). Auditors",
            "read all of it at any time; hashes, places and proofs are public at once.",
        ],
    ]
    for family in sorted(families):
        service = families[family]
        if service.events:
            parts.append([f"## {family}"])
            rows = [_row(event, aggregate.name, words) for aggregate, event in _in_order(service)]
            parts.append(table(("event", "stream", "who reads it", "meaning", "по-русски"), rows))
    return document(*parts)


def readers_in_words(readers: str) -> str:
    """`Event.readers` as a sentence's part."""
    kind, _, rest = readers.partition(":")
    if kind == "public":
        return "everybody"
    if kind == "auditor":
        return "auditors"
    if kind == "parties":
        return f"the organisations in {', '.join(f'`{field}`' for field in rest.split(','))}"
    event, _, field = rest.partition(":")
    return f"everybody after `{event}` of its `{field}`; its provider at once"


def _in_order(service: Service) -> list[tuple[Aggregate, Any]]:
    """A service's events as its commands emit them, in the order of its table of contents; then what none emits."""
    found: dict[str, tuple[Aggregate, Any]] = {}
    for aggregate in service.aggregates:
        for rule in rules_of(service, aggregate):
            for event in emitted(aggregate, rule):
                found.setdefault(event.type.__name__, (aggregate, event.type))
    rest = sorted(service.events.keys() - found.keys())
    return [*found.values(), *(service.events[name] for name in rest)]


def _row(event: type[Event], aggregate: str, words: dict[str, Any]) -> tuple[str, ...]:
    name = event.__name__
    known = words.get(name, {})
    meaning = [known.get("en") or _split(name), first_paragraph(event)]
    version = "" if event.version == 1 else f" v{event.version}"
    return (
        f"`{name}`{version}",
        f"`{aggregate}`",
        readers_in_words(event.readers),
        ". ".join(text.rstrip(".") for text in meaning if text),
        known.get("ru") or "–",
    )


def _split(name: str) -> str:
    """`ScoresSubmitted` → `Scores submitted`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def _words(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
