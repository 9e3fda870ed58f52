"""Scores of bids: the same inputs give the same ranking, exactly, for anyone who computes it again.

Pure functions over exact fractions; nothing is rounded before a tie is looked for. `rank` takes and gives plain JSON
(integers and strings), so an event carries inputs and result, and a replay calls `rank` again and compares. The
formulas themselves are in `formulas.py`. Source of the rules: DOMAIN §2 (189-FZ competition).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from kernel.refusal import Refusal
from services.orders.domain.formulas import (
    FORMULAS,
    MAX_NUMBER,
    Criterion,
    ScoringError,
    as_shown,
    as_text,
    check_apart,
    check_count,
    exact,
    formulas_hash,
    hash_of,
    malformed,
    parse_criteria,
)

__all__ = [
    "FORMULAS",
    "Allocation",
    "Criterion",
    "Offer",
    "Ranking",
    "ScoringError",
    "Standing",
    "abnormally_low",
    "allocate",
    "exact",
    "formulas_hash",
    "needs_second_look",
    "parse_criteria",
    "parse_offers",
    "rank",
    "score",
]

MAX_OFFERS = 2_500

VALUES_UNLIKE_CRITERIA = Refusal(
    "values_unlike_criteria",
    "Показатели заявки не совпадают с критериями: {differing}.",
    "The values of an offer do not match the criteria: {differing}.",
    kind="invalid",
)

Json = Mapping[str, Any]


# ------------------------------------------------------------------------------------------------------------ offers


@dataclass(frozen=True)
class Offer:
    """An admitted bid: its id, the sequence of its standing version in the log, one number per criterion."""

    offer: str
    sequence: int
    numbers: Mapping[str, Fraction]


def parse_offers(criteria: Sequence[Criterion], rows: object) -> list[Offer]:
    """Offers from JSON [{offer: id, sequence: n, values: {criterion key: number, or list of experts' scores}}]."""
    if not isinstance(rows, list | tuple) or not rows:
        raise malformed("offers: [{offer, sequence, values}, …]")
    check_count(len(rows), MAX_OFFERS)
    offers = [_offer(criteria, row) for row in rows]
    check_apart([offer.offer for offer in offers])
    check_apart([offer.sequence for offer in offers])
    return offers


def _offer(criteria: Sequence[Criterion], row: object) -> Offer:
    if not isinstance(row, Mapping) or not {"offer", "sequence", "values"} <= set(row):
        raise malformed("offer: {offer, sequence, values}")
    offer, values = row["offer"], row["values"]
    if not isinstance(offer, str) or not isinstance(values, Mapping):
        raise malformed("offer: text, values: {…}")
    wanted = {criterion.key for criterion in criteria}
    if set(values) != wanted:
        differing = ", ".join(sorted(str(key)[:40] for key in set(values) ^ wanted)[:20])
        raise ScoringError(VALUES_UNLIKE_CRITERIA.having(differing=differing))
    numbers = {criterion.key: criterion.formula.read(values[criterion.key]) for criterion in criteria}
    return Offer(offer, _whole(row["sequence"]), numbers)


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_NUMBER:
        raise malformed("volumes and sequences: whole numbers from 0")
    return value


# ----------------------------------------------------------------------------------------------------------- ranking


MAX_NAMED = 250
"""Offers on one total that all name each other in `level_with`."""


@dataclass(frozen=True)
class Standing:
    """An offer's place: exact points per criterion (0..100, unweighted), exact total, whom it is level with."""

    offer: str
    place: int
    points: Mapping[str, Fraction]
    total: Fraction
    level_with: tuple[str, ...]


@dataclass(frozen=True)
class Ranking:
    """All admitted offers from the first place down."""

    standings: tuple[Standing, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Each figure twice: `exact` "n/d" for machines, `shown` half up to two places for people."""
        return [
            {
                "offer": standing.offer,
                "place": standing.place,
                "total": _figure(standing.total),
                "points": {key: _figure(value) for key, value in standing.points.items()},
                "level_with": list(standing.level_with),
            }
            for standing in self.standings
        ]


def _figure(value: Fraction) -> dict[str, str]:
    return {"exact": as_text(value), "shown": as_shown(value)}


def score(criteria: Sequence[Criterion], offers: Sequence[Offer]) -> Ranking:
    """S = Σ wₖ·sₖ for every offer, highest first.

    DOMAIN §2: a tie is found on the exact totals and goes to the standing version that is earlier in the log; a
    replaced bid counts from its own time, which is why `sequence` is that of the standing version.
    """
    points: dict[str, dict[str, Fraction]] = {offer.offer: {} for offer in offers}
    for criterion in criteria:
        column = criterion.formula.points([offer.numbers[criterion.key] for offer in offers], criterion.parameters)
        for offer, value in zip(offers, column, strict=True):
            points[offer.offer][criterion.key] = value
    totals = {name: _total(criteria, row) for name, row in points.items()}
    order = sorted(offers, key=lambda offer: (-totals[offer.offer], offer.sequence))
    level: dict[Fraction, list[str]] = {}
    for offer in order:
        level.setdefault(totals[offer.offer], []).append(offer.offer)
    # Thousands at one price would name each other millions of times: of such a group its first two stand for it.
    named = {total: group if len(group) <= MAX_NAMED else group[:2] for total, group in level.items()}
    return Ranking(
        tuple(
            Standing(
                offer=offer.offer,
                place=place,
                points=points[offer.offer],
                total=totals[offer.offer],
                level_with=tuple(other for other in named[totals[offer.offer]] if other != offer.offer),
            )
            for place, offer in enumerate(order, start=1)
        )
    )


def _total(criteria: Sequence[Criterion], points: Mapping[str, Fraction]) -> Fraction:
    return sum((criterion.weight * points[criterion.key] / 100 for criterion in criteria), Fraction(0))


# -------------------------------------------------------------------------------------------- volume, flags, spread


@dataclass(frozen=True)
class Allocation:
    """Volume given out in the order of the ranking, and what nobody could take."""

    awards: tuple[tuple[str, int], ...]
    unallocated: int


def allocate(volume: int, ranked: Sequence[tuple[str, int, int]]) -> Allocation:
    """Give `volume` units down the ranking until they are exhausted.

    `ranked` holds (offer, offered volume, free capacity) from the first place down, all in the lot's unit. Each
    takes at most what it offered and has free capacity for; who gets nothing is not among the awards.
    """
    left = volume
    awards: list[tuple[str, int]] = []
    for offer, offered, free in ranked:
        taken = max(0, min(left, offered, free))
        if taken:
            awards.append((offer, taken))
        left -= taken
    return Allocation(tuple(awards), left)


def abnormally_low(
    prices: Mapping[str, Fraction], below_mean_percent: Fraction, below_next_percent: Fraction
) -> dict[str, list[str]]:
    """Offers whose price asks for a justification, with the reasons `below_mean`, `below_next`.

    `below_mean`: at least that many per cent below the mean of the others; `below_next`: at least that many below
    the next price among the others that is not lower. A flag rejects nothing (DOMAIN §2); it asks. One offer alone
    has nobody to be compared with and is never flagged.
    """
    flags: dict[str, list[str]] = {}
    if len(prices) < 2:
        return flags
    whole = sum(prices.values(), Fraction(0))
    rising = sorted(prices.values())
    for offer, price in prices.items():
        reasons: list[str] = []
        mean_of_others = (whole - price) / (len(prices) - 1)
        if price * 100 <= mean_of_others * (100 - below_mean_percent):
            reasons.append("below_mean")
        # One step past the leftmost equal price: an equal offer of somebody else is the next one.
        following = bisect_left(rising, price) + 1
        if following < len(rising) and price * 100 <= rising[following] * (100 - below_next_percent):
            reasons.append("below_next")
        if reasons:
            flags[offer] = reasons
    return flags


def needs_second_look(scores: Sequence[int | str], limit: int | str) -> bool:
    """Do the experts' scores of one criterion lie further apart than the region's `limit` (in points)?"""
    numbers = [exact(value) for value in scores]
    return bool(numbers) and max(numbers) - min(numbers) > exact(limit)


# ---------------------------------------------------------------------------------------------- what an event carries

_NEEDED = {"criteria", "offers"}
_OPTIONS = {"volume", "abnormally_low"}


def rank(inputs: Json) -> dict[str, Any]:
    """The whole computed part of an evaluation as one pure function from JSON to JSON; a replay calls it again.

    `inputs`: `criteria` [{key, formula, weight in per cent, parameters?}], `offers` [{offer, sequence, values}], and
    as options
      `volume`: units of the lot; each offer then also has `volume` and `free_capacity`,
      `abnormally_low`: {criterion, below_mean_percent, below_next_percent}, the region's limits for its price.
    Result: `formulas_hash`, `ranking` (see `Ranking.to_json`) and, by option, `allocation` {awards [{offer,
    volume}], unallocated} and `abnormally_low` {offer: reasons}. Raises `ScoringError` for malformed inputs.
    """
    if not isinstance(inputs, Mapping) or not _NEEDED <= set(inputs) <= _NEEDED | _OPTIONS:
        raise malformed("inputs: {criteria, offers, volume?, abnormally_low?}")
    criteria = parse_criteria(inputs["criteria"])
    offers = parse_offers(criteria, inputs["offers"])
    _check_fields(inputs)
    ranking = score(criteria, offers)
    result: dict[str, Any] = {"formulas_hash": hash_of(criteria), "ranking": ranking.to_json()}
    if "volume" in inputs:
        result["allocation"] = _allocation(inputs, ranking)
    if "abnormally_low" in inputs:
        result["abnormally_low"] = _flags(inputs["abnormally_low"], criteria, offers)
    return result


def _check_fields(inputs: Json) -> None:
    """Strict in both directions: a volume that nobody asked for would look used and be ignored."""
    wanted = {"offer", "sequence", "values"} | ({"volume", "free_capacity"} if "volume" in inputs else set())
    if any(set(row) != wanted for row in inputs["offers"]):
        raise malformed(f"offer: {{{', '.join(sorted(wanted))}}}")


def _allocation(inputs: Json, ranking: Ranking) -> dict[str, Any]:
    rows = {row["offer"]: (_whole(row["volume"]), _whole(row["free_capacity"])) for row in inputs["offers"]}
    ranked = [(standing.offer, *rows[standing.offer]) for standing in ranking.standings]
    given = allocate(_whole(inputs["volume"]), ranked)
    awards = [{"offer": offer, "volume": volume} for offer, volume in given.awards]
    return {"awards": awards, "unallocated": given.unallocated}


def _flags(option: object, criteria: Sequence[Criterion], offers: Sequence[Offer]) -> dict[str, list[str]]:
    wanted = {"criterion", "below_mean_percent", "below_next_percent"}
    if not isinstance(option, Mapping) or set(option) != wanted:
        raise malformed("abnormally_low: {criterion, below_mean_percent, below_next_percent}")
    key = option["criterion"]
    if key not in {criterion.key for criterion in criteria}:
        raise malformed("abnormally_low.criterion: a key of the criteria")
    prices = {offer.offer: offer.numbers[key] for offer in offers}
    return abnormally_low(prices, exact(option["below_mean_percent"]), exact(option["below_next_percent"]))
