"""Limits of the edge: how much, how many, how often. Every one has a value that suits one region on one machine."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rate:
    """At most `burst` at once and `per_second` on average."""

    burst: int
    per_second: float


@dataclass(frozen=True)
class Rates:
    """Who is held to what; None: no limit. Generous, because one address may stand for a whole office.

    `sign_in` is per address, against guessing; `anonymous` per address; `signed_in` per account.
    """

    sign_in: Rate | None = Rate(burst=120, per_second=2)
    anonymous: Rate | None = Rate(burst=600, per_second=100)
    signed_in: Rate | None = Rate(burst=2000, per_second=400)


UNLIMITED = Rates(None, None, None)


@dataclass(frozen=True)
class Options:
    """What `create_app` may be told besides the installation's settings."""

    body_limit_bytes: int = 1024 * 1024
    json_depth: int = 32
    calls_at_once: int = 16
    calls_waiting: int = 256
    idempotency_key_length: int = 128
    rates: Rates = field(default_factory=Rates)
