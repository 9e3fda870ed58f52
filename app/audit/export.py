"""Making a bundle from an installation's database: the services' own logs, the audit service's tree, the region's files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy import Connection, create_engine

from app.audit.bundle import write_bundle
from app.failure import Failure
from kernel.database import admin_url
from kernel.identity import SigningKey
from kernel.log_keys import LogKeys
from kernel.note import NoteError, Signer, Verifier
from kernel.settings import Settings

PAGE = 2_000
REGION_SUFFIXES = {".toml", ".csv", ".md"}


def export_bundle(url: str, settings: Settings, file: Path) -> tuple[int, int]:
    """Write the bundle of all that the last checkpoint covers to `file`; (entries in it, entries sealed since).

    Everything is read in one snapshot. Raises Failure where there is no checkpoint yet.
    """
    engine = create_engine(admin_url(url), isolation_level="REPEATABLE READ", pool_size=1)
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            size = connection.exec_driver_sql("SELECT max(size) FROM audit.checkpoint").scalar()
            if not size:
                raise Failure("the log has no checkpoint yet", "run ./market demo, or ./market up and do something")
            rows = connection.exec_driver_sql(
                'SELECT source, max(sequence) FROM audit.leaf WHERE "index" < %s GROUP BY source', (size,)
            )
            ends = {str(source): int(last) for source, last in rows}
            signer = Signer(settings.origin, SigningKey.at(settings.keys / "log.key").private)
            handovers = connection.exec_driver_sql("SELECT note FROM audit.handover ORDER BY number").scalars().all()
            _check_key(signer.verifier, handovers)
            write_bundle(
                file,
                {source: _log(connection, source, end) for source, end in ends.items()},
                _leaves(connection, size),
                _checkpoints(connection),
                region_files(settings.region),
                signer,
                settings.origin,
                handovers,
            )
            sealed = sum(connection.exec_driver_sql(f"SELECT sequence FROM {s}.log_head").scalar_one() for s in ends)
    finally:
        engine.dispose()
    return size, sealed - size


def _check_key(key: Verifier, handovers: Sequence[str]) -> None:
    try:
        newest = LogKeys(key, handovers).newest
    except NoteError as problem:
        raise Failure(f"log.key is not this log's: {problem}", "put the log's own key into its place") from problem
    if newest != key:
        raise Failure(f"log.key is {key}, but the log is signed by {newest}", "put the present key into its place")


def region_files(folder: Path) -> dict[str, bytes]:
    """The region's configuration by path, without the demonstration's data."""
    found = sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix in REGION_SUFFIXES)
    names = {p.relative_to(folder).as_posix(): p for p in found}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith("demo/")}


def _log(connection: Connection, source: str, end: int) -> Iterator[bytes]:
    """The service's own log, not the audit service's copy: what differs between the two is to be found out."""
    for first in range(1, end + 1, PAGE):
        rows = connection.exec_driver_sql(
            f"SELECT entry FROM {source}.log WHERE sequence BETWEEN %s AND %s ORDER BY sequence",
            (first, min(first + PAGE - 1, end)),
        )
        yield from (bytes(entry) for (entry,) in rows.all())


def _leaves(connection: Connection, size: int) -> Iterator[tuple[str, int]]:
    for first in range(0, size, PAGE):
        rows = connection.exec_driver_sql(
            'SELECT source, sequence FROM audit.leaf WHERE "index" >= %s AND "index" < %s ORDER BY "index"',
            (first, min(first + PAGE, size)),
        )
        yield from ((source, sequence) for source, sequence in rows.all())


def _checkpoints(connection: Connection) -> Iterator[str]:
    after = 0
    while True:
        rows = connection.exec_driver_sql(
            f"SELECT size, note FROM audit.checkpoint WHERE size > %s ORDER BY size LIMIT {PAGE}", (after,)
        ).all()
        if not rows:
            return
        yield from (note for _, note in rows)
        after = rows[-1][0]
