"""What every endpoint is given: the way to the services, the contracts, and who is asking."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from anyio import Lock
from starlette.requests import Request

from kernel.identity import TokenChecker
from kernel.refusal import UNAUTHENTICATED, Refused
from services.gateway.calls import Asker, Calls
from services.gateway.contracts import Contracts
from services.gateway.kept_forms import KeptForms
from services.gateway.options import Options
from services.gateway.rates import Buckets
from services.gateway.revoked import RevokedTokens

LONGEST_TOKEN = 4096


class MarketClock(Protocol):
    """The clock that the market runs by, for pages: in a sandbox it is not the machine's."""

    sandbox: bool

    def now(self) -> datetime: ...


class MachineClock:
    """The machine's clock: what an installation that is no sandbox runs by."""

    sandbox = False

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True)
class Gate:
    """One per application."""

    calls: Calls
    contracts: Contracts
    tokens: TokenChecker
    options: Options
    clock: MarketClock
    sign_in: Buckets
    anonymous: Buckets
    signed_in: Buckets
    kept_forms: KeptForms
    revoked: RevokedTokens
    turn: Lock = field(default_factory=Lock)

    async def asker(self, request: Request, limit: str | None = None) -> Asker:
        """Who asks. Raises Refused for a token that isn't good or was revoked, and for too many requests."""
        asker = self.claimed(request, limit)
        await self.check_revoked(asker)
        return asker

    def claimed(self, request: Request, limit: str | None = None) -> Asker:
        """Who asks by a token that is good in itself: whether it was revoked isn't asked yet, which may take a moment.

        The token is looked at here so that a forged one costs no service anything; the services prove it again.
        """
        address = request.client.host if request.client else ""
        if limit == "sign_in":
            self.sign_in.take(address)
        token = _token(request)
        if token is None:
            self.anonymous.take(address)
        actor = self.tokens.actor(token)
        if token is not None:
            self.signed_in.take(actor.id)
        return Asker(actor, token, request.state.correlation_id)

    async def check_revoked(self, asker: Asker) -> None:
        """Refuse a revoked token."""
        if asker.token is not None:
            await self.revoked.check(asker.token)

    async def receipts_first(self) -> None:
        """Wait for one's turn to be worked on, a request in each round of the event loop.

        Whoever arrives meanwhile is received in the same round: under load decisions wait, instants of receipt don't.
        """
        async with self.turn:
            pass


def _token(request: Request) -> str | None:
    said = request.headers.get("authorization")
    if said is None:
        return None
    scheme, _, token = said.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN or not token.isascii():
        raise Refused(UNAUTHENTICATED.having(reason="Authorization: Bearer …"))
    return token
