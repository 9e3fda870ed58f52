"""A private RabbitMQ that is set up as an installation's: deploy/rabbitmq's own files, and the definitions of its secrets."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

from app.deploy.broker import OPERATOR, VHOST
from app.deploy.generate import DEPLOY
from app.rabbit_node import RabbitNode


class DeployedNode(RabbitNode):
    """`secrets`: a folder of `./market secrets`. `listeners`: lines of configuration, where it isn't to be a plain port;
    the URLs in `secrets` name the port then.
    """

    def __init__(self, home: Path, secrets: Path, listeners: str = "") -> None:
        super().__init__(home)
        self._secrets = secrets
        configuration = home / "rabbitmq.conf"
        own = (DEPLOY / "rabbitmq" / "rabbitmq.conf").read_text()
        kept = own.replace("/run/secrets/definitions.json", str(secrets / "rabbitmq" / "definitions.json"))
        assert kept != own
        management, self.metrics_port = _free_port(), _free_port()
        configuration.write_text(
            f"{listeners or f'listeners.tcp.1 = 127.0.0.1:{self.port}'}\n{kept}\n"
            f"management.tcp.port = {management}\nprometheus.tcp.port = {self.metrics_port}\n"
        )
        (home / "plugins").write_text((DEPLOY / "rabbitmq" / "enabled_plugins").read_text())

    def url(self, vhost: str = VHOST) -> str:
        """The operator's: there is no guest."""
        return self.url_of(OPERATOR)

    def url_of(self, user: str) -> str:
        """What `user` was given, on this node."""
        given = urlsplit((self._secrets / user / "market_amqp_url").read_text())
        if given.port:
            return given.geturl()
        return given._replace(netloc=f"{given.username}:{given.password}@127.0.0.1:{self.port}").geturl()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as tried:
        return int(tried.getsockname()[1])
