"""Documents by their hash, and numbers for people without holes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Connection

from kernel import documents
from kernel.counters import next_number
from kernel.host import Host
from kernel.refusal import Refused
from tests.support import Market, market
from tests.toy.services import box_service


@pytest.fixture(scope="module")
def toys(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market([box_service()], module_database, tmp_path_factory.mktemp("home")) as made:
        yield made


@pytest.fixture
def host(toys: Market) -> Host:
    return toys.installation.hosts["box"]


@pytest.fixture
def connection(host: Host) -> Iterator[Connection]:
    """A transaction of the service's own role, never committed."""
    with host.engine.connect() as made:
        yield made


# -- documents --------------------------------------------------------------------------------------------------------


def test_a_document_is_kept_under_its_hash_and_comes_back_byte_for_byte(connection: Connection) -> None:
    content = bytes(range(256)) * 10
    digest = documents.keep(connection, content, "application/pdf")
    assert digest == hashlib.sha256(content).hexdigest()
    assert documents.find(connection, digest) == ("application/pdf", content)


def test_the_same_bytes_are_kept_once_under_their_first_type(connection: Connection) -> None:
    first = documents.keep(connection, b"the same", "text/plain")
    assert documents.keep(connection, b"the same", "text/html") == first
    assert documents.find(connection, first) == ("text/plain", b"the same")
    assert connection.exec_driver_sql("SELECT count(*) FROM document").scalar_one() == 1


def test_what_is_not_kept_is_not_found(connection: Connection) -> None:
    assert documents.find(connection, "0" * 64) is None
    assert documents.find(connection, "no hash") is None


@pytest.mark.parametrize(
    ("content", "media_type", "code"),
    [
        (b"", "text/plain", "document_too_large"),
        (b"x" * (documents.SIZE_LIMIT + 1), "text/plain", "document_too_large"),
        (b"x", "text/javascript", "document_type"),
        (b"x", "", "document_type"),
    ],
)
def test_what_may_not_be_kept_is_refused_by_code(
    connection: Connection, content: bytes, media_type: str, code: str
) -> None:
    with pytest.raises(Refused, match=code):
        documents.keep(connection, content, media_type)
    assert connection.exec_driver_sql("SELECT count(*) FROM document").scalar_one() == 0


def test_the_largest_document_is_kept(connection: Connection) -> None:
    content = b"x" * documents.SIZE_LIMIT
    assert documents.find(connection, documents.keep(connection, content, "image/png")) == ("image/png", content)


def test_a_document_that_was_changed_is_never_given_out(connection: Connection) -> None:
    digest = documents.keep(connection, b"what was signed", "text/plain")
    connection.exec_driver_sql("UPDATE document SET content = %s WHERE hash = %s", (b"what was not", digest))
    with pytest.raises(ValueError, match=f"document {digest} is not what was kept"):
        documents.find(connection, digest)


# -- counters ---------------------------------------------------------------------------------------------------------


def test_numbers_count_from_one_each_name_for_itself(connection: Connection) -> None:
    assert [next_number(connection, "СЗ-2027") for _ in range(3)] == [1, 2, 3]
    assert next_number(connection, "СЗ-2028") == 1


def test_a_number_that_was_not_used_is_given_to_the_next(host: Host) -> None:
    with host.engine.connect() as dropped:
        assert next_number(dropped, "dropped") == 1
    with host.engine.begin() as kept:
        assert next_number(kept, "dropped") == 1


def test_many_who_draw_at_once_get_all_numbers_without_a_hole(host: Host) -> None:
    def draw(turn: int) -> int | None:
        with host.engine.connect() as connection:
            number = next_number(connection, "busy")
            if turn % 4 == 0:
                return None  # refused after all
            connection.commit()
            return number

    with ThreadPoolExecutor(5) as pool:
        drawn = [number for number in pool.map(draw, range(60)) if number is not None]
    assert sorted(drawn) == list(range(1, 46))
