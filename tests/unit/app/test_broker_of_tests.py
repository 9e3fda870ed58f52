"""tests/docker-compose.yml is what tests/rabbit.py takes it for, where nobody can start it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit

import yaml

from kernel.settings import PROJECT
from tests import rabbit

SERVICES: dict[str, Any] = yaml.safe_load(rabbit.COMPOSE.read_text())["services"]
CHOSEN = 49_200  # as if the engine had chosen it


class Engine:
    """Answers as pytest-docker does for containers that run: by what the file publishes."""

    def port_for(self, service: str, container_port: int) -> int:
        for published in SERVICES[service]["ports"]:
            address, host_port, inside = published.split(":")
            assert (address, host_port) == ("127.0.0.1", ""), "nobody else may reach it, and any port may be taken"
            if int(inside) == container_port:
                return CHOSEN
        raise ValueError(f"{service} publishes no {container_port}")


def test_the_broker_is_reached_under_the_account_that_the_file_makes() -> None:
    url, rabbitmqctl = rabbit.in_container(Engine(), "pytest1")
    parts, made = urlsplit(url), SERVICES[rabbit.CONTAINER]["environment"]
    assert (parts.hostname, parts.port) == ("127.0.0.1", CHOSEN)
    assert (parts.username, parts.password) == (made["RABBITMQ_DEFAULT_USER"], made["RABBITMQ_DEFAULT_PASS"])
    told = dict(pairwise(rabbitmqctl))
    assert told["--file"] == str(rabbit.COMPOSE) and told["--project-name"] == "pytest1"
    assert rabbitmqctl[-4:] == ["exec", "-T", rabbit.CONTAINER, "rabbitmqctl"]


def test_whoever_waits_for_the_broker_has_something_to_wait_for() -> None:
    assert set(SERVICES) == {rabbit.CONTAINER}
    assert SERVICES[rabbit.CONTAINER]["healthcheck"]["test"][:2] == ["CMD", "rabbitmq-diagnostics"]


def test_it_is_the_release_that_the_market_runs_on() -> None:
    market = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]["rabbitmq"]["image"]
    assert market == f"{SERVICES[rabbit.CONTAINER]['image']}-management"
