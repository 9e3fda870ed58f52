"""`./market topology`: what the contracts name is there, declaring again changes nothing, and a difference is an error."""

from __future__ import annotations

import os
import subprocess
import sys

import orjson
import pytest
import yaml

from app.rabbit_node import RabbitNode
from kernel.bus import topology
from kernel.bus.broker import connect, drop
from kernel.bus.topology import Different, Forbidden, declare, queue_of
from kernel.settings import PROJECT
from tests.rabbit import NewVhost, declare_for
from tests.toy.services import box_service, mirror_service

pytestmark = pytest.mark.needs("rabbitmq")


def market_topology(url: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app", "topology", *options],
        cwd=PROJECT, env={**os.environ, "MARKET_AMQP_URL": url}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_the_command_declares_what_the_contracts_name_and_again_nothing(new_vhost: NewVhost) -> None:
    url = new_vhost()
    rows = yaml.safe_load((PROJECT / "contracts" / "subscriptions.yaml").read_text())
    first = market_topology(url, "--json")
    assert first.returncode == 0, first.stderr
    declared = orjson.loads(first.stdout)
    assert {row["queue"] for row in rows} | {"market.dead.v1"} == set(declared["queues"])
    assert {row["exchange"] for row in rows} <= set(declared["exchanges"])
    assert set(declared["made"]) == {*declared["queues"], *declared["exchanges"]}
    again = market_topology(url)
    assert again.returncode == 0 and "0 of them new" in again.stdout
    connection = connect(url, "test")
    for row in rows:  # a service's own way to them: it declares nothing
        connection.channel().queue_declare(row["queue"], passive=True)
    drop(connection)


def test_a_queue_with_other_arguments_is_an_error_that_names_it(new_vhost: NewVhost) -> None:
    url, queue = new_vhost(), "market.audit.from.orders.v1"
    connection = connect(url, "test")
    connection.channel().queue_declare(queue, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
    drop(connection)
    done = market_topology(url)
    assert done.returncode == 1 and done.stdout == ""
    assert f"{queue} exists and is another than this release needs" in done.stderr
    assert "inequivalent arg" in done.stderr and f"delete_queue {queue}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_changed_promise_is_noticed(new_vhost: NewVhost, monkeypatch: pytest.MonkeyPatch) -> None:
    url = new_vhost()
    declare_for(url, [box_service(), mirror_service()])
    monkeypatch.setitem(topology.SUBSCRIPTION_ARGUMENTS, "x-delivery-limit", topology.DELIVERY_LIMIT + 1)
    with pytest.raises(Different, match="x-delivery-limit") as told:
        declare_for(url, [box_service(), mirror_service()])
    assert told.value.name == queue_of("mirror", "box")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("amqp://127.0.0.1:1/", "RabbitMQ at 127.0.0.1:1/ can't be used"),
        ("http://127.0.0.1/", "a broker's address is amqp://"),
        ("", "there is no RabbitMQ"),
    ],
)
def test_a_broker_that_can_not_be_used_is_said(url: str, says: str) -> None:
    done = market_topology(url)
    assert done.returncode == 1 and says in done.stderr and "Traceback" not in done.stderr


def test_an_account_that_may_not_declare_is_told_so(rabbit_url: str, rabbit: RabbitNode) -> None:
    vhost = rabbit_url.rsplit("/", 1)[1]
    rabbit.rabbitmqctl("add_user", f"reader-{vhost}", "secret")
    rabbit.rabbitmqctl("set_permissions", "-p", vhost, f"reader-{vhost}", "^$", "", ".*")
    connection = connect(rabbit_url.replace("guest:guest", f"reader-{vhost}:secret"), "test")
    with pytest.raises(Forbidden, match="refused"):
        declare(connection, ["box"], [])
    drop(connection)
