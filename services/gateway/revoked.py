"""Tokens that are no longer taken: by hand, or because their account lost rights.

Services check a token by its signature alone; the edge holds it against the access service's list as well, at most
`KEPT_S` old. While that service doesn't answer, the last list is used: a market doesn't stop because nobody can be
signed out for a moment, and every token ends by itself.
"""

from __future__ import annotations

import hashlib
import time
from typing import Any

from anyio import Lock, move_on_after

from kernel.identity import Actor
from kernel.ids import new_id
from kernel.logs import logger
from kernel.refusal import UNAUTHENTICATED, Refused
from services.gateway.calls import Asker, Calls

KEPT_S = 3.0
PATIENCE_S = 0.5
log = logger("gateway")


class RevokedTokens:
    """The list, asked for when it is needed and old."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._hashes: frozenset[str] = frozenset()
        self._asked_at = float("-inf")
        self._lock = Lock()

    def forget(self) -> None:
        """Ask anew with the next request: something of access was changed through this gateway."""
        self._asked_at = float("-inf")

    async def check(self, token: str) -> None:
        """Refuse a revoked token."""
        if self._is_old():
            async with self._lock:  # one asks, the others wait for its answer, which is soon there or not at all
                if self._is_old():
                    await self._ask()
        if hashlib.sha256(token.encode()).hexdigest() in self._hashes:
            raise Refused(UNAUTHENTICATED.having(reason="сеанс завершён / the session was ended"))

    def _is_old(self) -> bool:
        return time.monotonic() - self._asked_at > KEPT_S

    async def _ask(self) -> None:
        answer: dict[str, Any] = {}
        with move_on_after(PATIENCE_S):
            try:
                answer = await self._calls.query("access.revoked_tokens", {}, Asker(Actor.anonymous(), None, new_id()))
            except Refused as refused:
                answer = {"refused": refused.refusal.code}
        self._asked_at = time.monotonic()
        if "reply" in answer:
            self._hashes = frozenset(answer["reply"]["token_hashes"])
        else:
            log.warning("revoked tokens not known", known=len(self._hashes))
