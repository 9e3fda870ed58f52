"""Read tables are the same in whatever order different streams arrive: a row depends on one stream, or it commutes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Column, MetaData, Table, Text

from kernel.projection import Entry, Projection
from kernel.rows import MemoryRows, Rows
from tests.toy.services import ThingPut, seen, totals

Tables = dict[str, dict[tuple[Any, ...], Any]]


def shuffled(streams: Sequence[Sequence[Entry]], dice: random.Random) -> Iterable[Entry]:
    """All entries in some order in which each stream keeps its own."""
    order = [number for number, stream in enumerate(streams) for _ in stream]
    dice.shuffle(order)
    at = [iter(stream) for stream in streams]
    return [next(at[number]) for number in order]


def projected(projections: Iterable[Projection], entries: Iterable[Entry]) -> Tables:
    rows = MemoryRows()
    for entry in entries:
        for projection in projections:
            projection.apply(rows, entry)
    return rows.tables


def orders_that_matter(projections: Sequence[Projection], streams: Sequence[Sequence[Entry]], tries: int = 20) -> int:
    """In how many of `tries` orders the tables come out otherwise than stream by stream."""
    plain = projected(projections, (entry for stream in streams for entry in stream))
    return sum(projected(projections, shuffled(streams, random.Random(seed))) != plain for seed in range(tries))


def put(stream: int, version: int, amount: int, colour: str) -> Entry:
    data = {"amount": amount, "colour": colour}
    return Entry(
        "box", f"{stream}-{version}", f"Box/{stream}", "market.box.ThingPut.v1", "", "", version, "", "", "", data
    )


STREAMS = st.lists(
    st.lists(st.tuples(st.integers(-500, 500), st.sampled_from(["red", "blue"])), max_size=6), min_size=2, max_size=5
).map(
    lambda streams: [
        [put(number, version, amount, colour) for version, (amount, colour) in enumerate(stream, 1)]
        for number, stream in enumerate(streams)
    ]
)


@settings(max_examples=40, deadline=None)
@given(STREAMS)
def test_the_toys_projections_commute(streams: list[list[Entry]]) -> None:
    assert orders_that_matter([totals, seen], streams) == 0


def test_a_projection_whose_order_matters_is_found() -> None:
    table = Table(
        "last", MetaData(schema="box"), Column("colour", Text, primary_key=True), Column("amount", BigInteger)
    )
    last = Projection("last", (table,))

    @last.on("box", "ThingPut", ThingPut)
    def _last(rows: Rows, event: ThingPut, entry: Entry) -> None:
        rows.put(table, {"colour": event.colour}, amount=event.amount)

    streams = [[put(number, version, number * 10 + version, "red") for version in range(1, 4)] for number in range(3)]
    assert orders_that_matter([last], streams) > 0
    assert orders_that_matter([totals, seen], streams) == 0
