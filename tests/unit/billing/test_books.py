"""Whatever comes in whatever order, twice or too late: books balance, floors hold, every asking has one answer."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kernel.identity import Actor
from kernel.ids import new_id
from kernel.rows import Row
from services.billing.domain.budget_line import SetLimit
from services.billing.domain.invoice import (
    ApproveInvoice,
    OnInvoice,
    PrepareInvoice,
    ReceiveReturn,
    RetryInvoice,
    ReturnInvoice,
    SendPayment,
    SettlePayment,
    invoice_id,
)
from services.billing.domain.ledger import Budget, Posting, parse_account, post
from tests.unit.billing.books import Books

BODY, PROVIDER = new_id(), new_id()
FIRST, SECOND = (Actor(new_id(), frozenset({"treasurer"})) for _ in range(2))
YEAR = 2027


def asking(agreement_id: str, amount: int, attempt: int = 1) -> dict[str, Any]:
    return {
        "agreement_id": agreement_id,
        "body_id": BODY,
        "year": YEAR,
        "provider_id": PROVIDER,
        "amount_kopecks": amount,
        "attempt": attempt,
    }


def act(agreement_id: str, amount: int, act_id: str | None = None) -> dict[str, Any]:
    return {
        "act_id": act_id or new_id(),
        "agreement_id": agreement_id,
        "provider_id": PROVIDER,
        "provider_kind": "npo",
        "body_id": BODY,
        "year": YEAR,
        "month": "2027-03",
        "amount_kopecks": amount,
        "reason": "error in the count",
    }


def limit(books: Books, amount: int) -> str:
    decision = books.do(SetLimit(body_id=BODY, year=YEAR, amount_kopecks=amount, reason="budget law"), FIRST)
    return decision.refusal.code if decision.refusal else "done"


@pytest.fixture
def books() -> Books:
    made = Books()
    limit(made, 1000)
    return made


def obliged(books: Books, amount: int = 600) -> str:
    agreement_id = new_id()
    assert books.hear("orders", "ReservationRequested", asking(agreement_id, amount)) == ("BudgetReserved",)
    assert books.hear("orders", "AgreementActivated", asking(agreement_id, amount)) == ("ObligationTaken",)
    return agreement_id


def registered(books: Books, agreement_id: str, amount: int = 200) -> str:
    data = act(agreement_id, amount)
    assert books.hear("providers", "ActConfirmed", data) == ("InvoiceRegistered",)
    return str(data["act_id"])


def paid(books: Books, act_id: str, until: str = "settled") -> str:
    on = invoice_id(act_id)
    steps: list[tuple[str, OnInvoice, Actor]] = [
        ("prepared", PrepareInvoice(id=on), FIRST),
        ("approved", ApproveInvoice(id=on), SECOND),
        ("sent", SendPayment(id=on), FIRST),
        ("settled", SettlePayment(id=on, settled_on="2027-04-01"), FIRST),
    ]
    for status, command, actor in steps:
        assert books.do(command, actor).refusal is None
        if status == until:
            break
    return on


def at(books: Books, kind: str) -> int:
    return sum(balance for account, balance in books.balances().items() if parse_account(account).kind == kind)


# -- limits and reservations ------------------------------------------------------------------------------------------


def test_a_limit_is_lowered_only_down_to_what_is_taken(books: Books) -> None:
    books.hear("orders", "ReservationRequested", asking(new_id(), 700))
    assert limit(books, 699) == "limit_below_taken"
    assert limit(books, 700) == "done" and at(books, "limit") == 0
    assert limit(books, 700) == "limit_same"


def test_a_refusal_says_what_is_missing_and_a_raised_limit_repairs_it(books: Books) -> None:
    agreement_id = new_id()
    assert books.hear("orders", "ReservationRequested", asking(agreement_id, 1200)) == ("ReservationRefused",)
    _, _, refusal = books.log[-1]
    assert (refusal["free_kopecks"], refusal["missing_kopecks"], refusal["code"]) == (1000, 200, "limit_short")
    limit(books, 1200)
    assert books.hear("orders", "ReservationRequested", asking(agreement_id, 1200, attempt=2)) == ("BudgetReserved",)


def test_an_asking_without_any_limit_is_answered_too() -> None:
    assert Books().hear("orders", "ReservationRequested", asking(new_id(), 1)) == ("ReservationRefused",)


def test_an_asking_that_comes_twice_is_answered_once(books: Books) -> None:
    data = asking(new_id(), 400)
    assert books.hear("orders", "ReservationRequested", data) == ("BudgetReserved",)
    assert books.hear("orders", "ReservationRequested", data) == ()
    assert at(books, "reserved") == 400


@pytest.mark.parametrize("name", ["AgreementVoided", "ReservationTimedOut", "ReservationFailed"])
def test_however_an_asking_is_given_up_its_money_is_free_again(books: Books, name: str) -> None:
    data = asking(new_id(), 400)
    books.hear("orders", "ReservationRequested", data)
    assert books.hear("orders", name, data) == ("ReservationReleased",)
    assert books.hear("orders", name, data) == () and at(books, "limit") == 1000


def test_a_void_that_overtakes_its_asking_leaves_nothing_reserved(books: Books) -> None:
    data = asking(new_id(), 400)
    assert books.hear("orders", "AgreementVoided", data) == ("ReservationBarred",)
    assert books.hear("orders", "ReservationRequested", data) == ("ReservationRefused",)
    assert books.log[-1][2]["code"] == "given_up"
    assert books.hear("orders", "ReservationRequested", data) == () and at(books, "limit") == 1000


def test_a_void_of_what_was_never_asked_does_nothing(books: Books) -> None:
    assert books.hear("orders", "AgreementVoided", asking(new_id(), 400, attempt=0)) == ()


def test_an_agreement_without_its_reservation_obliges_nothing(books: Books) -> None:
    assert books.hear("orders", "AgreementActivated", asking(new_id(), 400)) == ("ObligationRefused",)
    assert at(books, "obliged") == 0


def test_the_end_of_an_agreement_frees_what_no_act_has_used(books: Books) -> None:
    agreement_id = obliged(books)
    registered(books, agreement_id)
    assert books.hear("orders", "AgreementTerminated", asking(agreement_id, 600)) == ("ObligationReleased",)
    assert books.hear("orders", "AgreementTerminated", asking(agreement_id, 600)) == ()
    assert (at(books, "limit"), at(books, "obliged"), at(books, "accrued")) == (800, 0, 200)


# -- acts, invoices, payments -----------------------------------------------------------------------------------------


def test_money_goes_from_the_act_to_the_provider_and_two_people_see_it(books: Books) -> None:
    on = invoice_id(registered(books, obliged(books)))
    assert books.do(PrepareInvoice(id=on), FIRST).refusal is None
    refusal = books.do(ApproveInvoice(id=on), FIRST).refusal
    assert refusal is not None and refusal.code == "four_eyes"
    assert books.do(ReturnInvoice(id=on, reason="wrong account"), SECOND).refusal is None
    assert books.do(ApproveInvoice(id=on), SECOND).refusal is not None
    for command, actor in (
        (PrepareInvoice(id=on), SECOND),
        (ApproveInvoice(id=on), FIRST),
        (SendPayment(id=on), FIRST),
    ):
        assert books.do(command, actor).refusal is None
    assert (at(books, "transit"), at(books, "paid")) == (200, 0)
    assert books.do(SettlePayment(id=on, settled_on="2027-04-31"), FIRST).refusal is not None
    assert books.do(SettlePayment(id=on, settled_on="2027-04-30"), FIRST).refusal is None
    assert (at(books, "transit"), at(books, "paid"), at(books, "obliged")) == (0, 200, 400)


def test_an_act_is_invoiced_once_and_never_beyond_the_obligation(books: Books) -> None:
    agreement_id = obliged(books)
    data = act(agreement_id, 600)
    assert books.hear("providers", "ActConfirmed", data) == ("InvoiceRegistered",)
    assert books.hear("providers", "ActConfirmed", data) == ()
    assert books.hear("providers", "ActConfirmed", act(agreement_id, 1)) == ("InvoiceRefused",)
    assert books.log[-1][2]["missing_kopecks"] == 1


def test_an_act_that_comes_after_the_end_is_paid_from_the_free_limit(books: Books) -> None:
    agreement_id = obliged(books)
    books.hear("orders", "AgreementCompleted", asking(agreement_id, 600))
    limit(books, 100)
    data = act(agreement_id, 150)
    assert books.hear("providers", "ActConfirmed", data) == ("InvoiceRefused",)
    on = invoice_id(data["act_id"])
    refusal = books.do(RetryInvoice(id=on), FIRST).refusal
    assert refusal is not None and refusal.details["missing_kopecks"] == 50
    limit(books, 150)
    assert books.do(RetryInvoice(id=on), FIRST).refusal is None
    assert (at(books, "limit"), at(books, "accrued")) == (0, 150)


@pytest.mark.parametrize(
    ("until", "status", "obliged_after", "owed"),
    [
        ("prepared", "reversed", 600, 0),
        ("approved", "reversed", 600, 0),
        ("sent", "owed", 400, 200),
        ("settled", "owed", 400, 200),
    ],
)
def test_a_reversal_takes_back_what_had_not_left_and_claims_what_had(
    books: Books, until: str, status: str, obliged_after: int, owed: int
) -> None:
    agreement_id = obliged(books)
    act_id = registered(books, agreement_id)
    on = paid(books, act_id, until)
    assert books.hear("providers", "ActReversed", act(agreement_id, 200, act_id)) == ("InvoiceReversed",)
    assert books.hear("providers", "ActReversed", act(agreement_id, 200, act_id)) == ()
    assert books.states["Invoice", on].status == status
    assert (at(books, "obliged"), at(books, "owed")) == (obliged_after, owed)
    assert at(books, "accrued") == at(books, "transit") == at(books, "paid") == 0
    if owed:
        books.do(SettlePayment(id=on, settled_on="2027-04-02"), FIRST)
        assert books.do(ReceiveReturn(id=on, returned_on="2027-05-02"), FIRST).refusal is None
        assert (at(books, "obliged"), at(books, "owed"), at(books, "paid")) == (600, 0, 0)


def test_a_reversal_that_overtakes_its_act_leaves_nothing_to_pay(books: Books) -> None:
    agreement_id = obliged(books)
    data = act(agreement_id, 200)
    assert books.hear("providers", "ActReversed", data) == ("InvoiceReversed",)
    assert books.hear("providers", "ActConfirmed", data) == () and at(books, "accrued") == 0


# -- everything at once -----------------------------------------------------------------------------------------------

AMOUNTS = st.integers(0, 900)
WHICH = st.integers(0, 5)


class Season(RuleBasedStateMachine):
    """Random foreign events (each may come twice, late, or before its cause) and random treasurers."""

    def __init__(self) -> None:
        super().__init__()
        self.books = Books()
        self.agreements = [new_id() for _ in range(6)]
        self.acts = [new_id() for _ in range(6)]
        self.asked: set[tuple[str, int]] = set()

    @rule(amount=st.integers(0, 4000))
    def set_limit(self, amount: int) -> None:
        limit(self.books, amount)

    @rule(which=WHICH, attempt=st.integers(1, 3))
    def ask(self, which: int, attempt: int) -> None:
        # What an asking says doesn't change when it comes again.
        agreement_id, amount = self.agreements[which], 100 * which + attempt
        self.books.hear("orders", "ReservationRequested", asking(agreement_id, amount, attempt))
        self.asked.add((self.agreements[which], attempt))

    @rule(
        which=WHICH,
        attempt=st.integers(0, 3),
        name=st.sampled_from(["AgreementVoided", "ReservationTimedOut", "ReservationFailed"]),
    )
    def give_up(self, which: int, attempt: int, name: str) -> None:
        self.books.hear("orders", name, asking(self.agreements[which], 0, attempt))

    @rule(which=WHICH, attempt=st.integers(1, 3))
    def activate(self, which: int, attempt: int) -> None:
        self.books.hear("orders", "AgreementActivated", asking(self.agreements[which], 100 * which + attempt, attempt))

    @rule(which=WHICH, attempt=st.integers(1, 3), name=st.sampled_from(["AgreementCompleted", "AgreementTerminated"]))
    def end(self, which: int, attempt: int, name: str) -> None:
        self.books.hear("orders", name, asking(self.agreements[which], 0, attempt))

    @rule(which=WHICH, amount=st.integers(0, 300), name=st.sampled_from(["ActConfirmed", "ActReversed"]))
    def deliver(self, which: int, amount: int, name: str) -> None:
        self.books.hear("providers", name, act(self.agreements[which], amount, self.acts[which]))

    @rule(
        which=WHICH,
        actor=st.sampled_from([FIRST, SECOND]),
        make=st.sampled_from(
            [
                lambda on: RetryInvoice(id=on),
                lambda on: PrepareInvoice(id=on),
                lambda on: ApproveInvoice(id=on),
                lambda on: ReturnInvoice(id=on, reason="again, please"),
                lambda on: SendPayment(id=on),
                lambda on: SettlePayment(id=on, settled_on="2027-04-01"),
                lambda on: ReceiveReturn(id=on, returned_on="2027-05-01"),
            ]
        ),
    )
    def treat(self, which: int, actor: Actor, make: Any) -> None:
        self.books.do(make(invoice_id(self.acts[which])), actor)

    @invariant()
    def books_balance(self) -> None:
        folded: dict[str, int] = {}
        for entry in self.books.postings():
            folded = post(folded, [Posting(**line) for line in entry])
        assert folded == self.books.balances() and sum(folded.values()) == 0
        debit = sum(row["debit_kopecks"] for row in self.books.table("posting"))
        assert debit == sum(row["credit_kopecks"] for row in self.books.table("posting"))
        assert all(row["balance_kopecks"] >= row["floor_kopecks"] for row in self.books.table("account"))

    @invariant()
    def every_asking_has_one_answer(self) -> None:
        answers = Counter(
            (data["agreement_id"], data["attempt"])
            for name, _, data in self.books.log
            if name in {"BudgetReserved", "ReservationRefused"}
        )
        assert set(answers) == self.asked and all(count == 1 for count in answers.values())

    @invariant()
    def the_limit_is_where_it_went(self) -> None:
        budget = Budget(BODY, YEAR)
        line = next(iter(self.books.table("budget")), None)
        assert self.books.balances().get(budget.grant, 0) == -(line["limit_kopecks"] if line else 0)

    def teardown(self) -> None:
        again = self.books.replayed()
        assert again.states == self.books.states and again.balances() == self.books.balances()
        assert [_without_id(row) for row in again.table("posting")] == [
            _without_id(row) for row in self.books.table("posting")
        ]


def _without_id(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "event_id"}


TestSeason = Season.TestCase
TestSeason.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
