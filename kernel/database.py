"""The database of one service: its engine, its schema, its role and the limits on every connection.

Each service has a schema and a role of its own (`market_<service>`); reading another service is impossible but
for `SELECT` on the logs and published tables that the grants name (see kernel/schema.py).
"""

from __future__ import annotations

import time
import weakref
import zlib

import orjson
import psycopg
from psycopg.types.json import set_json_loads
from sqlalchemy import Engine, PoolProxiedConnection, QueuePool, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from kernel.metrics import POOL_SIZE, POOL_USED, POOL_WAIT_SECONDS
from kernel.settings import Settings

ROLE_PREFIX = "market_"
# A network that swallows everything tells nobody that the server is gone: without these a thread waits for hours.
HEARD_WITHIN_20_S = {
    "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 20_000,
}  # fmt: skip
set_json_loads(orjson.loads)


def role_of(service: str) -> str:
    return ROLE_PREFIX + service


def service_url(url: str, service: str, settings: Settings) -> str:
    """The DSN of `service`'s own role, made from any DSN of the same database."""
    parsed = make_url(url).set(drivername="postgresql+psycopg", username=role_of(service))
    password = settings.password_of(service)
    if password:
        parsed = parsed.set(password=password)
    return parsed.render_as_string(hide_password=False)


def admin_url(url: str) -> str:
    """`url` for SQLAlchemy with psycopg 3, its user kept."""
    return make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def engine_for(url: str, service: str, settings: Settings) -> Engine:
    """An engine whose every connection is the service's role, in its schema, with its time limits.

    No ping before use: a connection that was lost is met by trying again (kernel/host.py), which a ping can't replace.
    """
    options = " ".join(
        f"-c {name}={value}"
        for name, value in (
            ("search_path", service),
            ("timezone", "UTC"),
            ("statement_timeout", settings.statement_timeout_ms),
            ("lock_timeout", settings.lock_timeout_ms),
            ("idle_in_transaction_session_timeout", settings.idle_in_transaction_timeout_ms),
        )
    )
    engine = create_engine(
        service_url(url, service, settings),
        poolclass=_MeasuredPool,
        pool_logging_name=service,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.call_deadline_s,
        hide_parameters=True,  # an error's text is logged and kept with parked events: it must not carry data
        connect_args={
            "options": options,
            "application_name": f"market-{service}",
            "connect_timeout": 5,
            "prepare_threshold": None,  # kernel/pipeline.py prepares what is sent often
            **HEARD_WITHIN_20_S,
        },
    )
    held = weakref.ref(engine)  # an engine that nobody uses any more isn't kept for its numbers
    POOL_SIZE.labels(service).set(settings.pool_size)
    POOL_USED.labels(service).set_function(lambda: _used(held()))
    return engine


class _MeasuredPool(QueuePool):
    """The pool of the service that it is named for, which tells how long work waits for a connection."""

    def connect(self) -> PoolProxiedConnection:
        started = time.perf_counter()
        try:
            return super().connect()
        finally:
            POOL_WAIT_SECONDS.labels(self.logging_name).observe(time.perf_counter() - started)


def _used(engine: Engine | None) -> int:
    pool = engine.pool if engine else None
    return pool.checkedout() if isinstance(pool, QueuePool) else 0


def lock_key(*parts: str) -> int:
    """A 64-bit advisory lock key for `parts`; equal parts give the same key in every process and release."""
    text = "/".join(parts).encode()
    high, low = zlib.crc32(text), zlib.crc32(b"market" + text)
    return (high << 32 | low) - (1 << 63)


def is_disconnect(problem: BaseException) -> bool:
    """Whether the connection was lost, so that the outcome of a COMMIT isn't known."""
    return isinstance(problem, DBAPIError) and (
        problem.connection_invalidated or isinstance(problem.orig, psycopg.errors.AdminShutdown)
    )


def is_transient(problem: BaseException) -> bool:
    """Whether the same work may succeed when it is tried again: lost connection, deadlock, lock or pool time-out."""
    if is_disconnect(problem):
        return True
    transient = (
        psycopg.errors.SerializationFailure,
        psycopg.errors.DeadlockDetected,
        psycopg.errors.LockNotAvailable,
        psycopg.errors.QueryCanceled,
        psycopg.errors.IdleInTransactionSessionTimeout,
        psycopg.errors.CannotConnectNow,
        psycopg.errors.AdminShutdown,
        psycopg.errors.CrashShutdown,
        psycopg.errors.TooManyConnections,
    )
    if isinstance(problem, DBAPIError):
        if isinstance(problem.orig, transient):
            return True
        # A refused or broken connection has no SQLSTATE.
        return isinstance(problem.orig, psycopg.OperationalError) and problem.orig.sqlstate is None
    return False


def violated_constraint(problem: BaseException) -> str | None:
    """The name of the constraint that refused a row, if that is what happened."""
    if isinstance(problem, DBAPIError) and isinstance(problem.orig, psycopg.Error):
        return problem.orig.diag.constraint_name
    return None


def lock_statements(locks: list[tuple[str, int]]) -> list[tuple[str, tuple[int]]]:
    """Transaction-level advisory locks `("shared"|"exclusive", key)` as statements, always in the order of their keys."""
    ordered = sorted(locks, key=lambda lock: lock[1])
    return [
        (f"SELECT pg_advisory_xact_lock{'_shared' if mode == 'shared' else ''}(%s)", (key,)) for mode, key in ordered
    ]
