"""Money as integer kopecks: nothing here can lose one or make one.

Amounts are `int` kopecks everywhere; a float never enters and never leaves. Parsing is exact or refused, sharing
gives out exactly the total, and the only rounding has a name (`times_half_up`), because 442-FZ art. 30-32 sums are
audited to the kopeck. Every amount is bounded by 10^15 kopecks (ten trillion roubles): far above any region's
budget, far below what a JSON number or a PostgreSQL bigint holds exactly.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field

from kernel.refusal import Refusal, Refused

MAX_KOPECKS = 10**15

# Strict: a "12" or a 12.0 from outside is a wrong type, not twelve kopecks.
Kopecks = Annotated[int, Field(strict=True, ge=0, le=MAX_KOPECKS)]
PositiveKopecks = Annotated[int, Field(strict=True, gt=0, le=MAX_KOPECKS)]
SignedKopecks = Annotated[int, Field(strict=True, ge=-MAX_KOPECKS, le=MAX_KOPECKS)]

_NO_BREAK_SPACE = "\u00a0"
# Thousands are parted by one kind of space or not at all: "1 23" or "12 3456" is a typing error, not a number.
_AMOUNT = re.compile(
    r"(?P<sign>[-\u2212]?)"
    r"(?P<roubles>[0-9]{1,15}|[0-9]{1,3}(?P<space>[ \u00a0\u202f])[0-9]{3}(?:(?P=space)[0-9]{3})*)"
    r"(?:[.,](?P<kopecks>[0-9]{1,2}))?"
    r"(?:[ \u00a0\u202f]?(?:₽|руб\.?))?"
)
_MAX_TEXT = 40


NOT_AN_AMOUNT = Refusal(
    "not_an_amount",
    "«{text}» не сумма в рублях; пример: 1 234,56.",
    "“{text}” is not an amount in roubles; an example: 1234.56.",
    kind="invalid",
)
AMOUNT_TOO_LARGE = Refusal(
    "amount_too_large",
    "Сумма больше предела в 10 000 000 000 000 рублей.",
    "The amount is above the limit of 10,000,000,000,000 roubles.",
    kind="invalid",
)
NO_WEIGHTS = Refusal(
    "no_weights",
    "Доли должны быть неотрицательными, а их сумма больше нуля.",
    "Weights must not be negative and their sum must be above zero.",
    kind="invalid",
)


class MoneyError(Refused):
    """An amount that can't be read, held or shared; `refusal.code` says which."""


def check_bounded(kopecks: int) -> int:
    """`kopecks` itself when |kopecks| ≤ 10^15; otherwise `MoneyError` amount_too_large."""
    if abs(kopecks) > MAX_KOPECKS:
        raise MoneyError(AMOUNT_TOO_LARGE)
    return kopecks


def parse_kopecks(text: str) -> int:
    """Kopecks written as people write roubles: "1 234,56", "1234.56", "1234", "1 234,5 ₽", "-12.00".

    The comma and the point both part the kopecks, so "1,234.56" is refused instead of guessed at, and a third decimal
    is refused instead of rounded. Raises `MoneyError` not_an_amount or amount_too_large.
    """
    found = _AMOUNT.fullmatch(text.strip()) if len(text) <= _MAX_TEXT else None
    if found is None:
        raise MoneyError(NOT_AN_AMOUNT.having(text=text[:_MAX_TEXT]))
    roubles = int(re.sub(r"[^0-9]", "", found["roubles"]))
    kopecks = roubles * 100 + int((found["kopecks"] or "0").ljust(2, "0"))
    return check_bounded(-kopecks if found["sign"] else kopecks)


def format_kopecks(kopecks: int, lang: Literal["ru", "en"] = "ru") -> str:
    """Roubles for people: "1 234,56 ₽" with no-break spaces for `ru`, "₽1,234.56" for `en`; U+2212 is the minus."""
    sign = "\u2212" if kopecks < 0 else ""
    roubles, rest = divmod(abs(kopecks), 100)
    if lang == "en":
        return f"{sign}₽{roubles:,}.{rest:02d}"
    grouped = f"{roubles:,}".replace(",", _NO_BREAK_SPACE)
    return f"{sign}{grouped},{rest:02d}{_NO_BREAK_SPACE}₽"


def half_up(exact: Fraction) -> int:
    """The nearest integer, a half away from zero, so that a reversal rounds to exactly the opposite amount."""
    magnitude = (2 * abs(exact.numerator) + exact.denominator) // (2 * exact.denominator)
    return -magnitude if exact < 0 else magnitude


def times_half_up(kopecks: int, factor: Fraction | int) -> int:
    """`kopecks` × `factor` computed exactly and rounded once, half up; bounded like every amount."""
    return check_bounded(half_up(kopecks * Fraction(factor)))


def share(total: int, weights: Sequence[int | Fraction]) -> list[int]:
    """Split `total` kopecks in proportion to `weights` (each ≥ 0, sum > 0) by the largest remainder.

    The parts add up to `total` and each differs from its exact value by less than a kopeck. Equal remainders go to
    the earlier weight, so the same input always gives the same parts. Raises `MoneyError` no_weights.
    """
    if total < 0:
        return [-part for part in share(-total, weights)]
    whole = sum(weights, Fraction(0))
    if whole <= 0 or any(weight < 0 for weight in weights):
        raise MoneyError(NO_WEIGHTS)
    exact = [total * Fraction(weight) / whole for weight in weights]
    parts = [int(value) for value in exact]
    by_remainder = sorted(range(len(parts)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_remainder[: total - sum(parts)]:
        parts[index] += 1
    return parts
