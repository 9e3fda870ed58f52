"""Money of certificates: held whole, paid redemption by redemption, the rest let go, and none of it twice."""

from __future__ import annotations

from typing import Any

from kernel.identity import Actor
from kernel.ids import new_id
from services.billing.domain.budget_line import SetLimit
from services.billing.domain.ledger import Budget
from tests.unit.billing.books import Books

BODY, PROVIDER = new_id(), new_id()
YEAR = 2027
BUDGET = Budget(BODY, YEAR)


class Money:
    """A budget of 1,000 kopecks and one certificate on it."""

    def __init__(self, limit: int = 1_000) -> None:
        self.books, self.id = Books(), new_id()
        treasurer = Actor(new_id(), frozenset({"treasurer"}))
        self.books.do(SetLimit(body_id=BODY, year=YEAR, amount_kopecks=limit, reason="the budget law"), treasurer)

    def _of(self, **data: Any) -> dict[str, Any]:
        return {"certificate_id": self.id, "body_id": BODY, "year": YEAR, **data}

    def ask(self, amount: int, attempt: int = 1) -> tuple[str, ...]:
        return self.books.hear("orders", "CertificateFundsRequested", self._of(attempt=attempt, amount_kopecks=amount))

    def redeem(self, amount: int, act_id: str = "") -> tuple[str, ...]:
        data = {
            "act_id": act_id or new_id(), "provider_id": PROVIDER, "provider_kind": "npo", "month": "2027-03",
            "amount_kopecks": amount,
        }  # fmt: skip
        return self.books.hear("orders", "CertificateRedeemed", self._of(**data))

    def end(self, name: str = "CertificateUnusedReturned", attempt: int = 1) -> tuple[str, ...]:
        return self.books.hear("orders", name, self._of(attempt=attempt))

    @property
    def balances(self) -> list[int]:
        """Free, held for the certificate, accrued."""
        found = self.books.balances()
        names = (BUDGET.limit, BUDGET.certificate(self.id), BUDGET.accrued(self.id))
        return [found.get(name, 0) for name in names]


def test_from_the_limit_to_the_acts_and_back() -> None:
    money = Money()
    assert money.ask(600) == ("CertificateFunded",) and money.balances == [400, 600, 0]
    act_id = new_id()
    assert money.redeem(250, act_id) == ("InvoiceRegistered",) and money.redeem(250, act_id) == ()
    assert money.balances == [400, 350, 250]
    assert money.end() == ("CertificateReleased",) and money.end() == ()
    assert money.balances == [750, 0, 250]
    assert money.books.replayed().balances() == money.books.balances()


def test_an_asking_is_answered_once() -> None:
    money = Money()
    assert money.ask(600) == ("CertificateFunded",) and money.ask(600) == ()
    assert money.balances == [400, 600, 0]


def test_what_the_limit_does_not_hold_is_refused_and_may_be_asked_for_again() -> None:
    money = Money(500)
    assert money.ask(600) == ("CertificateFundingRefused",)
    assert money.books.log[-1][2]["missing_kopecks"] == 100
    assert money.end("CertificateFundsTimedOut") == (), "nothing is held for it"
    assert money.ask(500, attempt=2) == ("CertificateFunded",) and money.balances == [0, 500, 0]


def test_an_asking_that_was_given_up_holds_nothing() -> None:
    money = Money()
    money.ask(600)
    assert money.end("CertificateFundsTimedOut") == ("CertificateReleased",) and money.balances == [1_000, 0, 0]
    assert money.ask(600, attempt=2) == ("CertificateFunded",)
    assert money.end(attempt=1) == () and money.balances == [400, 600, 0], "that was the former attempt"


def test_a_certificate_that_never_asked_lets_nothing_go() -> None:
    money = Money()
    assert money.end(attempt=0) == () and money.balances == [1_000, 0, 0]


def test_more_than_was_held_is_never_accrued() -> None:
    money = Money()
    money.ask(600)
    assert money.redeem(601) == ("InvoiceRefused",) and money.balances == [400, 600, 0]
