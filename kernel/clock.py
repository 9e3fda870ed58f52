"""Clocks: the real one, and a sandbox's, which stands in one row that every process reads.

An installation is a sandbox from its first event or never: `market.sandbox` has a row or has none, and no role of a
service may write it. A sandbox's clock stands still until it is moved, and never goes back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Connection


class Clock(Protocol):
    """What gives the instant of a decision."""

    sandbox: bool

    def now(self, connection: Connection) -> datetime: ...


MOST_SKEW_S = 5.0
"""How far the clocks of an installation's machines may be apart: a process whose own is further off doesn't work."""


class WrongClock(Exception):
    """This machine's clock is further than `MOST_SKEW_S` from that of the database's machine."""


def check_clock(started: float, database: float, ended: float) -> None:
    """Raises WrongClock. `database` is what its clock said between two looks at this machine's (all unix time)."""
    if ahead := max(started - database - MOST_SKEW_S, 0.0):
        raise WrongClock(f"this machine's clock is {ahead + MOST_SKEW_S:.0f} s ahead of the database's")
    if behind := max(database - ended - MOST_SKEW_S, 0.0):
        raise WrongClock(f"this machine's clock is {behind + MOST_SKEW_S:.0f} s behind the database's")


class RealClock:
    """The machine's clock."""

    sandbox = False

    def now(self, connection: Connection) -> datetime:
        return datetime.now(UTC)


class SandboxClock:
    """The sandbox's clock: one row, read in the caller's own transaction."""

    sandbox = True

    def now(self, connection: Connection) -> datetime:
        row = connection.exec_driver_sql("SELECT instant FROM market.sandbox").one()
        instant: datetime = row[0]
        return instant


def clock_of(connection: Connection) -> Clock:
    """The clock that this installation was set up with."""
    row = connection.exec_driver_sql("SELECT count(*) FROM market.sandbox").scalar_one()
    return SandboxClock() if row else RealClock()


def move_sandbox(connection: Connection, to: datetime) -> None:
    """Move a sandbox's clock forward (as the database's owner). Raises ValueError for a move back or no sandbox."""
    moved = connection.exec_driver_sql("UPDATE market.sandbox SET instant = %s WHERE instant <= %s", (to, to)).rowcount
    if not moved:
        raise ValueError(f"the clock can't be set to {to}: it is no sandbox, or that instant has passed")
