"""The broker fails under load: nothing that was confirmed is lost, the log goes on, and what waits drains by itself."""

from __future__ import annotations

import time

import pytest

from app.rabbit_node import RabbitNode
from kernel.bus.topology import queue_of
from tests.faults.checks import check
from tests.faults.conftest import HEARTBEAT_S
from tests.faults.fleet import Fleet

pytestmark = [pytest.mark.needs("rabbitmq"), pytest.mark.timeout(240)]

# A queue younger than this doesn't outlive the power: RabbitMQ has its beginnings in memory only, comes back with the
# queue's name and confirms nothing that is sent to it. Topology is declared by a job, long before there is traffic.
GROWN_UP_S = 8.0


def ends_well(fleet: Fleet) -> None:
    """The backlog drains by itself, and every check holds."""
    fleet.rest()
    check(fleet)


@pytest.mark.matrix(8, "close_all_connections, three times under load")
def test_connections_closed_again_and_again(fleet: Fleet, broker: RabbitNode) -> None:
    with fleet.load() as load:
        for _ in range(3):
            load.more()
            assert "Closed 0" not in broker.rabbitmqctl("close_all_connections", "--global", "chaos")
        load.more()
    ends_well(fleet)


@pytest.mark.matrix(9, "suspend_listeners under load; a replica starts meanwhile")
def test_no_new_connections(fleet: Fleet, broker: RabbitNode) -> None:
    with fleet.load() as load:
        broker.rabbitmqctl("suspend_listeners")
        try:
            late = fleet.start("box")
            late.until_told("no connection to the broker")
            load.more()  # by those who are connected
        finally:
            broker.rabbitmqctl("resume_listeners")
        late.until_told("taking calls")
        load.more()
    ends_well(fleet)


@pytest.mark.matrix(7, "stop_app under load, start_app")
def test_the_broker_stops_in_order_and_comes_back(fleet: Fleet, broker: RabbitNode) -> None:
    with fleet.load() as load:
        load.more()
        broker.rabbitmqctl("stop_app")
        try:
            fleet.goes_on_by_the_log()
        finally:
            broker.rabbitmqctl("start_app")
        load.more()
    ends_well(fleet)


@pytest.mark.matrix(6, "kill -9 under load, started again")
def test_the_broker_is_killed(fleet: Fleet, broker: RabbitNode) -> None:
    time.sleep(max(0.0, fleet.declared_at + GROWN_UP_S - time.monotonic()))
    with fleet.load(callers=8, pause_s=0) as load:
        for _ in range(2):
            load.more(60)
            broker.kill()
            fleet.goes_on_by_the_log()
            broker.start()
        load.more(60)
    ends_well(fleet)


ALARMS = {
    "memory": (("set_vm_memory_high_watermark", "0.00001"), ("set_vm_memory_high_watermark", "0.4")),
    "disk": (("set_disk_free_limit", "900GB"), ("set_disk_free_limit", "50MB")),
}


@pytest.mark.parametrize(
    "resource",
    [
        pytest.param("memory", marks=pytest.mark.matrix(10, "set_vm_memory_high_watermark 0.00001 under load")),
        pytest.param("disk", marks=pytest.mark.matrix(11, "set_disk_free_limit 900GB under load")),
    ],
)
def test_an_alarm_of_the_broker(fleet: Fleet, broker: RabbitNode, resource: str) -> None:
    alarm, calm = ALARMS[resource]
    with fleet.load() as load:
        load.more()
        broker.rabbitmqctl(*alarm)
        try:
            busy = load.busy
            fleet.until(lambda: load.busy > busy)  # a caller is told to try again: nobody is left waiting
            fleet.goes_on_by_the_log()
            publishers = fleet.alive("box")
            fleet.until(lambda: any(p.told("publish", "short of memory or disk") for p in publishers))
        finally:
            broker.rabbitmqctl(*calm)
        load.more()
    ends_well(fleet)


@pytest.mark.matrix(12, f"SIGSTOP of the broker for over two heartbeats of {HEARTBEAT_S} s, SIGCONT")
def test_a_frozen_broker_is_noticed(fleet: Fleet, broker: RabbitNode) -> None:
    with fleet.load() as load:
        load.more()
        told = {process.pid: process.count_of("no connection to the broker") for process in fleet.alive()}
        broker.pause()
        try:
            for process in fleet.alive():  # whose sockets are open and silent: heartbeats alone can tell
                process.until(lambda p=process: p.count_of("no connection to the broker") > told[p.pid])
            fleet.goes_on_by_the_log()
        finally:
            broker.resume()
        load.more()
    ends_well(fleet)


@pytest.mark.matrix(13, "every queue of the virtual host deleted under load; topology declared later")
def test_all_queues_deleted_in_mid_season(fleet: Fleet, broker: RabbitNode) -> None:
    vhost = fleet.amqp_url.rsplit("/", 1)[1]
    every = f'rabbit_amqqueue:list(<<"{vhost}">>)'
    with fleet.load() as load:
        load.more()
        deleted = broker.rabbitmqctl(
            "eval", f'length([rabbit_amqqueue:delete(Q, false, false, <<"chaos">>) || Q <- {every}]).'
        )
        assert int(deleted) >= 10
        load.more()  # services make the queues of calls again, the caller that of its answers
        mirrors = fleet.alive("mirror")
        fleet.until(lambda: any(m.told("no queue: following the log", '"box"') for m in mirrors))
        fleet.until(lambda: any(b.told("no queue wants these events") for b in fleet.alive("box")))
        load.more()
    fleet.rest()  # by the log alone
    made = fleet.declare()
    assert queue_of("mirror", "box") in made
    fleet.tap.lay_again({s.name: fleet.head(s.name) for s in fleet.market.services})
    with fleet.load() as load:
        load.more()
    ends_well(fleet)
