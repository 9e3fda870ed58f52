"""The body of `./market export hsds`: the register as HSDS 3.0 (.json), GeoJSON (.geojson) or CSV (.csv).

Who is in the register now, in the order of its names. The file appears whole or not at all, and is written card by card.
"""

from __future__ import annotations

import csv
import os
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

import orjson

from app.asking import Asker
from app.failure import Failure
from app.postgres import database_url
from kernel.host import Host
from kernel.settings import Settings
from services.opendata.hsds import COLUMNS, Card, Places, feature, line, organization
from services.registry.service import service as registry

PAGE = 200


def main(file: Path) -> int:
    """Write the register; what `file` ends with says as what."""
    write = FORMATS.get(file.suffix)
    if write is None:
        raise Failure(f"{file.name} doesn't say what it is to hold", f"end its name with {', '.join(FORMATS)}")
    settings = Settings()
    host = Host(registry(), database_url(settings), settings)
    ask = Asker(host, settings)
    temporary = file.with_name(f".{file.name}.part")
    try:
        ids = list(_ids(ask))
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            write(stream, (ask("provider", id=id) for id in ids), len(ids), places_of(settings.region))
        os.replace(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)
        host.close()
    print(f"{file}: {len(ids):,} providers")
    return 0


def places_of(region: Path) -> Places:
    """Names from a region's configuration."""
    named = tomllib.loads((region / "region.toml").read_text(encoding="utf-8"))["name"]["ru"]
    towns = tomllib.loads((region / "territories.toml").read_text(encoding="utf-8"))["municipality"]
    return Places(named, {town["code"]: town["name"]["ru"] for town in towns})


def _ids(ask: Asker) -> Iterator[str]:
    cursor = None
    while True:
        page = ask("providers", cursor=cursor, limit=PAGE)
        yield from (item["id"] for item in page["items"])
        cursor = page["next"]
        if cursor is None:
            return


def _hsds(stream: TextIO, cards: Iterator[Card], total: int, places: Places) -> None:
    """One page of organizations in full, in the form in which an HSDS API answers /organizations."""
    head = {
        "total_items": total, "total_pages": 1, "page_number": 1, "size": total,
        "first_page": True, "last_page": True, "empty": total == 0,
    }  # fmt: skip
    stream.write(_text(head)[:-1] + ',"contents":[')
    _list(stream, (organization(card, places) for card in cards))
    stream.write("]}\n")


def _geojson(stream: TextIO, cards: Iterator[Card], total: int, places: Places) -> None:
    stream.write('{"type":"FeatureCollection","features":[')
    _list(stream, (found for card in cards if (found := feature(card))))
    stream.write("]}\n")


def _csv(stream: TextIO, cards: Iterator[Card], total: int, places: Places) -> None:
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    writer.writerows(line(card) for card in cards)


def _list(stream: TextIO, values: Iterator[Any]) -> None:
    for number, value in enumerate(values):
        stream.write((",\n" if number else "\n") + _text(value))


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


FORMATS: dict[str, Callable[[TextIO, Iterator[Card], int, Places], None]] = {
    ".json": _hsds,
    ".geojson": _geojson,
    ".csv": _csv,
}
