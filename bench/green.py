"""A service's process for the measurements of RabbitMQ: `python -m bench.green box|orders|echo DSN BROKER HOME`.

`echo` is nameko as it comes: its own entrypoint, its own container, a method that gives back what it was given.
"""

from __future__ import annotations

import kernel.bus.bootstrap  # isort: skip  # noqa: F401 - before anything else: it makes the process green

import sys
from pathlib import Path

from kernel.logs import configure
from kernel.settings import Settings


def echo(broker: str) -> None:
    """Until SIGTERM."""
    from nameko.containers import ServiceContainer
    from nameko.rpc import rpc

    class Echo:
        name = "echo"

        @rpc  # type: ignore[untyped-decorator] # nameko has no types
        def echo(self, data: object, call: object) -> object:
            return {"reply": data}

    container = ServiceContainer(Echo, {"AMQP_URI": broker})
    container.start()
    container.wait()


def main(name: str, url: str, broker: str, home: str) -> int:
    settings = Settings(home=Path(home), amqp_url=broker)
    configure(settings.log_level)
    if name == "echo":
        echo(broker)
        return 0
    from app.service_process import serve
    from services.orders.service import service as orders
    from tests.toy.services import box_service

    service = {"box": box_service, "orders": orders}[name]()
    return serve(service, url, settings)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
