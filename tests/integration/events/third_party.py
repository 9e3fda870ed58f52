"""Somebody else's service, written against nameko's documentation alone; prints each event that reaches it."""

from __future__ import annotations

import eventlet

eventlet.monkey_patch()

import json  # noqa: E402 - after the patch, as nameko asks
import sys  # noqa: E402

from nameko.containers import ServiceContainer  # noqa: E402
from nameko.events import event_handler  # noqa: E402


class Newspaper:
    name = "newspaper"

    @event_handler("box", "ThingPut")  # type: ignore[untyped-decorator] # nameko has no types
    def put(self, payload: dict[str, object]) -> None:
        print(json.dumps(payload), flush=True)


container = ServiceContainer(Newspaper, config={"AMQP_URI": sys.argv[1]})
container.start()
print(json.dumps("ready"), flush=True)
container.wait()
