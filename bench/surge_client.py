"""A thousand bidders as one asyncio client: bids leave at their instants, whatever became of those before them.

Bounded in connections and in time. What isn't known (no answer, 429, 5xx) is asked again under the same Idempotency-Key
until it is. HTTP is spoken here in a few lines, on connections that are kept: a whole client's library would take as much
of the machine as the gateway that is measured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from bench.surge_check import Answer, Bidder
from kernel.ids import new_id

CONNECTIONS = 600
TIMEOUT_S = 15.0  # longer than the market's longest call
PATIENCE_S = 60.0
PAUSE_S = 0.5
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Bid:
    """A request that is ready to be sent."""

    bidder: Bidder
    token: str
    body: bytes

    def request(self, path: str, key: str) -> bytes:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: market\r\nAuthorization: Bearer {self.token}\r\nIdempotency-Key: {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


class Client:
    """Kept connections to one address, at most `CONNECTIONS` in use at once."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._idle: list[Connection] = []
        self._room = asyncio.Semaphore(CONNECTIONS)

    async def ask(self, request: bytes) -> tuple[int, dict[str, Any]]:
        """(status, JSON of the answer). Raises OSError, EOFError, TimeoutError or ValueError where there is none."""
        async with self._room, asyncio.timeout(TIMEOUT_S):
            reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection(*self._address)
            try:
                writer.write(request)
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
                body = await reader.readexactly(int(headers["content-length"]))
            except BaseException:
                writer.close()
                raise
            self._idle.append((reader, writer))
            return int(head[0].split(" ")[1]), orjson.loads(body)

    def close(self) -> None:
        for _, writer in self._idle:
            writer.close()


async def play(host: str, port: int, path: str, bids: Sequence[Bid]) -> None:
    """Send each bid at its instant; returns when every outcome is known, or `PATIENCE_S` after the last was due."""
    client = Client(host, port)
    until = max(bid.bidder.planned_at for bid in bids) + timedelta(seconds=PATIENCE_S)
    try:
        await asyncio.gather(*(_send(client, path, bid, until) for bid in bids))
    finally:
        client.close()


async def _send(client: Client, path: str, bid: Bid, until: datetime) -> None:
    request = bid.request(path, new_id())
    await asyncio.sleep(max(0.0, (bid.bidder.planned_at - datetime.now(UTC)).total_seconds()))
    while True:
        asked_at = datetime.now(UTC)
        try:
            answer = _answer(asked_at, *await client.ask(request))
        except (OSError, EOFError, TimeoutError, ValueError):
            answer = Answer(asked_at, 0)
        bid.bidder.answers.append(answer)
        now = datetime.now(UTC)
        if answer.is_known:
            bid.bidder.answered_at = now
        if answer.is_known or now > until:
            return
        await asyncio.sleep(PAUSE_S)


def _answer(asked_at: datetime, status: int, body: dict[str, Any]) -> Answer:
    if status < 300:
        return Answer(asked_at, status, event_id=body["events"][0])
    return Answer(asked_at, status, code=body.get("code", ""))
