"""Health counts what waits, from the database as it is; a database that doesn't answer is not healthy."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY
from sqlalchemy.exc import OperationalError

from kernel.health import health
from kernel.host import Host
from kernel.ids import new_id
from kernel.settings import Settings
from tests.support import Market, market, person
from tests.toy.services import POISON, box_service, mirror_service

KEEPER = person("keeper")


@pytest.fixture
def toys(fresh_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market([box_service(), mirror_service()], fresh_database, tmp_path_factory.mktemp("home")) as made:
        yield made


def test_everything_that_waits_is_counted_until_it_is_done(toys: Market) -> None:
    hosts, workers = toys.installation.hosts, toys.installation.workers
    box_id = new_id()
    toys.do("box.open_box", {"id": box_id, "colour": "red"}, KEEPER)
    toys.do("box.put", {"id": box_id, "amount": POISON}, KEEPER)
    assert health(hosts["box"]) == {"service": "box", "unsealed": 2, "unpublished": 0, "parked": 0, "behind": {}}
    workers["box"].sealer.seal()
    sealed = health(hosts["box"])
    assert (sealed["unsealed"], sealed["unpublished"]) == (0, 2)
    assert health(hosts["mirror"]) == {
        "service": "mirror",
        "unsealed": 0,
        "unpublished": 0,
        "parked": 0,
        "behind": {"box": 2},
    }
    toys.work()
    assert health(hosts["mirror"]) == {
        "service": "mirror",
        "unsealed": 0,
        "unpublished": 0,
        "parked": 1,
        "behind": {"box": 0},
    }


def test_the_oldest_event_that_waits_has_an_age(toys: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    def age() -> float | None:
        health(toys.installation.hosts["box"])
        return REGISTRY.get_sample_value("market_outbox_age_seconds", {"service": "box"})

    assert age() == 0
    toys.do("box.open_box", {"id": new_id(), "colour": "red"}, KEEPER)
    later = time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later)
    assert 59 < (age() or 0) < 61
    toys.installation.workers["box"].sealer.seal()
    assert age() == 0


def test_the_gauges_say_the_same(toys: Market) -> None:
    toys.do("box.open_box", {"id": new_id(), "colour": "red"}, KEEPER)
    for host in toys.installation.hosts.values():
        health(host)
    assert REGISTRY.get_sample_value("market_outbox_events", {"service": "box"}) == 1
    assert REGISTRY.get_sample_value("market_parked_events", {"service": "mirror"}) == 0
    lag = {"service": "mirror", "source": "box"}
    assert REGISTRY.get_sample_value("market_subscription_lag_events", lag) == 0


def test_a_worker_sets_the_gauges_by_itself(toys: Market) -> None:
    lag = {"service": "mirror", "source": "box"}
    toys.do("box.open_box", {"id": new_id(), "colour": "red"}, KEEPER)
    toys.installation.workers["box"].sealer.seal()
    for host in toys.installation.hosts.values():
        health(host)
    assert REGISTRY.get_sample_value("market_subscription_lag_events", lag) == 1
    toys.installation.workers["mirror"].turn()
    assert REGISTRY.get_sample_value("market_subscription_lag_events", lag) == 0


def test_a_database_that_does_not_answer_is_said(toys: Market) -> None:
    host = Host(box_service(), toys.url, Settings(home=toys.settings.home))
    host.engine.dispose()
    toys.sql("ALTER ROLE market_box IN DATABASE " + toys.sql("SELECT quote_ident(current_database())")[0][0]
             + " SET session_preload_libraries = 'there_is_none'")  # fmt: skip
    with pytest.raises(OperationalError, match="there_is_none"):
        health(host)
    host.close()
