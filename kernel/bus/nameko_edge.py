"""A service on RabbitMQ: nameko's container over a host, every command and query a method of its own.

The entrypoint is leaner than nameko's and speaks the same format (kernel/bus/wire.py). Its promises:

* a message is acknowledged after its answer was written, and both leave together: a process that dies gives its calls
  to another replica, where the idempotency key makes them done once;
* what can't be done is answered, never dropped unseen: a body that can't be read, a method that isn't there, a call
  whose time has passed in the queue; nothing that comes in a message ends the container;
* a broker that is away is met by trying again, with a line in the log for every try.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from types import TracebackType
from typing import Any

import eventlet
from eventlet.event import Event
from nameko.containers import ServiceContainer, WorkerContext
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Entrypoint, ProviderCollector, SharedExtension
from pamqp.commands import Basic, Queue

from kernel.bus import wire
from kernel.bus.address import Address
from kernel.bus.line import Line
from kernel.bus.session import Message, exchange_of_calls
from kernel.host import INTERNAL, Host
from kernel.instants import to_text
from kernel.logs import logger, told
from kernel.refusal import INVALID, MISSING, TOO_LATE, UNAVAILABLE, Refusal

WORKERS = 10
"""Calls that a process works on at once, and takes from the queue: more would wait here and not at an idle replica."""
RETRY_MIN_S, RETRY_MAX_S = 0.2, 5.0
TAG = "calls"
Failure = tuple[type[BaseException], BaseException, TracebackType]
log = logger("rpc")


class Calls(SharedExtension, ProviderCollector):  # type: ignore[misc] # nameko has no types
    """The service's connection: takes calls from its queue, gives each to its method, sends the answers."""

    def __init__(self) -> None:
        super().__init__()
        self._line: Line | None = None
        self._quiet = False
        self._stopping = Event()
        self._methods: dict[str, Method] = {}
        self._exchange_there = True
        self._thread: Any = None

    @property
    def connected(self) -> bool:
        """Whether the service takes calls now."""
        return self._line is not None and not self._quiet

    # -- nameko's life of an extension ----------------------------------------------------------------------------

    def start(self) -> None:
        self._methods = {provider.method_name: provider for provider in self._providers}
        self._thread = self.container.spawn_managed_thread(self._run)

    def unregister_provider(self, provider: Method) -> None:
        """The container stops: no new calls are taken; those under way are still answered."""
        if not self._quiet:
            self._quiet = True
            if self._line:
                self._line.session.cancel(TAG)
                self._line.flush()
        super().unregister_provider(provider)

    def stop(self) -> None:
        """All calls were answered: send what waits and hang up."""
        if not self._stopping.ready():
            self._stopping.send()
        self._thread.wait()

    kill = stop

    # -- the connection -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause = RETRY_MIN_S
        while not self._stopping.ready():
            try:
                self._line = self._connect()
                log.info("taking calls", service=self.container.service_name, broker=str(self._address))
                pause = RETRY_MIN_S
                self._take_calls(self._line)
            except OSError as problem:
                self._exchange_there = getattr(problem, "code", 0) != 404
                log.warning(
                    "no connection to the broker, trying again",
                    service=self.container.service_name, broker=str(self._address), error=told(problem), pause_s=pause,
                )  # fmt: skip
                if self._line:
                    self._line.drop()
                self._line = None
                self._stopping.wait(pause)
                pause = min(pause * 2, RETRY_MAX_S)

    @property
    def _address(self) -> Address:
        address: Address = self.container.config["ADDRESS"]
        return address

    def _connect(self) -> Line:
        service = self.container.service_name
        queue = wire.queue_of(service)
        setup = (
            exchange_of_calls(self._exchange_there),
            Queue.Declare(queue=queue, durable=True),
            Queue.Bind(queue=queue, exchange=wire.EXCHANGE, routing_key=wire.key_of(service, "*")),
            Basic.Qos(prefetch_count=self.container.max_workers),
            Basic.Consume(queue=queue, consumer_tag=TAG),
        )
        return Line(self._address, f"market-{service} calls", setup)

    def _take_calls(self, line: Line) -> None:
        for message in line.early:
            self._take(line, message)
        while not self._stopping.ready():
            for message in line.read():
                self._take(line, message)
        line.close()

    # -- a call ---------------------------------------------------------------------------------------------------

    def _take(self, line: Line, message: Message) -> None:
        if self._quiet:
            return None  # it goes back to the queue when the connection ends
        method = self._methods.get(message.routing_key.rpartition(".")[2])
        try:
            data, call = wire.read_request(message.body)
            call = wire.in_context(call, message.properties.headers)
        except wire.Unreadable as problem:
            log.warning("an unreadable call", service=self.container.service_name, error=told(problem))
            return _refuse(line, message, INVALID.having(summary=told(problem)))
        if method is None:
            return _refuse(line, message, MISSING.having(what="method", id=message.routing_key))
        if call.deadline <= time.time() and method.method_name != wire.PROBE:
            return _refuse(line, message, TOO_LATE)
        work = partial(self._work, line, message, method, {"data": data, "call": call})
        # The broker sends no more than there are workers, but a connection that was lost may have left some at work:
        # then this one waits beside the reader and not in its place.
        if self.container._worker_pool.free() > 0:
            work()
        else:
            self.container.spawn_managed_thread(work)
        return None

    def _work(self, line: Line, message: Message, method: Method, arguments: Mapping[str, Any]) -> None:
        try:
            self.container.spawn_worker(method, (), arguments, {}, partial(_answered, line, message))
        except ContainerBeingKilled:
            pass  # not acknowledged, so another replica gets it


