"""Many statements in one round trip (PostgreSQL's pipeline mode), inside SQLAlchemy's connection and transaction.

A command's transaction is two round trips and what its facts need: everything before the decision, and everything
after it with the COMMIT. The server still runs the statements one by one, each with a snapshot of its own, so locks
taken by one are held when the next looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import psycopg
from psycopg.pq import PipelineStatus
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Statement = tuple[str, tuple[Any, ...]]
COMMIT: Statement = ("COMMIT", ())


def run(connection: Connection, statements: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
    """Send all statements together; the rows of each (empty for those without).

    The first error is raised as SQLAlchemy raises it (IntegrityError, OperationalError, …); what followed didn't run.
    """
    if not connection.in_transaction():
        connection.begin()
    raw: Any = connection.connection.driver_connection
    try:
        with raw.pipeline():
            cursors = [raw.execute(sql, parameters) for sql, parameters in statements]
        return [cursor.fetchall() if cursor.description else [] for cursor in cursors]
    except psycopg.Error as problem:
        _raise(connection, raw, problem)


def _raise(connection: Connection, raw: Any, problem: psycopg.Error) -> NoReturn:
    # A backend that was terminated may leave its connection open, stuck in the middle of the pipeline.
    broken = bool(raw.closed) or raw.pgconn.pipeline_status != PipelineStatus.OFF
    error = DBAPIError.instance(
        None,
        None,
        problem,
        psycopg.Error,
        hide_parameters=True,
        connection_invalidated=broken,
        dialect=connection.dialect,
    )
    if broken:
        connection.invalidate(problem)
    raise error from problem


class Batch:
    """Writes that wait to be sent together."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._waiting: list[Statement] = []

    def add(self, sql: str, parameters: tuple[Any, ...]) -> None:
        self._waiting.append((sql, parameters))

    def forget(self) -> None:
        """Drop what waits: its savepoint was rolled back."""
        self._waiting.clear()

    def flush(self, *last: Statement) -> None:
        """Send what waits, then `last`."""
        statements = [*self._waiting, *last]
        self._waiting.clear()
        if statements:
            run(self.connection, statements)

    def read(self, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        """Send what waits and then a question, whose rows come back."""
        statements = [*self._waiting, (sql, parameters)]
        self._waiting.clear()
        return run(self.connection, statements)[-1]
