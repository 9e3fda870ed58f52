"""One certificate that is given commands, with the holder's key and the providers' devices."""

from __future__ import annotations

import itertools
from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kernel.aggregate import Command, Context, Decision, Due, Event
from kernel.ids import new_id
from services.orders.domain.certificate import Certificate, certificate, redeeming
from services.orders.domain.certificate import events as e
from services.orders.domain.certificate import state as s
from services.orders.domain.certificate.choosing import OfferNow
from services.orders.domain.certificate.issuing import ShareNow
from services.orders.rules import Rules
from tests.unit.orders.competition_walk import BODY, NOON, OFFICER, SECOND_OFFICER, SYSTEM, actor, rules

ID, BENEFICIARY = new_id(), new_id()
FIRST, SECOND = new_id(), new_id()
HOLDER = actor("beneficiary", BENEFICIARY)
COST = 40_000
ISSUED = 20
SHARE = ShareNow("СС-2027-000001", "approved", BODY, 2027, "DOM-01", "visit", COST, 50)
PRICES = {FIRST: COST, SECOND: COST + 5_000}
UNTIL = "2027-06-30"


class Device:
    """What makes redemption records: it knows the holder's key while the holder stands beside it."""

    def __init__(self, certificate_id: str = ID) -> None:
        self.id = certificate_id
        self.key = Ed25519PrivateKey.generate()

    @property
    def public(self) -> str:
        return b64encode(self.key.public_key().public_bytes_raw()).decode()

    def record(self, provider_id: str, volume: int, made_at: datetime, redemption_id: str = "") -> dict[str, Any]:
        """What a command to redeem holds."""
        redemption_id = redemption_id or new_id()
        text = redeeming.record_text(self.id, provider_id, redemption_id, volume, made_at)
        signature = b64encode(self.key.sign(text.encode())).decode()
        return {
            "id": self.id, "redemption_id": redemption_id, "volume": volume, "made_at": made_at, "signature": signature,
        }  # fmt: skip


class Paper:
    """The certificate. `now` is moved by `wait`, which fires what is due."""

    def __init__(self) -> None:
        self.state = Certificate()
        self.device = Device()
        self.events: list[Event] = []
        self.due: list[Due] = []
        self.now = NOON
        self.rules: Rules = rules()

    @property
    def names(self) -> list[str]:
        return [type(event).__name__ for event in self.events]

    def do(self, command: Command, who: Any = SYSTEM, facts: Any = None, received: datetime | None = None) -> Decision:
        context = Context(
            now=self.now, received_at=received or self.now, actor=who, new_id=new_id, id=ID, facts=facts,
            rules=self.rules,
        )  # fmt: skip
        decision = certificate.decide(self.state, command, context)
        for event in decision.events:
            again = certificate.recomputed.get(type(event).__name__)
            for field, value in (again(self.state, event) if again else {}).items():
                assert getattr(event, field) == value, f"{type(event).__name__}.{field}"
            self.state = certificate.evolve(self.state, event)
        self.events += decision.events
        self.due += decision.due
        return decision

    def code(self, command: Command, who: Any = SYSTEM, facts: Any = None) -> str:
        refusal = self.do(command, who, facts).refusal
        return refusal.code if refusal else "done"

    def wait(self, to: datetime) -> None:
        """Move the clock; what is due by then fires in order, each at its instant."""
        while ready := sorted((due for due in self.due if due.at <= to), key=lambda due: due.at):
            self.due.remove(ready[0])
            self.now = max(self.now, ready[0].at)
            self.do(ready[0].command)
        self.now = max(self.now, to)

    def after(self, **time: int) -> Paper:
        self.wait(self.now + timedelta(**time))
        return self

    # -- steps ----------------------------------------------------------------------------------------------------

    def requested(self, facts: ShareNow = SHARE, **changes: Any) -> Paper:
        data = {
            "id": ID, "order_id": new_id(), "beneficiary_id": BENEFICIARY, "programme_id": new_id(), "volume": ISSUED,
            "valid_until": UNTIL, "public_key": self.device.public, **changes,
        }  # fmt: skip
        self.refusal = self.do(s.RequestCertificate(**data), OFFICER, facts).refusal
        return self

    def issued(self, **changes: Any) -> Paper:
        self.requested(**changes)
        self.do(s.IssueCertificate(id=ID), SECOND_OFFICER)
        self.do(s.AcceptCertificateFunds(id=ID, attempt=1))
        return self

    def chosen(self, provider_id: str = FIRST) -> Paper:
        if not self.state.status:
            self.issued()
        decision = self.do(s.ChooseProvider(id=ID, provider_id=provider_id), HOLDER, self.offer(provider_id))
        assert decision.refusal is None, decision.refusal
        return self

    def offer(self, provider_id: str) -> OfferNow:
        return OfferNow("npo", True, PRICES.get(provider_id))

    def redeem(self, record: dict[str, Any], provider_id: str = FIRST, received: datetime | None = None) -> str:
        """The outcome: `taken`, `again`, or a refusal's code."""
        command = s.RedeemCertificate(**record)
        decision = self.do(command, actor("provider", provider_id), received=received)
        if decision.refusal:
            return decision.refusal.code
        return "again" if decision.reply["taken_before"] else "taken"

    def deliver(self, volume: int, provider_id: str = FIRST) -> str:
        """A record that is made and sent now."""
        return self.redeem(self.device.record(provider_id, volume, self.now), provider_id)

    def check(self) -> None:
        """Never more redeemed than issued; redeemed, left and returned are what was issued, in units and in money."""
        state = self.state
        taken = [event for event in self.events if isinstance(event, e.CertificateRedeemed)]
        returned = [event for event in self.events if isinstance(event, e.CertificateUnusedReturned)]
        assert sum(event.volume for event in taken) == state.redeemed_volume <= state.volume
        assert sum(event.volume for event in returned) == state.returned_volume
        assert state.left_volume >= 0 and state.left_kopecks >= 0
        assert len(returned) <= 1 and (not state.closed or state.left_volume == state.left_kopecks == 0)
        assert len({(event.provider_id, event.redemption_id) for event in taken}) == len(taken)
        assert sum(event.amount_kopecks for event in taken) == state.paid_kopecks
        choices = state.choices
        assert all(one.until is not None and one.until <= two.since for one, two in itertools.pairwise(choices))