def _answered(
    line: Line, message: Message, worker: WorkerContext, result: Any, failure: Failure | None
) -> tuple[Any, Failure | None]:
    if failure:
        log.error("failed", service=worker.service_name, what=message.routing_key, exc_info=failure[1])
        _refuse(line, message, INTERNAL)
        return result, failure
    try:
        body = wire.reply(result)
    except TypeError as problem:
        log.error("an answer that is no JSON", what=message.routing_key, error=type(problem).__name__)
        _refuse(line, message, INTERNAL)
    else:
        _send(line, message, body)
    return result, failure


def _refuse(line: Line, message: Message, refusal: Refusal) -> None:
    _send(line, message, wire.reply({"refused": refusal.to_dict()}))


def _send(line: Line, message: Message, body: bytes) -> None:
    """Answer and acknowledge. Over a line that was lost nothing leaves: the broker gives the message out again."""
    asked = message.properties
    if asked.reply_to:
        properties = Basic.Properties(
            content_type=wire.CONTENT_TYPE, content_encoding=wire.ENCODING, correlation_id=asked.correlation_id
        )
        line.session.publish(asked.reply_to, body, properties)
    line.session.ack(message.tag)
    line.flush()


class Method(Entrypoint):  # type: ignore[misc] # nameko has no types
    """An entrypoint: the method can be called over RabbitMQ."""

    calls = Calls()

    def setup(self) -> None:
        self.calls.register_provider(self)

    def stop(self) -> None:
        self.calls.unregister_provider(self)


method = Method.decorator


def service_class(host: Host) -> type:
    """The nameko class of a service: its commands, its queries, and the probe."""
    asks: dict[str, Callable[..., Any]] = {wire.PROBE: partial(_probe, host)}
    for ask, names in ((host.command, host.service.rules_of), (host.query, host.service.queries_of)):
        for name in names:
            assert name not in asks, f"{host.service.name}.{name} is both a command and a query"
            asks[name] = partial(ask, name)
    return type(host.service.name, (), {"name": host.service.name} | {n: method(_named(n, a)) for n, a in asks.items()})


def _named(name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
    def answer(self: Any, data: Any, call: Any) -> Any:
        return ask(data, call)

    answer.__name__ = name
    return answer


def _probe(host: Host, data: Any, call: Any) -> dict[str, Any]:
    try:
        with host.engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
            return {"reply": {"sandbox": host.clock.sandbox, "now": to_text(host.clock.now(connection))}}
    except Exception as problem:  # noqa: BLE001 - whatever the database says, the service can't work now
        log.warning("unavailable", service=host.service.name, error=type(problem).__name__)
        return {"refused": UNAVAILABLE.having(what=host.service.name).to_dict()}


class Edge:
    """A host's place on the bus, from `start` to `stop`."""

    def __init__(self, host: Host, url: str, workers: int = WORKERS) -> None:
        config = {"ADDRESS": Address.of(url), "max_workers": workers}
        self._container = ServiceContainer(service_class(host), config)
        [self._calls] = [e for e in self._container.subextensions if isinstance(e, Calls)]

    def start(self) -> None:
        """Take calls as soon as the broker is there; returns at once."""
        self._container.start()

    def stop(self, timeout_s: float) -> None:
        """Take no more calls and answer those under way, for `timeout_s` at most."""
        with eventlet.Timeout(timeout_s, False):
            self._container.stop()

    def check(self) -> None:
        """Raises what ended the container, if anything did: a mistake of ours, for the supervisor to begin anew."""
        if self._container._died.ready():
            self._container.wait()

    @property
    def connected(self) -> bool:
        return bool(self._calls.connected)
