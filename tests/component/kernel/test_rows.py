"""One suite for both kinds of rows: what a projection writes into PostgreSQL, a replay writes into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Connection,
    Date,
    DateTime,
    Engine,
    MetaData,
    Table,
    Text,
    create_engine,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID
from sqlalchemy.exc import IntegrityError

from kernel.database import admin_url
from kernel.pipeline import Batch
from kernel.rows import MemoryRows, Rows, SqlRows

metadata = MetaData(schema="shelf")
shelf = Table(
    "shelf",
    metadata,
    Column("box_id", UUID(as_uuid=False), primary_key=True),
    Column("colour", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False, server_default="0"),
    Column("maybe", BigInteger),
    Column("note", Text, nullable=False, server_default=""),
    Column("open", Boolean, nullable=False, server_default="true"),
    Column("shut", Boolean, nullable=False, server_default=text("false")),
    Column("kind", Text, nullable=False, server_default=text("'plain'")),
    Column("things", JSONB),
    Column("marks", JSONB, nullable=False, server_default="[]"),
    Column("names", ARRAY(Text), nullable=False, server_default="{}"),
    Column("at", DateTime(timezone=True)),
    Column("day", Date),
    Column("twice", BigInteger, Computed("amount * 2", persisted=True)),
    CheckConstraint("amount >= 0", name="amount_not_negative"),
)
ID = "01890000-0000-7000-8000-000000000001"
KEY = {"box_id": ID, "colour": "red"}
OTHER = {"box_id": ID, "colour": "blue"}
FRESH = {
    **KEY, "amount": 0, "maybe": None, "note": "", "open": True, "shut": False, "kind": "plain", "things": None,
    "marks": [], "names": [], "at": None, "day": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(module_database: str) -> Iterator[Engine]:
    made = create_engine(admin_url(module_database), connect_args={"options": "-c timezone=UTC"})
    with made.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA shelf")
        metadata.create_all(connection)
    yield made
    made.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """A transaction that is never committed."""
    with engine.connect() as made:
        yield made


@pytest.fixture(params=["sql", "memory"])
def rows(request: pytest.FixtureRequest, connection: Connection) -> Rows:
    return SqlRows(Batch(connection)) if request.param == "sql" else MemoryRows()


def test_a_new_row_has_what_was_given_and_the_columns_own_defaults_else(rows: Rows) -> None:
    rows.insert(shelf, **KEY)
    assert rows.get(shelf, KEY) == FRESH
    assert rows.get(shelf, OTHER) is None


def test_every_type_comes_back_as_it_was_given(rows: Rows) -> None:
    given_ = {
        "amount": 2**53 - 1, "maybe": -5, "note": "об «этом»", "open": False, "shut": True, "kind": "",
        "things": {"a": [1, None, {"b": "ё"}]}, "marks": [1, "2"], "names": ["x", "y"],
        "at": datetime(2027, 1, 2, 3, 4, 5, 600, UTC), "day": date(2027, 1, 2),
    }  # fmt: skip
    rows.insert(shelf, **KEY, **given_)
    assert rows.get(shelf, KEY) == {**KEY, **given_}


def test_a_key_may_be_named_in_any_order(rows: Rows) -> None:
    rows.put(shelf, {"colour": "red", "box_id": ID}, note="one")
    rows.change(shelf, KEY, note="two")
    assert rows.get(shelf, {"colour": "red", "box_id": ID}) == {**FRESH, "note": "two"}


def test_put_makes_a_row_or_changes_it_and_leaves_its_other_columns(rows: Rows) -> None:
    rows.put(shelf, KEY, amount=3, note="first")
    rows.put(shelf, KEY, note="second", maybe=1)
    rows.put(shelf, KEY)
    rows.put(shelf, OTHER)
    assert rows.get(shelf, KEY) == {**FRESH, "amount": 3, "note": "second", "maybe": 1}
    assert rows.get(shelf, OTHER) == {**FRESH, **OTHER}


def test_change_changes_what_is_there_and_makes_nothing(rows: Rows) -> None:
    rows.change(shelf, KEY, note="nobody")
    assert rows.get(shelf, KEY) is None
    rows.insert(shelf, **KEY, maybe=1)
    rows.change(shelf, KEY, maybe=None, things=[1])
    assert rows.get(shelf, KEY) == {**FRESH, "things": [1]}


def test_add_counts_from_zero_also_where_there_was_nothing(rows: Rows) -> None:
    rows.add(shelf, KEY, amount=5)
    rows.add(shelf, KEY, amount=-2, maybe=4)
    rows.add(shelf, KEY, maybe=-9)
    assert rows.get(shelf, KEY) == {**FRESH, "amount": 3, "maybe": -5}


def test_delete_takes_one_row_away_and_a_missing_one_is_no_error(rows: Rows) -> None:
    rows.insert(shelf, **KEY)
    rows.insert(shelf, **OTHER)
    rows.delete(shelf, KEY)
    rows.delete(shelf, KEY)
    assert rows.get(shelf, KEY) is None
    assert rows.get(shelf, OTHER) == {**FRESH, **OTHER}


def test_a_row_inserted_twice_is_an_error(rows: Rows) -> None:
    rows.insert(shelf, **KEY)
    with pytest.raises((IntegrityError, ValueError), match="shelf"):
        rows.insert(shelf, **KEY)
        rows.get(shelf, KEY)


def test_what_was_read_is_the_readers_own(rows: Rows) -> None:
    rows.insert(shelf, **KEY, things={"list": [1]}, names=["x"])
    read = rows.get(shelf, KEY)
    assert read is not None
    read["note"] = "changed"
    read["things"]["list"].append(2)
    read["names"].append("y")
    assert rows.get(shelf, KEY) == {**FRESH, "things": {"list": [1]}, "names": ["x"]}


def test_a_sum_is_held_against_its_floor_and_not_the_amount_that_is_taken(connection: Connection) -> None:
    rows = SqlRows(Batch(connection))
    rows.add(shelf, KEY, amount=5)
    rows.add(shelf, KEY, amount=-5)
    assert rows.get(shelf, KEY) == FRESH
    rows.add(shelf, KEY, amount=-1)
    with pytest.raises(IntegrityError, match="amount_not_negative"):
        rows.get(shelf, KEY)


def test_a_rebuild_writes_into_the_shadow_alone(connection: Connection) -> None:
    connection.exec_driver_sql("CREATE TABLE shelf.shelf_new (LIKE shelf.shelf INCLUDING ALL)")
    rows = SqlRows(Batch(connection), {"shelf": "shelf_new"})
    rows.put(shelf, KEY, amount=1)
    rows.add(shelf, KEY, amount=1)
    rows.change(shelf, KEY, note="shadow")
    assert rows.get(shelf, KEY) == {**FRESH, "amount": 2, "note": "shadow"}
    assert connection.exec_driver_sql("SELECT count(*) FROM shelf.shelf").scalar_one() == 0


KEYS = st.sampled_from([KEY, OTHER])
NUMBERS = st.integers(0, 1000)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.fixed_dictionaries({}, optional={"amount": NUMBERS, "note": st.text("ab")})),
        st.tuples(st.just("change"), KEYS, st.fixed_dictionaries({"maybe": st.none() | NUMBERS})),
        st.tuples(st.just("add"), KEYS, st.fixed_dictionaries({"amount": NUMBERS}, optional={"maybe": NUMBERS})),
        st.tuples(st.just("delete"), KEYS, st.just({})),
    ),
    max_size=12,
)
Step = tuple[str, dict[str, str], dict[str, Any]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_steps_end_in_the_same_rows(connection: Connection, steps: list[Step]) -> None:
    savepoint = connection.begin_nested()
    sql, memory = SqlRows(Batch(connection)), MemoryRows()
    for name, key, values in steps:
        for rows in (sql, memory):
            act: Callable[..., None] = getattr(rows, name)
            act(shelf, key, **values)
    for key in (KEY, OTHER):
        assert sql.get(shelf, key) == memory.get(shelf, key)
    savepoint.rollback()
