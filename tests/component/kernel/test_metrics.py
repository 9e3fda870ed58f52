"""What the metrics say of calls and connections, read as Prometheus reads them."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kernel.database import engine_for
from kernel.ids import new_id
from kernel.settings import Settings
from tests.support import Market, market, person
from tests.toy.services import box_service, mirror_service

KEEPER = person("keeper")


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.fixture(scope="module")
def toys(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market([box_service(), mirror_service()], module_database, tmp_path_factory.mktemp("home")) as made:
        yield made


def test_commands_and_queries_are_timed_and_counted_by_outcome_under_names_that_exist(toys: Market) -> None:
    seen = {
        "put": ("market_commands_total", {"service": "box", "command": "put", "outcome": "not_found"}),
        "asked": ("market_queries_total", {"service": "box", "query": "total_of", "outcome": "done"}),
        "took": ("market_query_seconds_count", {"service": "box", "query": "total_of"}),
        "unknown": ("market_queries_total", {"service": "box", "query": "unknown", "outcome": "not_found"}),
    }
    before = {what: value(name, **labels) for what, (name, labels) in seen.items()}
    toys.refused("box.put", {"id": new_id(), "amount": 1}, KEEPER)
    toys.ask("box.total_of", {"colour": "red"})
    toys.asked("box.total_of_" + new_id(), {})
    after = {what: value(name, **labels) for what, (name, labels) in seen.items()}
    assert {what: after[what] - before[what] for what in seen} == {"put": 1, "asked": 1, "took": 1, "unknown": 1}


def test_connections_in_use_and_the_wait_for_one_are_seen(toys: Market) -> None:
    settings = Settings(home=toys.settings.home, pool_size=2, call_deadline_s=0.2)
    engine = engine_for(toys.url, "box", settings)
    waits, waited = (value(f"market_pool_wait_seconds_{part}", service="box") for part in ("count", "sum"))
    assert value("market_pool_connections_limit", service="box") == 2
    with engine.connect(), engine.connect():
        assert value("market_pool_connections_used", service="box") == 2
        with pytest.raises(PoolTimeout):
            engine.connect()
    assert value("market_pool_connections_used", service="box") == 0
    assert value("market_pool_wait_seconds_count", service="box") == waits + 3
    assert 0.2 <= value("market_pool_wait_seconds_sum", service="box") - waited < 5
    engine.dispose()  # which makes another pool
    with engine.connect():
        assert value("market_pool_connections_used", service="box") == 1
    engine.dispose()


def test_an_engine_that_is_gone_uses_nothing(toys: Market) -> None:
    engine = engine_for(toys.url, "box", Settings(home=toys.settings.home))
    connection = engine.connect()
    assert value("market_pool_connections_used", service="box") == 1
    connection.close()
    engine.dispose()
    del connection, engine
    gc.collect()
    assert value("market_pool_connections_used", service="box") == 0
