"""The named scoring formulas of an announcement, and the criteria that choose them.

Guarantees: every number is an exact fraction from an int or a string, never a float; every formula gives each offer
0..100 points; a formula once published under a name never changes (a changed one takes a new name), so an old
announcement is scored by its own rules for ever; `formulas_hash` freezes names, weights and parameters.

Source: 189-FZ of 13.07.2020 leaves criteria and weights to the announcement. The formulas are those of public
practice (price gap and linear quality as in Government Decree 2604 of 30.12.2021), named in DOMAIN §2. Which of
them a region allows is its configuration.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from kernel import canonical
from kernel.money import half_up
from kernel.refusal import Refusal, Refused

# Limits on everything that comes from outside: a ranking is computed inside a transaction.
MAX_CRITERIA = 20
MAX_EXPERTS = 50
MAX_STEPS = 50
MAX_NUMBER = 10**15
MAX_DENOMINATOR = 10**9

_HUNDRED = Fraction(100)
_NUMBER = re.compile(r"(?P<whole>[0-9]{1,16})(?:\.[0-9]{1,6}|/(?P<denominator>[0-9]{1,10}))?")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")

BAD_SHAPE = Refusal(
    "scoring_bad_shape",
    "Данные для расчёта баллов записаны неверно: {expected}.",
    "The scoring input is malformed: {expected}.",
    kind="invalid",
)
BAD_NUMBER = Refusal(
    "scoring_bad_number",
    "«{value}» не точное неотрицательное число (целое, «12.5» или «25/2»).",
    "“{value}” is not an exact non-negative number (an integer, “12.5” or “25/2”).",
    kind="invalid",
)
UNKNOWN_FORMULA = Refusal(
    "unknown_formula",
    "Формулы «{name}» нет; есть: {known}.",
    "There is no formula “{name}”; there are: {known}.",
    "DOMAIN §2",
    kind="invalid",
)
BAD_PARAMETERS = Refusal(
    "bad_formula_parameters",
    "Параметры формулы «{formula}» неверны: {expected}.",
    "The parameters of formula “{formula}” are wrong: {expected}.",
    kind="invalid",
)
WEIGHTS_NOT_100 = Refusal(
    "weights_not_100",
    "Вес каждого критерия больше нуля, а сумма весов ровно 100 %; сейчас {sum}.",
    "Every weight is above zero and the weights add up to exactly 100 per cent; now {sum}.",
    "DOMAIN §2: Σ wₖ = 100 %",
    kind="invalid",
)
REPEATED = Refusal(
    "scoring_repeated",
    "«{name}» повторяется: ключи критериев, заявки и номера записей различны.",
    "“{name}” occurs twice: criterion keys, offers and sequences differ from one another.",
    kind="invalid",
)
TOO_MANY = Refusal("scoring_too_many", "Больше {limit} строк.", "More than {limit} rows.", kind="invalid")
PRICE_NOT_POSITIVE = Refusal(
    "price_not_positive",
    "Цена должна быть больше нуля: формула делит на неё.",
    "A price must be above zero: the formula divides by it.",
    kind="invalid",
)
SCORE_ABOVE_100 = Refusal(
    "score_above_100",
    "Оценка эксперта не может быть больше 100.",
    "An expert's score is at most 100.",
    kind="invalid",
)


class ScoringError(Refused):
    """Inputs that no score can be computed from; `refusal.code` is one of the codes above."""


def malformed(expected: str) -> ScoringError:
    """The error for JSON of the wrong shape, with what was expected."""
    return ScoringError(BAD_SHAPE.having(expected=expected))


# ---------------------------------------------------------------------------------------------------- exact numbers


def exact(value: object) -> Fraction:
    """A non-negative number ≤ 10^15 given as an int or as "12", "12.5", "25/2"; floats are refused as inexact."""
    found: Fraction | None = None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        found = Fraction(value)
    elif isinstance(value, str) and (parts := _NUMBER.fullmatch(value)):
        denominator = parts["denominator"]
        if denominator is None or 0 < int(denominator) <= MAX_DENOMINATOR:
            found = Fraction(value)
    if found is None or found > MAX_NUMBER:
        raise ScoringError(BAD_NUMBER.having(value=str(value)[:40]))
    return found


def as_text(value: Fraction) -> str:
    """The exact fraction as "n/d" in lowest terms; a whole number too ("100/1"), so that readers parse one form."""
    return f"{value.numerator}/{value.denominator}"


def as_shown(value: Fraction) -> str:
    """The figure people see: half up to two places. Never an input of anything."""
    whole, rest = divmod(half_up(value * 100), 100)
    return f"{whole}.{rest:02d}"


# --------------------------------------------------------------------------------------------------------- formulas

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Formula:
    """A named formula: `read` turns what a bid carries into one number, `points` gives 0..100 to each offer."""

    name: str
    text: str
    read: Callable[[object], Fraction]
    points: Callable[[Sequence[Fraction], Parameters], list[Fraction]]
    check_parameters: Callable[[str, Parameters], None]


def _price(value: object) -> Fraction:
    price = exact(value)
    if price == 0:
        raise ScoringError(PRICE_NOT_POSITIVE)
    return price


def _mean_of_experts(value: object) -> Fraction:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_EXPERTS:
        raise malformed(f"1..{MAX_EXPERTS} expert scores")
    scores = [exact(score) for score in value]
    if max(scores) > _HUNDRED:
        raise ScoringError(SCORE_ABOVE_100)
    return sum(scores, Fraction(0)) / len(scores)


def _no_parameters(name: str, parameters: Parameters) -> None:
    if parameters:
        raise ScoringError(BAD_PARAMETERS.having(formula=name, expected="{}"))


def _lowest_price(values: Sequence[Fraction], _: Parameters) -> list[Fraction]:
    best = min(values)
    return [best / value * 100 for value in values]


def _price_gap(values: Sequence[Fraction], _: Parameters) -> list[Fraction]:
    best = min(values)
    return [max(Fraction(0), 100 - (value - best) / best * 100) for value in values]


def _linear(values: Sequence[Fraction], _: Parameters) -> list[Fraction]:
    low, high = min(values), max(values)
    if low == high:
        # DOMAIN §2: Kmax = Kmin gives all 100, for nobody is better than another.
        return [_HUNDRED for _ in values]
    return [(value - low) / (high - low) * 100 for value in values]


def _scale(values: Sequence[Fraction], parameters: Parameters) -> list[Fraction]:
    steps = _steps(parameters)
    return [[points for start, points in steps if start <= value][-1] for value in values]


def _steps(parameters: Parameters) -> list[tuple[Fraction, Fraction]]:
    return [(exact(row["from"]), exact(row["points"])) for row in parameters["steps"]]


def _check_steps(name: str, parameters: Parameters) -> None:
    """The table: {"steps": [{"from": 0, "points": 0}, {"from": 3, "points": 50}, …]}, `from` rising from 0."""
    wrong = ScoringError(
        BAD_PARAMETERS.having(formula=name, expected="steps: [{from, points}], from = 0 < …, points 0..100")
    )
    rows = parameters.get("steps")
    if set(parameters) != {"steps"} or not isinstance(rows, list) or not 1 <= len(rows) <= MAX_STEPS:
        raise wrong
    if any(not isinstance(row, Mapping) or set(row) != {"from", "points"} for row in rows):
        raise wrong
    steps = _steps(parameters)
    rising = all(before[0] < after[0] for before, after in pairwise(steps))
    if steps[0][0] != 0 or not rising or any(points > _HUNDRED for _, points in steps):
        raise wrong


def _as_read(values: Sequence[Fraction], _: Parameters) -> list[Fraction]:
    return list(values)


FORMULAS: Mapping[str, Formula] = {
    formula.name: formula
    for formula in (
        Formula("lowest_price", "s = Pmin / P · 100", _price, _lowest_price, _no_parameters),
        Formula("price_gap", "s = max(0, 100 − (P − Pmin) / Pmin · 100)", _price, _price_gap, _no_parameters),
        Formula("linear", "s = (K − Kmin) / (Kmax − Kmin) · 100; Kmax = Kmin: 100", exact, _linear, _no_parameters),
        Formula("scale", "s = points of the last step whose from ≤ K", exact, _scale, _check_steps),
        Formula("expert_mean", "s = mean of the experts' scores", _mean_of_experts, _as_read, _no_parameters),
    )
}


# ---------------------------------------------------------------------------------------------------------- criteria


@dataclass(frozen=True)
class Criterion:
    """One line of the announcement: `weight` in per cent, the formula by name, its parameters as announced."""

    key: str
    formula: Formula
    weight: Fraction
    parameters: Parameters


def parse_criteria(rows: object) -> list[Criterion]:
    """Criteria from JSON [{key, formula, weight in per cent, parameters?}], checked.

    1 to 20 of them, keys apart, every weight above zero, Σ weights exactly 100. Raises `ScoringError`; call it when
    an order is announced, so that no ranking fails on its criteria later.
    """
    if not isinstance(rows, list | tuple) or not rows:
        raise malformed("criteria: [{key, formula, weight, parameters?}, …]")
    check_count(len(rows), MAX_CRITERIA)
    criteria = [_criterion(row) for row in rows]
    check_apart([criterion.key for criterion in criteria])
    whole = sum((criterion.weight for criterion in criteria), Fraction(0))
    if whole != 100 or any(criterion.weight == 0 for criterion in criteria):
        raise ScoringError(WEIGHTS_NOT_100.having(sum=as_text(whole)))
    return criteria


def _criterion(row: object) -> Criterion:
    needed = {"key", "formula", "weight"}
    if not isinstance(row, Mapping) or not needed <= set(row) <= needed | {"parameters"}:
        raise malformed("criterion: {key, formula, weight, parameters?}")
    key, name, parameters = row["key"], row["formula"], row.get("parameters", {})
    if not isinstance(key, str) or not _KEY.fullmatch(key) or not isinstance(parameters, Mapping):
        raise malformed("key: [a-z][a-z0-9_]*, parameters: {…}")
    formula = FORMULAS.get(name) if isinstance(name, str) else None
    if formula is None:
        raise ScoringError(UNKNOWN_FORMULA.having(name=str(name)[:40], known=", ".join(FORMULAS)))
    formula.check_parameters(formula.name, parameters)
    return Criterion(key, formula, exact(row["weight"]), parameters)


def formulas_hash(criteria: object) -> str:
    """SHA-256 (hex) of names, weights and parameters of `criteria` (JSON) in canonical form: what is frozen.

    The order of the criteria and the spelling of a number ("30", 30, "30.0") change no score and not the hash.
    """
    return hash_of(parse_criteria(criteria))


def hash_of(criteria: Sequence[Criterion]) -> str:
    """`formulas_hash` of criteria that are already parsed."""
    frozen = [
        {"formula": c.formula.name, "key": c.key, "parameters": _frozen(c.parameters), "weight": as_text(c.weight)}
        for c in sorted(criteria, key=lambda criterion: criterion.key)
    ]
    return hashlib.sha256(canonical.dumps(frozen)).hexdigest()


def _frozen(parameters: Parameters) -> dict[str, Any]:
    if not parameters:
        return {}
    return {"steps": [{"from": as_text(start), "points": as_text(points)} for start, points in _steps(parameters)]}


def check_apart(names: Sequence[object]) -> None:
    """Refuse a name that occurs twice."""
    seen: set[object] = set()
    for name in names:
        if name in seen:
            raise ScoringError(REPEATED.having(name=str(name)[:40]))
        seen.add(name)


def check_count(count: int, limit: int) -> None:
    """Refuse more rows than `limit`."""
    if count > limit:
        raise ScoringError(TOO_MANY.having(limit=limit))
