"""Structured logs: JSON lines with correlation ids, nothing personal, no secrets.

Only names, codes, counts and ids of calls are logged; never a command's data. So of an exception a line holds its type
and the places it came through, and neither local variables nor its text, which may quote what somebody has sent.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Any

import psycopg
import structlog
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from kernel.traceparent import current

TEXT_LIMIT = 500
PLACES = 12


def told(problem: BaseException, limit: int = TEXT_LIMIT) -> str:
    """What may be kept of an exception over events, which hold nothing personal: its type and text.

    PostgreSQL and pydantic quote whole rows and inputs in their texts: of theirs only codes, names and places are told.
    """
    return f"{type(problem).__name__}: {_quoting_nothing(problem) or problem}"[:limit]


def _quoting_nothing(problem: BaseException) -> str:
    """What is known without a value: SQLSTATE, table, column and constraint; the fields that weren't valid and why."""
    cause = problem.orig if isinstance(problem, DBAPIError) else problem
    if isinstance(cause, psycopg.Error):
        if isinstance(cause, psycopg.OperationalError) and cause.sqlstate is None:
            return str(cause)  # there is no connection, so nothing was quoted
        known = (cause.sqlstate, cause.diag.table_name, cause.diag.column_name, cause.diag.constraint_name)
        return " ".join([type(cause).__name__, *(part for part in known if part)])
    if isinstance(problem, ValidationError):
        errors = problem.errors(include_url=False, include_context=False, include_input=False)
        return "; ".join("/" + "/".join(map(str, error["loc"])) + f" {error['type']}" for error in errors[:10])
    return ""


def _trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Adds the trace that the line belongs to, where it belongs to one."""
    place = current.get()
    if place:
        event["trace_id"] = place.trace_id
    return event


def _places(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Turns `exc_info` into `exception`: each exception of the chain and where it came through, the innermost last."""
    problem = event.pop("exc_info", None)
    if problem is True:
        problem = sys.exc_info()[1]
    if isinstance(problem, BaseException):
        event["exception"] = [
            {
                "type": type(one).__name__,
                "known": _quoting_nothing(one),
                "at": [f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(one.__traceback__)[-PLACES:]],
            }
            for one in _chain(problem)
        ]
    return event


def _chain(problem: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while problem is not None and id(problem) not in seen:
        seen.add(id(problem))
        yield problem
        problem = problem.__cause__ or (None if problem.__suppress_context__ else problem.__context__)


def configure(level: str = "INFO") -> None:
    """Send structured JSON lines to standard error."""
    # The driver tells of every error in a pipeline twice: what it raises is enough.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _trace,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _places,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


class _Named:
    """A logger that asks for the configuration when it is used: modules make theirs before anybody has configured."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, method: str) -> Any:
        return getattr(structlog.get_logger().bind(logger=self._name), method)


def logger(name: str) -> Any:
    return _Named(name)


configure()  # from the first import on: the library's own default prints local variables, and with them data
