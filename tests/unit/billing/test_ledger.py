"""The ledger's own rules, and its text for outside tools."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.ids import new_id
from kernel.money import MAX_KOPECKS
from services.billing.domain.ledger import (
    BelowFloor,
    Budget,
    Posting,
    Unbalanced,
    check_balanced,
    parse_account,
    post,
    transfer,
)
from services.billing.export import journal_to_hledger

BODY, AGREEMENT = new_id(), new_id()
BUDGET = Budget(BODY, 2027)


def test_an_account_name_is_taken_apart_and_put_together() -> None:
    name = parse_account(BUDGET.obliged(AGREEMENT))
    assert (name.kind, name.body_id, name.year, name.part) == ("obliged", BODY, 2027, AGREEMENT)
    assert str(name) == BUDGET.obliged(AGREEMENT) and str(parse_account(BUDGET.limit)) == f"limit:{BODY}:2027"


@pytest.mark.parametrize(
    "postings",
    [
        (Posting(account=BUDGET.limit, debit_kopecks=5),),
        (Posting(account=BUDGET.limit, debit_kopecks=5), Posting(account=BUDGET.grant, credit_kopecks=4)),
        (Posting(account=BUDGET.limit, debit_kopecks=5, credit_kopecks=5),),
        (Posting(account=BUDGET.limit), Posting(account=BUDGET.grant)),
        (Posting(account=BUDGET.limit, debit_kopecks=5), Posting(account=BUDGET.limit, credit_kopecks=5)),
        (Posting(account=BUDGET.limit, debit_kopecks=5), Posting(account=f"grant:{BODY}:2028", credit_kopecks=5)),
        (Posting(account="pocket:x:2027", debit_kopecks=5), Posting(account=BUDGET.grant, credit_kopecks=5)),
    ],
)
def test_what_is_no_entry_is_not_taken(postings: tuple[Posting, ...]) -> None:
    with pytest.raises(Unbalanced):
        check_balanced(postings)


def test_no_account_goes_below_its_floor_and_a_refused_entry_changes_nothing() -> None:
    balances = post({}, transfer(BUDGET.grant, BUDGET.limit, 100))
    with pytest.raises(BelowFloor):
        post(balances, transfer(BUDGET.limit, BUDGET.reserved(AGREEMENT), 101))
    assert balances == {BUDGET.limit: 100, BUDGET.grant: -100}
    assert post(balances, transfer(BUDGET.limit, BUDGET.reserved(AGREEMENT), 100))[BUDGET.limit] == 0


@given(st.lists(st.integers(0, MAX_KOPECKS), max_size=20))
def test_transfers_always_balance_and_sum_to_zero(amounts: list[int]) -> None:
    balances: dict[str, int] = {}
    for amount in amounts:
        balances = post(balances, transfer(BUDGET.grant, BUDGET.limit, amount))
    assert sum(balances.values()) == 0 and balances.get(BUDGET.limit, 0) == sum(amounts)


def entry(kopecks: int) -> dict[str, object]:
    return {
        "event_id": new_id(),
        "at": "2027-03-01T10:00:00.000000Z",
        "event": "LimitSet",
        "agreement_id": None,
        "postings": [line.model_dump() for line in transfer(BUDGET.grant, BUDGET.limit, kopecks)],
    }


def test_the_text_for_outside_tools_says_amounts_in_roubles_exactly() -> None:
    text = journal_to_hledger([entry(1), entry(123456789)])
    assert f"    limit:{BODY}:2027  RUB 0.01\n    grant:{BODY}:2027  RUB -0.01\n" in text
    assert "RUB 1234567.89" in text and "RUB -1234567.89" in text


@pytest.mark.needs("hledger")
def test_hledger_finds_the_journal_balanced_and_a_false_one_not() -> None:
    text = journal_to_hledger([entry(250), entry(99999)])
    assert hledger(text, "check").returncode == 0
    listed = hledger(text, "balance", "--flat", "--no-total").stdout
    assert f"RUB 1002.49  limit:{BODY}:2027" in listed and f"RUB -1002.49  grant:{BODY}:2027" in listed
    assert hledger(text.replace("RUB 2.50", "RUB 2.51", 1), "check").returncode != 0


def hledger(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["hledger", "-f", "-", *arguments], input=text, capture_output=True, text=True, timeout=30, check=False
    )
