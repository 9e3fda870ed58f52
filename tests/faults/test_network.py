"""The database and the networks to it and to the broker fail under processes at work: each call has one outcome."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator

import psutil
import psycopg
import pytest

from app.rabbit_node import RabbitNode
from tests.conftest import databases
from tests.faults.checks import check
from tests.faults.fleet import Fleet
from tests.faults.proxy import Link, Loss, Proxy
from tests.faults.server import Server
from tests.faults.toys import toys
from tests.support import market

pytestmark = [pytest.mark.needs("rabbitmq"), pytest.mark.timeout(240)]

HEARD_WITHIN_S = 4  # production: 20


class Network:
    """A fleet on a database server of its own, with a link to that and one to the broker."""

    def __init__(self, fleet: Fleet, server: Server, database: Proxy, broker: Link) -> None:
        self.fleet, self.server, self.database, self.broker = fleet, server, database, broker

    def ends_well(self) -> None:
        self.fleet.staff()
        self.fleet.rest()
        check(self.fleet)


@pytest.fixture(scope="module")
def whole(server: Server, broker: RabbitNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    folder = tmp_path_factory.mktemp("network")
    vhost = f"faults-{uuid.uuid4().hex[:12]}"
    with databases(server.dsn) as create:
        url = create(None)
        with market(toys(folder / "home"), url, folder / "home") as made:
            links = Proxy(url), Link(("127.0.0.1", broker.port))
            fleet = Fleet(made, folder, broker.add_vhost(vhost))
            try:
                fleet.environment["MARKET_TEST_HEARD_WITHIN_S"] = str(HEARD_WITHIN_S)
                fleet.through(links[0].url, f"amqp://guest:guest@127.0.0.1:{links[1].port}/{vhost}")
                yield Network(fleet, server, *links)
            finally:
                fleet.close()
                for link in links:
                    link.close()


@pytest.fixture
def network(whole: Network) -> Network:
    whole.fleet.staff()
    return whole


@pytest.mark.matrix(17, "pg_terminate_backend of all services' sessions, four times under load")
def test_sessions_terminated(network: Network) -> None:
    with network.fleet.load() as load:
        for _ in range(4):
            load.more()
            ended = network.fleet.market.sql(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND usename LIKE 'market_%%'"
            )
            assert ended[0][0] > 5
        load.more()
    network.ends_well()


@pytest.mark.matrix(18, "kill -9 of a backend under load: the whole server recovers")
def test_a_backend_killed(network: Network) -> None:
    with network.fleet.load() as load:
        load.more()
        [(pid, *_), *_] = network.fleet.market.sql(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'market-box' ORDER BY state, pid"
        )
        os.kill(pid, signal.SIGKILL)
        load.more(40)
    network.ends_well()


@pytest.mark.matrix(19, "SIGQUIT of the server under load, started again")
def test_the_server_stopped_at_once(network: Network) -> None:
    with network.fleet.load() as load:
        load.more()
        network.server.kill(signal.SIGQUIT)
        network.server.start_again()
        load.more(40)
    network.ends_well()


LOSSES: tuple[Loss, ...] = ("answer", "commit") * 3


@pytest.mark.matrix(20, "proxy: RST instead of COMMIT or its answer, six times under load")
def test_commits_and_their_answers_lost(network: Network) -> None:
    lost = network.database.lost
    with network.fleet.load() as load:
        for number, what in enumerate(LOSSES, 1):
            network.database.lose(what)
            # COMMIT has its name where a connection sends it for the first time.
            network.fleet.until(lambda number=number: network.database.lost == lost + number)
            load.more(5)
    network.ends_well()


@pytest.mark.matrix(21, "packets to database and broker dropped until every process has given up on both")
def test_a_network_that_swallows_everything(network: Network) -> None:
    fleet = network.fleet
    with fleet.load() as load:
        load.more()
        told = {process.pid: process.count_of(NO_BROKER) for process in fleet.alive()}
        held = network.database.swallow()
        network.broker.swallow()
        try:
            assert held & _open_ports(fleet), "nothing was held"
            fleet.until(lambda: not held & _open_ports(fleet))
            for process in fleet.alive():
                process.until(lambda p=process: p.count_of(NO_BROKER) > told[p.pid])
        finally:
            network.database.heal()
            network.broker.heal()
        load.more(40)
    network.ends_well()


NO_BROKER = "nothing was heard of the broker"


def _open_ports(fleet: Fleet) -> set[int]:
    """The local ports of every connection that a process of the fleet still takes for one."""
    found = [c for p in fleet.alive() for c in psutil.Process(p.pid).net_connections("tcp")]
    return {connection.laddr.port for connection in found if connection.status == psutil.CONN_ESTABLISHED}


ROUND_TRIP_S = 0.2


@pytest.mark.matrix(22, "proxies: 200 ms to the database and back, as much to the broker and back")
def test_a_slow_network(network: Network) -> None:
    network.fleet.rest()
    network.database.delay_s = network.broker.delay_s = ROUND_TRIP_S / 2
    try:
        with network.fleet.load(callers=4) as load:
            load.more(12)
            assert load.busy == 0, "slow is not broken"
            assert load.slowest_s > 2 * ROUND_TRIP_S, "the network wasn't slow"
    finally:
        network.database.delay_s = network.broker.delay_s = 0.0
    network.ends_well()


@pytest.mark.matrix(24, "a writing transaction open in another database of the server and in this one")
def test_long_open_transactions(network: Network) -> None:
    fleet = network.fleet
    with databases(network.server.dsn) as create:
        elsewhere = create(None)
        with psycopg.connect(elsewhere) as other, psycopg.connect(fleet.market.url) as here:
            for connection in (other, here):
                connection.execute("CREATE TABLE public.unfinished AS SELECT pg_current_xact_id()")
            here.execute("SELECT count(*) FROM box.log")
            with fleet.load() as load:
                load.more(40)
            network.ends_well()  # while both stay open
            here.rollback()
