"""Log lines: JSON, named, with their correlation id; of an exception the places, and nothing that anybody has sent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest
import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy.exc import IntegrityError

from kernel.logs import configure, logger, told

ROOT = Path(__file__).resolve().parents[3]
Lines = Callable[[], list[dict[str, Any]]]
CANARY = "Иванов-112-233-445"


class Person(BaseModel):
    name: int


@pytest.fixture(autouse=True)
def as_configured_after() -> Iterator[None]:
    """Each test configures for itself: the standard error of a test is not that of its fixtures."""
    yield
    structlog.contextvars.clear_contextvars()
    configure()


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Lines:
    """`lines()` gives what was logged: every line is an object of JSON, or the test fails."""
    return lambda: [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]


def fails_with(problem: Exception) -> None:
    """Raise `problem` with something personal among the local variables."""
    person = {"name": CANARY}
    assert person
    raise problem


def caught(problem: Exception) -> Exception:
    try:
        fails_with(problem)
    except Exception as found:  # noqa: BLE001 - whichever it is
        return found
    raise AssertionError


def not_valid() -> Exception:
    try:
        Person.model_validate({"name": CANARY})
    except ValidationError as problem:
        return problem
    raise AssertionError


PROBLEMS = [ValueError(f"no such person: {CANARY}"), KeyError(CANARY), not_valid(),
            IntegrityError("INSERT", {"name": CANARY}, psycopg.errors.UniqueViolation(f"Key (name)=({CANARY})"))]  # fmt: skip


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: type(problem).__name__)
def test_neither_locals_nor_texts_of_an_exception_are_printed(problem: Exception, lines: Lines) -> None:
    configure()
    log = logger("test")
    log.error("failed", exc_info=caught(problem))
    try:
        try:
            fails_with(problem)
        except Exception as inner:
            raise RuntimeError(f"for {CANARY}") from inner
    except RuntimeError:
        log.error("failed again", exc_info=True)
    first, second = lines()
    assert CANARY not in str(first) + str(second)
    assert first["exception"][-1]["type"] == type(problem).__name__
    assert any(place.endswith(" fails_with") and "test_logs.py:" in place for place in first["exception"][-1]["at"])
    assert [one["type"] for one in second["exception"]][:2] == ["RuntimeError", type(problem).__name__]


def test_what_is_told_of_an_exception_over_events_quotes_no_row_and_no_input() -> None:
    assert told(ValueError("poison")) == "ValueError: poison"
    assert told(not_valid()) == "ValidationError: /name int_parsing"
    assert told(ValueError("x" * 10_000), 50) == ("ValueError: " + "x" * 50)[:50]
    for problem in PROBLEMS[2:]:
        assert CANARY not in told(problem)


def test_of_a_refused_row_the_database_is_quoted_by_names_alone(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as connection, pytest.raises(psycopg.Error) as found:
        connection.execute("CREATE TEMPORARY TABLE person (name text CONSTRAINT known_person CHECK (name = ''))")
        connection.execute("INSERT INTO person VALUES (%s)", (CANARY,))
    assert CANARY in str(found.value), "the driver's own text quotes the row"
    wrapped = IntegrityError("INSERT", {}, found.value)
    assert told(wrapped) == "IntegrityError: CheckViolation 23514 person known_person"


def test_a_connection_that_failed_is_told_in_full() -> None:
    with pytest.raises(psycopg.OperationalError) as found:
        psycopg.connect("host=127.0.0.1 port=1 connect_timeout=2")
    assert "port 1" in told(found.value)


def test_a_chain_of_exceptions_that_bites_its_tail_ends(lines: Lines) -> None:
    configure()
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    logger("test").error("failed", exc_info=first)
    assert [one["type"] for one in lines()[0]["exception"]] == ["ValueError", "KeyError"]


def test_a_line_has_level_name_time_and_correlation_id(lines: Lines) -> None:
    configure()
    structlog.contextvars.bind_contextvars(correlation_id="c-1")
    logger("host").warning("said", code="x")
    [line] = lines()
    assert {**line, "timestamp": ""} == {
        "event": "said", "level": "warning", "logger": "host", "code": "x", "correlation_id": "c-1", "timestamp": "",
    }  # fmt: skip
    assert line["timestamp"].endswith("Z")


def test_the_level_is_the_one_configured_also_for_loggers_made_before(lines: Lines) -> None:
    early = logger("early")
    configure("ERROR")
    early.warning("unheard")
    early.error("heard")
    assert [line["event"] for line in lines()] == ["heard"]


def test_a_process_that_never_configured_anything_prints_no_locals_either() -> None:
    program = f"""
from kernel.logs import logger
def f(name):
    raise ValueError(name)
try:
    f({CANARY!r})
except ValueError as problem:
    logger("x").error("failed", exc_info=problem)
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert ended.returncode == 0 and ended.stdout == ""
    assert orjson.loads(ended.stderr)["event"] == "failed" and CANARY not in ended.stderr
