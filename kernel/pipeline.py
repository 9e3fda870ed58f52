"""Many statements in one round trip (PostgreSQL's pipeline mode), inside SQLAlchemy's connection and transaction.

A command's transaction is two round trips and what its facts need: everything before the decision, and everything
after it with the COMMIT. The server still runs the statements one by one, each with a snapshot of its own, so locks
taken by one are held when the next looks.

The statements go to libpq by psycopg's own low-level interface: its cursors wait on the socket once for each statement,
which cost more than all that a command decides (`./market bench append`).
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from functools import lru_cache
from typing import Any, NoReturn

import psycopg
from psycopg import generators
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Statement = tuple[str, tuple[Any, ...]]
COMMIT: Statement = ("COMMIT", ())
_BEGIN: Statement = ("BEGIN", ())
_FAILED = (ExecStatus.FATAL_ERROR, ExecStatus.PIPELINE_ABORTED)
# What a table's change makes of a prepared statement: its columns aren't those of its plan, or it is gone.
_OUTDATED = ("0A000", "26000")
_PREPARED_AT_MOST = 500  # statements that a connection keeps prepared; others are planned each time
_KEPT_IN = "market.pipeline"
_Key = tuple[str, tuple[int, ...]]  # a statement and the types of its parameters


def run(connection: Connection, statements: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
    """Send all statements together; the rows of each (empty for those without).

    The first error is raised as SQLAlchemy raises it (IntegrityError, OperationalError, …); what followed didn't run.
    """
    if not connection.in_transaction():
        connection.begin()
    raw: Any = connection.connection.driver_connection
    try:
        wire = connection.info.get(_KEPT_IN)
        if wire is None:
            wire = connection.info[_KEPT_IN] = _Wire(raw)
        if raw.pgconn.transaction_status == TransactionStatus.IDLE and not raw.autocommit:
            return wire.run([_BEGIN, *statements])[1:]
        return wire.run(statements)
    except psycopg.Error as problem:
        _raise(connection, raw, problem)


class _Wire:
    """One connection's way to libpq: its adapters and the statements that it has prepared."""

    def __init__(self, raw: Any) -> None:
        # psycopg's own statements would take ours along: after a rollback it sends DEALLOCATE ALL.
        raw.prepare_threshold = None
        self._raw = raw
        self._pgconn = raw.pgconn
        self._transformer = Transformer(raw)
        self._prepared: dict[_Key, bytes] = {}
        self._names = 0
        self._outdated = False

    def run(self, statements: Sequence[Statement]) -> list[list[tuple[Any, ...]]]:
        """The rows of each statement. Raises psycopg.Error, the first one, when all that was sent is answered."""
        pgconn = self._pgconn
        if pgconn.status != ConnStatus.OK:
            raise psycopg.OperationalError("the connection is closed")
        if self._outdated:
            self._start_anew()
        dumped = [self._dumped(statement) for statement in statements]
        pgconn.enter_pipeline_mode()
        try:
            keys = [self._send(*one) for one in dumped]
            pgconn.pipeline_sync()
            results = self._raw.wait(_results(pgconn, len(keys) + sum(key is not None for key in keys) + 1))
        except BaseException:
            # What comes back now would belong to nobody: this connection can't be used again.
            pgconn.finish()
            raise
        pgconn.exit_pipeline_mode()
        return self._rows(results, keys)

    def _start_anew(self) -> None:
        if self._pgconn.exec_(b"DEALLOCATE ALL").status == ExecStatus.COMMAND_OK:
            self._prepared.clear()
            self._outdated = False

    def _dumped(self, statement: Statement) -> tuple[_Key, bytes, Sequence[Any], Sequence[Any] | None]:
        """A statement with its parameters in their bytes. Raises psycopg.Error for a value that can't be sent."""
        sql, parameters = statement
        if not parameters:
            return (sql, ()), sql.encode(), (), None
        command, formats = _converted(sql, len(parameters))
        values = self._transformer.dump_sequence(parameters, formats)
        return (sql, self._transformer.types or ()), command, values, self._transformer.formats

    def _send(self, key: _Key, command: bytes, values: Sequence[Any], formats: Sequence[Any] | None) -> _Key | None:
        """Hand one statement to libpq; its key where it is prepared with it, which makes one more answer."""
        name = self._prepared.get(key)
        if name is not None:
            self._pgconn.send_query_prepared(name, values, formats)
            return None
        if len(self._prepared) >= _PREPARED_AT_MOST:
            self._pgconn.send_query_params(command, values, key[1], formats)
            return None
        self._names += 1
        name = self._prepared[key] = b"market_%d" % self._names
        self._pgconn.send_prepare(name, command, key[1])
        self._pgconn.send_query_prepared(name, values, formats)
        return key

    def _rows(self, results: Sequence[list[PGresult]], keys: Sequence[_Key | None]) -> list[list[tuple[Any, ...]]]:
        rows: list[list[tuple[Any, ...]]] = []
        failure: PGresult | None = None
        at = 0
        for key in keys:
            result = results[at][0]
            if key is not None:
                if result.status != ExecStatus.COMMAND_OK:
                    del self._prepared[key]
                    failure = failure or result
                at += 1
                result = results[at][0]
            at += 1
            if result.status == ExecStatus.TUPLES_OK and result.ntuples:
                self._transformer.set_pgresult(result)
                rows.append(self._transformer.load_rows(0, result.ntuples, tuple))
            elif result.status in _FAILED:
                failure = failure or result
            else:
                rows.append([])
        if failure is not None:
            problem = error_from_result(failure, encoding=self._raw.info.encoding)
            self._outdated = problem.sqlstate in _OUTDATED
            raise problem
        return rows


def _results(pgconn: Any, answers: int) -> Generator[Any, Any, list[list[PGresult]]]:
    """psycopg's protocol of waiting: the whole round trip in one wait."""
    yield from generators.send(pgconn)
    results = []
    for _ in range(answers):
        results.append((yield from generators.fetch_many(pgconn)))
    return results


@lru_cache(maxsize=2000)
def _converted(sql: str, parameters: int) -> tuple[bytes, list[PyFormat]]:
    """The statement as libpq wants it (`$1` for the first `%s`, `%` for `%%`)."""
    number = 0

    def place(found: re.Match[str]) -> str:
        nonlocal number
        if found[0] == "%%":
            return "%"
        number += 1
        return f"${number}"

    command = re.sub(r"%%|%s", place, sql)
    if number != parameters:
        raise psycopg.ProgrammingError(f"the statement has {number} places for {parameters} parameters")
    return command.encode(), [PyFormat.AUTO] * parameters


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
