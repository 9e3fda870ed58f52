"""A toy service as production runs services: `python -m tests.integration.rpc.replica box DSN BROKER HOME`."""

from __future__ import annotations

import kernel.bus.bootstrap  # isort: skip  # noqa: F401 - before anything else: it makes the process green

import sys
from pathlib import Path

from app.service_process import serve
from kernel.settings import Settings
from tests.toy.services import box_service, mirror_service

SERVICES = {"box": box_service, "mirror": mirror_service}


def main(name: str, url: str, broker: str, home: str) -> int:
    return serve(SERVICES[name](), url, Settings(home=Path(home), amqp_url=broker))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
