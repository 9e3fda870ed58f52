"""Read tables are rebuilt from the log while commands go on, and nothing is lost or counted twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine

from kernel.database import admin_url
from kernel.ids import new_id
from kernel.rebuild import Rebuild, projections_of
from tests.support import Market, market, person
from tests.toy.services import box_service, mirror_service

KEEPER = person("keeper")


@pytest.fixture
def toys(fresh_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market([box_service(), mirror_service()], fresh_database, tmp_path_factory.mktemp("home")) as made:
        yield made


def test_a_rebuild_mends_a_damaged_table_while_commands_go_on(toys: Market) -> None:
    box_id = new_id()
    toys.do("box.open_box", {"id": box_id, "colour": "red"}, KEEPER)
    for _ in range(30):
        toys.do("box.put", {"id": box_id, "amount": 1}, KEEPER)
    toys.installation.start()
    toys.installation.settle()
    toys.sql("UPDATE box.total SET amount = 7777")
    done = threading.Event()
    put = [30]

    def keep_putting() -> None:
        while not done.is_set():
            toys.do("box.put", {"id": box_id, "amount": 1}, KEEPER)
            put[0] += 1

    writer = threading.Thread(target=keep_putting)
    writer.start()
    engine = create_engine(admin_url(toys.url))
    for made in (box_service(), mirror_service()):
        before = _shape(toys, made.name)
        Rebuild(made, engine, made.projections).run()
        assert _shape(toys, made.name) == before, "indexes, constraints, owner and rights are what they were"
    done.set()
    writer.join()
    engine.dispose()
    toys.installation.settle()
    assert toys.ask("box.total_of", {"colour": "red"}) == {"amount": put[0]}
    assert toys.sql("SELECT amount FROM mirror.seen") == [(put[0],)]


def test_an_unknown_table_is_named(toys: Market) -> None:
    with pytest.raises(KeyError, match="it has total"):
        projections_of(box_service(), ["nothing"])


def _shape(toys: Market, schema: str) -> list[object]:
    return [
        toys.sql("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = %s ORDER BY 1", (schema,)),
        toys.sql(
            "SELECT table_name, grantee, privilege_type FROM information_schema.role_table_grants "
            "WHERE table_schema = %s ORDER BY 1, 2, 3",
            (schema,),
        ),
        toys.sql("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = %s ORDER BY 1", (schema,)),
        toys.sql(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE connamespace = %s::regnamespace ORDER BY 1, 2",
            (schema,),
        ),
    ]
