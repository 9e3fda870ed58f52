"""The broker that a process needs, or a sentence on what is wrong with its address."""

from __future__ import annotations

from app.failure import Failure
from kernel.bus.address import Address
from kernel.settings import Settings


def broker_url(settings: Settings) -> str:
    """`MARKET_AMQP_URL`, which can be used. Whether somebody answers there is for the process to wait for."""
    if not settings.amqp_url:
        raise Failure("there is no broker", "set MARKET_AMQP_URL, or run everything in one process: ./market up")
    try:
        Address.of(settings.amqp_url)
    except (ValueError, OSError) as problem:  # its text holds no password: it tells of a port, a form or a file
        raise Failure(f"MARKET_AMQP_URL can't be used: {problem}", "see docs/operator.md") from problem
    return settings.amqp_url
