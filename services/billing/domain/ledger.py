"""The ledger: double entry in kopecks. Every event that moves money carries its postings, and they balance.

An account is a text `kind:body:year[:agreement or provider]`; its balance is debits minus credits. What a body may
spend in a year moves through its accounts and never appears or vanishes:

    grant ──LimitSet──▶ limit ──BudgetReserved──▶ reserved ──ObligationTaken──▶ obliged ──InvoiceRegistered──▶ accrued
      accrued ──PaymentSent──▶ transit ──PaymentSettled──▶ paid ──InvoiceReversed──▶ owed ──ReturnReceived──▶ obliged
      limit ──CertificateFunded──▶ certificates ──InvoiceRegistered──▶ accrued

so the sum of all accounts is always zero, and no account but `grant` (the budget law's own side) may be below zero: one
can't reserve more than is free, oblige more than was reserved, pay more than was accepted. (Budget Code art. 219; the
chain of DOMAIN §5.) Corrections are postings the other way round; nothing is ever edited.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from kernel.money import Kopecks

NO_FLOOR = -(10**18)
"""Below any sum of limits that money.py's bounds allow: the floor of an account that has none."""


@dataclass(frozen=True)
class Kind:
    """A line of the chart of accounts: its names, and below what the balance may never be."""

    ru: str
    en: str
    floor_kopecks: int = 0


CHART: Mapping[str, Kind] = {
    "grant": Kind("Бюджетные ассигнования", "Granted by the budget law", NO_FLOOR),
    "limit": Kind("Свободный лимит", "Limit that is free"),
    "reserved": Kind("Зарезервировано под соглашение", "Reserved for an agreement"),
    "obliged": Kind("Принятое обязательство", "Obligation taken"),
    "certificates": Kind("Сертификаты на руках", "Certificates outstanding"),
    "accrued": Kind("Начислено по актам", "Accrued by acts"),
    "transit": Kind("Платежи в пути", "Payments on their way"),
    "paid": Kind("Оплачено", "Paid"),
    "owed": Kind("Поставщик должен вернуть", "Owed back by the provider"),
}


class Posting(BaseModel):
    """One line of an entry: a debit or a credit of one account."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    account: str
    debit_kopecks: Kopecks = 0
    credit_kopecks: Kopecks = 0


Postings = tuple[Posting, ...]


class Unbalanced(ValueError):
    """Postings that don't balance, touch an unknown account or mix two budgets: a defect, never an answer."""


class BelowFloor(ValueError):
    """A posting would bring an account below its floor."""


@dataclass(frozen=True)
class AccountName:
    """An account's name taken apart; `part` is the agreement's or provider's id, or empty."""

    kind: str
    body_id: str
    year: int
    part: str = ""

    def __str__(self) -> str:
        return ":".join((self.kind, self.body_id, str(self.year), *([self.part] if self.part else [])))

    @property
    def floor_kopecks(self) -> int:
        return CHART[self.kind].floor_kopecks


def parse_account(account: str) -> AccountName:
    """`account` taken apart; raises Unbalanced where it isn't in the chart."""
    kind, body_id, year, *part = account.split(":")
    if kind not in CHART or len(part) > 1:
        raise Unbalanced(f"no such account: {account}")
    return AccountName(kind, body_id, int(year), part[0] if part else "")


@dataclass(frozen=True)
class Budget:
    """The accounts of one body in one year."""

    body_id: str
    year: int

    def _account(self, kind: str, part: str = "") -> str:
        return str(AccountName(kind, self.body_id, self.year, part))

    @property
    def grant(self) -> str:
        return self._account("grant")

    @property
    def limit(self) -> str:
        return self._account("limit")

    @property
    def transit(self) -> str:
        return self._account("transit")

    @property
    def paid(self) -> str:
        return self._account("paid")

    def reserved(self, agreement_id: str) -> str:
        return self._account("reserved", agreement_id)

    def obliged(self, agreement_id: str) -> str:
        return self._account("obliged", agreement_id)

    def certificate(self, certificate_id: str) -> str:
        return self._account("certificates", certificate_id)

    def accrued(self, agreement_id: str) -> str:
        return self._account("accrued", agreement_id)

    def owed(self, provider_id: str) -> str:
        return self._account("owed", provider_id)


def transfer(source: str, target: str, kopecks: int) -> Postings:
    """The entry that moves `kopecks` ≥ 0 from `source` (credited) to `target` (debited); none at all for zero."""
    if kopecks < 0:
        raise Unbalanced(f"{kopecks} kopecks can't be moved")
    if kopecks == 0:
        return ()
    return (Posting(account=target, debit_kopecks=kopecks), Posting(account=source, credit_kopecks=kopecks))


def check_balanced(postings: Iterable[Posting]) -> Postings:
    """The postings themselves when they are an entry: debits equal credits, one side a line, one budget."""
    entry = tuple(postings)
    debit, credit = sum(p.debit_kopecks for p in entry), sum(p.credit_kopecks for p in entry)
    if debit != credit:
        raise Unbalanced(f"debits {debit} and credits {credit} differ")
    if any((p.debit_kopecks == 0) == (p.credit_kopecks == 0) for p in entry):
        raise Unbalanced("a line is a debit or a credit")
    names = [parse_account(p.account) for p in entry]
    if len({(name.body_id, name.year) for name in names}) > 1:
        raise Unbalanced("an entry stays within one budget")
    if len(set(names)) != len(names):
        raise Unbalanced("an account stands in an entry once")
    return entry


def post(balances: Mapping[str, int], postings: Iterable[Posting]) -> dict[str, int]:
    """`balances` after an entry. Raises Unbalanced or BelowFloor and leaves `balances` as they are."""
    after = dict(balances)
    for line in check_balanced(postings):
        balance = after.get(line.account, 0) + line.debit_kopecks - line.credit_kopecks
        if balance < parse_account(line.account).floor_kopecks:
            raise BelowFloor(f"{line.account} would be at {balance}")
        after[line.account] = balance
    return after
