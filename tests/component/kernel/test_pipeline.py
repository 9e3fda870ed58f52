"""Statements sent together: results in order, the first error as SQLAlchemy names it, a dead connection never reused."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from kernel.database import admin_url, is_disconnect, is_transient
from kernel.pipeline import Batch, _raise, run


@pytest.fixture
def engine(module_database: str) -> Iterator[Engine]:
    made = create_engine(admin_url(module_database), pool_size=1, max_overflow=0)
    with made.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS thing (id int PRIMARY KEY)")
        connection.exec_driver_sql("TRUNCATE thing")
    yield made
    made.dispose()


def _dsn(engine: Engine) -> str:
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_rows_come_in_the_order_of_the_statements(engine: Engine) -> None:
    with engine.connect() as connection:
        assert run(
            connection, [("SELECT 1", ()), ("INSERT INTO thing VALUES (%s)", (5,)), ("SELECT id FROM thing", ())]
        ) == [
            [(1,)],
            [],
            [(5,)],
        ]


def test_after_an_error_nothing_more_runs_and_the_connection_is_good_for_others(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(IntegrityError, match="thing_pkey"):
        run(connection, [("INSERT INTO thing VALUES (1), (1)", ()), ("COMMIT", ())])
    with engine.connect() as connection:
        assert run(connection, [("SELECT count(*) FROM thing", ())]) == [[(0,)]]


def test_a_terminated_backend_is_a_lost_connection_and_the_next_one_is_new(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        # Many statements behind it, so that the pipeline is in the middle when the end comes.
        run(connection, [("SELECT pg_terminate_backend(pg_backend_pid())", ()), *[("SELECT 1", ())] * 50])
    assert is_disconnect(caught.value) and is_transient(caught.value)
    with engine.connect() as connection:
        assert run(connection, [("SELECT 2", ())]) == [[(2,)]]


def test_a_connection_stuck_in_its_pipeline_is_a_lost_one(engine: Engine) -> None:
    """As a backend leaves it that was terminated, as long as the end of its connection hasn't arrived."""
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.begin()
        raw: psycopg.Connection[tuple[object]] = connection.connection.driver_connection  # type: ignore[assignment]
        raw.pgconn.enter_pipeline_mode()
        raw.pgconn.send_query_params(b"SELECT 1", None)  # whose answer nobody will fetch
        _raise(connection, raw, psycopg.errors.AdminShutdown("terminating connection"))
    assert isinstance(caught.value.orig, psycopg.errors.AdminShutdown), "the rollback found nothing to fail at"
    assert caught.value.connection_invalidated and raw.closed
    with engine.connect() as connection:
        assert run(connection, [("SELECT 2", ())]) == [[(2,)]]


def test_a_batch_sends_what_waits_before_it_reads_and_forgets_on_demand(engine: Engine) -> None:
    with engine.connect() as connection:
        batch = Batch(connection)
        batch.add("INSERT INTO thing VALUES (%s)", (1,))
        assert batch.read("SELECT count(*) FROM thing", ()) == [(1,)]
        batch.add("INSERT INTO thing VALUES (%s)", (2,))
        batch.forget()
        batch.flush()
        assert batch.read("SELECT count(*) FROM thing", ()) == [(1,)]


def test_a_value_that_cannot_be_sent_leaves_the_connection_good(engine: Engine) -> None:
    with engine.connect() as connection:
        with pytest.raises(DBAPIError) as caught:
            run(connection, [("SELECT 1", ()), ("SELECT %s::text", ("a\0b",))])
        assert not is_transient(caught.value)
        assert run(connection, [("SELECT 3", ())]) == [[(3,)]]


def test_statements_of_a_table_that_changed_are_prepared_anew(engine: Engine) -> None:
    ask = [("SELECT * FROM thing", ())]
    with engine.connect() as connection:
        assert run(connection, [*ask, ("COMMIT", ())])[0] == []
        with psycopg.connect(_dsn(engine), autocommit=True) as other:
            other.execute("ALTER TABLE thing ADD COLUMN name text")
        with pytest.raises(DBAPIError):
            run(connection, ask)
    with engine.connect() as connection:  # of a pool of one: the same
        assert run(connection, ask) == [[]]
    with psycopg.connect(_dsn(engine), autocommit=True) as other:
        other.execute("ALTER TABLE thing DROP COLUMN name")


def test_a_statement_that_fails_at_first_is_no_burden(engine: Engine) -> None:
    """Neither a name that was never prepared is used, nor is one prepared again and again."""
    with engine.connect() as connection:
        for _ in range(3):
            with pytest.raises(IntegrityError):
                run(connection, [("INSERT INTO thing VALUES (%s), (%s)", (7, 7)), ("SELECT 'behind it'", ())])
            connection.rollback()
        (count,) = run(connection, [("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'INSERT%'", ())])
        assert count == [(1,)]
        assert run(connection, [("SELECT 'behind it'", ())]) == [[("behind it",)]]
