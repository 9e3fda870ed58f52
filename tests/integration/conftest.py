"""RabbitMQ for the tests of this folder."""

from tests.rabbit import (
    amqp_url,
    docker_compose_file,
    docker_setup,
    new_vhost,
    rabbit,
    rabbit_node,
    rabbit_url,
)

__all__ = [
    "amqp_url",
    "docker_compose_file",
    "docker_setup",
    "new_vhost",
    "rabbit",
    "rabbit_node",
    "rabbit_url",
]
