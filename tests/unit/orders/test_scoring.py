"""Scoring: worked examples with their rule, and what must hold for any inputs."""

from __future__ import annotations

import copy
import json
from fractions import Fraction
from typing import Any

import pytest
import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from services.orders.domain.formulas import FORMULAS, as_shown, as_text, exact
from services.orders.domain.scoring import (
    Allocation,
    ScoringError,
    abnormally_low,
    allocate,
    formulas_hash,
    needs_second_look,
    rank,
)

STEPS = {"steps": [{"from": 0, "points": 0}, {"from": 3, "points": 50}, {"from": 5, "points": 100}]}
PRICE_AND_QUALITY = [
    {"key": "price", "formula": "lowest_price", "weight": 40},
    {"key": "quality", "formula": "expert_mean", "weight": 60},
]


def offer(name: str, sequence: int, **values: Any) -> dict[str, Any]:
    return {"offer": name, "sequence": sequence, "values": values}


def refused(inputs: Any) -> str:
    with pytest.raises(ScoringError) as error:
        rank(inputs)
    return error.value.refusal.code


def points(formula: str, values: list[Any], parameters: dict[str, Any] | None = None) -> list[Fraction]:
    named = FORMULAS[formula]
    return named.points([named.read(value) for value in values], parameters or {})


# ------------------------------------------------------------------------------------------ worked examples (DOMAIN §2)


def test_lowest_price_is_pmin_by_p() -> None:
    assert points("lowest_price", [80, 100, 160]) == [100, 80, 50]


def test_price_gap_loses_a_point_per_cent_and_stops_at_zero() -> None:
    # Decree 2604 of 30.12.2021: 100 − (P − Pmin)/Pmin·100; at twice the lowest price nothing is left.
    assert points("price_gap", [100, 125, 200, 500]) == [100, 75, 0, 0]


def test_linear_runs_from_the_worst_to_the_best() -> None:
    assert points("linear", [2, 5, 12]) == [0, 30, 100]
    assert points("linear", ["7.5", "15/2"]) == [100, 100]  # Kmax = Kmin gives all 100


def test_scale_takes_the_last_step_reached() -> None:
    assert points("scale", [0, "2.99", 3, 5, 40], STEPS) == [0, 0, 50, 100, 100]


def test_expert_mean_is_exact() -> None:
    assert points("expert_mean", [[80, 90, 90], ["70.5"]]) == [Fraction(260, 3), Fraction(141, 2)]


def test_the_total_is_weighted_and_shown_half_up() -> None:
    result = rank(
        {
            "criteria": PRICE_AND_QUALITY,
            "offers": [offer("A", 7, price=300, quality=[80, 90, 90]), offer("B", 9, price=200, quality=[75])],
        }
    )
    # A: 0.4·(200/300·100) + 0.6·(260/3) = 236/3; B: 0.4·100 + 0.6·75 = 85.
    assert [(row["offer"], row["place"], row["total"]) for row in result["ranking"]] == [
        ("B", 1, {"exact": "85/1", "shown": "85.00"}),
        ("A", 2, {"exact": "236/3", "shown": "78.67"}),
    ]
    assert result["ranking"][1]["points"]["price"] == {"exact": "200/3", "shown": "66.67"}
    assert as_shown(Fraction("0.005")) == "0.01"
    assert as_text(Fraction(100)) == "100/1"


def test_a_tie_goes_to_the_version_earlier_in_the_log() -> None:
    offers = [offer("late", 20, price=100), offer("early", 10, price=100), offer("dear", 1, price=101)]
    ranking = rank({"criteria": [{"key": "price", "formula": "price_gap", "weight": 100}], "offers": offers})["ranking"]
    assert [row["offer"] for row in ranking] == ["early", "late", "dear"]
    assert [row["level_with"] for row in ranking] == [["late"], ["early"], []]


def test_equal_figures_are_no_tie_when_the_fractions_differ() -> None:
    offers = [offer("first", 1, price=10_000_001), offer("second", 2, price=10_000_000)]
    ranking = rank({"criteria": [{"key": "price", "formula": "lowest_price", "weight": 100}], "offers": offers})[
        "ranking"
    ]
    assert [row["total"]["shown"] for row in ranking] == ["100.00", "100.00"]
    assert [(row["offer"], row["level_with"]) for row in ranking] == [("second", []), ("first", [])]


def test_volume_goes_down_the_ranking_until_it_is_exhausted() -> None:
    assert allocate(100, [("A", 60, 50), ("B", 30, 0), ("C", 40, 40), ("D", 99, 99)]) == Allocation(
        (("A", 50), ("C", 40), ("D", 10)), 0
    )
    assert allocate(10, [("A", 3, 9)]) == Allocation((("A", 3),), 7)


def test_abnormally_low_by_the_mean_of_the_others_and_by_the_next() -> None:
    def flags(*prices: int) -> dict[str, list[str]]:
        named = {f"{letter}{price}": Fraction(price) for letter, price in zip("ABC", prices, strict=False)}
        return abnormally_low(named, Fraction(40), Fraction(30))

    assert flags(60, 99, 101) == {"A60": ["below_mean", "below_next"]}  # exactly 40 % below a mean of 100
    assert flags(61, 86, 114) == {}  # 39 % and 29.07 %
    assert flags(100, 70) == {"B70": ["below_next"]}  # exactly 30 % below the next
    assert flags(71, 100) == {}
    assert flags(70, 70, 100) == {}  # two equal offers speak for each other
    assert flags(5) == {}


def test_an_event_carries_it_all() -> None:
    inputs = {
        "criteria": [
            {"key": "price", "formula": "lowest_price", "weight": "60"},
            {"key": "years", "formula": "scale", "weight": "40.0", "parameters": STEPS},
        ],
        "offers": [
            offer("A", 3, price=50, years=3) | {"volume": 8, "free_capacity": 6},
            offer("B", 4, price=100, years=6) | {"volume": 9, "free_capacity": 9},
        ],
        "volume": 10,
        "abnormally_low": {"criterion": "price", "below_mean_percent": 40, "below_next_percent": 30},
    }
    before = copy.deepcopy(inputs)
    result = rank(inputs)
    assert inputs == before
    assert result["allocation"] == {
        "awards": [{"offer": "A", "volume": 6}, {"offer": "B", "volume": 4}],
        "unallocated": 0,
    }
    assert result["abnormally_low"] == {"A": ["below_mean", "below_next"]}
    assert json.loads(json.dumps(result)) == result == rank(json.loads(json.dumps(inputs)))


def test_a_spread_above_the_limit_asks_for_a_second_look() -> None:
    assert not needs_second_look([60, 90], 30)
    assert needs_second_look(["59.9", 90], 30)
    assert not needs_second_look([], 30)


# ---------------------------------------------------------------------------------------------------------- freezing


def test_the_hash_is_pinned() -> None:
    """An announcement published once keeps its hash for ever: this value must never change."""
    assert formulas_hash(PRICE_AND_QUALITY) == "53f0fb73ac12ef2d9e30bcd099bf372fbdb4e69d750aecd8f1b891a5cbb020ff"


def test_the_hash_freezes_names_weights_and_parameters_and_nothing_else() -> None:
    criteria: list[dict[str, Any]] = [
        {"key": "price", "formula": "lowest_price", "weight": 40},
        {"key": "years", "formula": "scale", "weight": 60, "parameters": STEPS},
    ]
    base = formulas_hash(criteria)
    same = copy.deepcopy(criteria[::-1])
    same[1]["weight"] = "40.00"
    assert formulas_hash(same) == base
    others = [copy.deepcopy(criteria) for _ in range(4)]
    others[0][0]["formula"] = "price_gap"
    others[1][0]["weight"], others[1][1]["weight"] = 41, 59
    others[2][1]["parameters"]["steps"][1]["points"] = 51
    others[3][0]["key"] = "cost"
    assert len({base, *map(formulas_hash, others)}) == 5


# ---------------------------------------------------------------------------------------------------------- refusals

GOOD = {"criteria": PRICE_AND_QUALITY, "offers": [offer("A", 1, price=100, quality=[50])]}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"criteria": []}, "scoring_bad_shape"),
        ({"criteria": "price"}, "scoring_bad_shape"),
        ({"surprise": 1}, "scoring_bad_shape"),
        ({"criteria": PRICE_AND_QUALITY[:1]}, "weights_not_100"),
        (
            {"criteria": [{**PRICE_AND_QUALITY[0], "weight": 100}, {**PRICE_AND_QUALITY[1], "weight": 0}]},
            "weights_not_100",
        ),
        ({"criteria": [{**PRICE_AND_QUALITY[0], "weight": 40.0}, PRICE_AND_QUALITY[1]]}, "scoring_bad_number"),
        ({"criteria": [{**PRICE_AND_QUALITY[0], "weight": 50}] * 2}, "scoring_repeated"),
        ({"criteria": [{"key": "x", "formula": "magic", "weight": 100}]}, "unknown_formula"),
        ({"criteria": [{"key": "Ц", "formula": "linear", "weight": 100}]}, "scoring_bad_shape"),
        (
            {"criteria": [{"key": "x", "formula": "linear", "weight": 100, "parameters": STEPS}]},
            "bad_formula_parameters",
        ),
        ({"criteria": [{"key": "x", "formula": "scale", "weight": 100}]}, "bad_formula_parameters"),
        (
            {"criteria": [{"key": f"k{n}", "formula": "linear", "weight": "100/21"} for n in range(21)]},
            "scoring_too_many",
        ),
        ({"offers": []}, "scoring_bad_shape"),
        ({"offers": [offer("A", 1, price=0, quality=[50])]}, "price_not_positive"),
        ({"offers": [offer("A", 1, price=-1, quality=[50])]}, "scoring_bad_number"),
        ({"offers": [offer("A", 1, price=10**15 + 1, quality=[50])]}, "scoring_bad_number"),
        ({"offers": [offer("A", 1, price="1/0", quality=[50])]}, "scoring_bad_number"),
        ({"offers": [offer("A", 1, price=True, quality=[50])]}, "scoring_bad_number"),
        ({"offers": [offer("A", 1, price=1, quality=[101])]}, "score_above_100"),
        ({"offers": [offer("A", 1, price=1, quality=[])]}, "scoring_bad_shape"),
        ({"offers": [offer("A", 1, price=1)]}, "values_unlike_criteria"),
        ({"offers": [offer("A", True, price=1, quality=[1])]}, "scoring_bad_shape"),
        ({"offers": [offer("A", n, price=1, quality=[1]) for n in (1, 2)]}, "scoring_repeated"),
        ({"offers": [offer(n, 1, price=1, quality=[1]) for n in "AB"]}, "scoring_repeated"),
        ({"offers": [offer(str(n), n, price=1, quality=[1]) for n in range(2501)]}, "scoring_too_many"),
        ({"volume": 5}, "scoring_bad_shape"),
        ({"offers": [offer("A", 1, price=1, quality=[1]) | {"volume": 1}]}, "scoring_bad_shape"),
        (
            {"abnormally_low": {"criterion": "none", "below_mean_percent": 40, "below_next_percent": 30}},
            "scoring_bad_shape",
        ),
    ],
)
def test_wrong_inputs_have_a_code(change: dict[str, Any], code: str) -> None:
    rank(GOOD)
    assert refused({**GOOD, **change}) == code


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [{"from": 1, "points": 0}],
        [{"from": 0, "points": 0}, {"from": 0, "points": 1}],
        [{"from": 0, "points": 101}],
        [{"from": 0}],
    ],
)
def test_a_table_with_a_hole_is_refused(steps: list[Any]) -> None:
    criteria = [{"key": "x", "formula": "scale", "weight": 100, "parameters": {"steps": steps}}]
    assert refused({"criteria": criteria, "offers": [offer("A", 1, x=0)]}) == "bad_formula_parameters"


# -------------------------------------------------------------------------------------------------------- properties


@st.composite
def evaluations(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(sorted(FORMULAS)), min_size=1, max_size=4))
    cuts = sorted(draw(st.sets(st.integers(1, 99), min_size=len(names) - 1, max_size=len(names) - 1)))
    weights = [after - before for before, after in zip([0, *cuts], [*cuts, 100], strict=True)]
    criteria = [
        {"key": f"k{n}", "formula": name, "weight": weight} | ({"parameters": STEPS} if name == "scale" else {})
        for n, (name, weight) in enumerate(zip(names, weights, strict=True))
    ]
    count = draw(st.integers(1, 6))
    sequences = draw(st.lists(st.integers(0, 1000), min_size=count, max_size=count, unique=True))
    number = st.integers(1, 30)  # few values, so that ties happen
    values = {
        f"k{n}": st.lists(st.integers(0, 100), min_size=1, max_size=3) if name == "expert_mean" else number
        for n, name in enumerate(names)
    }
    offers = [
        offer(f"o{n}", sequence, **draw(st.fixed_dictionaries(values))) | {"volume": draw(number), "free_capacity": 9}
        for n, sequence in enumerate(sequences)
    ]
    low = {"criterion": "k0", "below_mean_percent": 40, "below_next_percent": 30}
    return {"criteria": criteria, "offers": offers, "volume": draw(st.integers(0, 60)), "abnormally_low": low}


@settings(max_examples=60, deadline=None)
@given(evaluations(), st.randoms(use_true_random=False))
def test_any_ranking_is_exact_ordered_and_independent_of_the_input_order(inputs: dict[str, Any], random: Any) -> None:
    result = rank(inputs)
    rfc8785.dumps(result)  # what an event carries has a canonical form: no float anywhere
    sequence = {row["offer"]: row["sequence"] for row in inputs["offers"]}
    keys = [(-exact(row["total"]["exact"]), sequence[row["offer"]]) for row in result["ranking"]]
    assert keys == sorted(keys)
    assert sorted(sequence) == sorted(row["offer"] for row in result["ranking"])
    for row in result["ranking"]:
        scores = {key: exact(figure["exact"]) for key, figure in row["points"].items()}
        assert all(0 <= value <= 100 for value in scores.values())
        total = sum(Fraction(c["weight"], 100) * scores[c["key"]] for c in inputs["criteria"])
        assert exact(row["total"]["exact"]) == total
        assert abs(Fraction(row["total"]["shown"]) - total) <= Fraction(1, 200)
    shuffled = copy.deepcopy(inputs)
    random.shuffle(shuffled["offers"])
    random.shuffle(shuffled["criteria"])
    assert rank(shuffled) == result


@settings(max_examples=60, deadline=None)
@given(evaluations())
def test_no_volume_is_made_lost_or_given_above_an_offer(inputs: dict[str, Any]) -> None:
    allocation = rank(inputs)["allocation"]
    given_out = {row["offer"]: row["volume"] for row in allocation["awards"]}
    assert sum(given_out.values()) + allocation["unallocated"] == inputs["volume"]
    limits = {row["offer"]: min(row["volume"], row["free_capacity"]) for row in inputs["offers"]}
    assert all(0 < volume <= limits[name] for name, volume in given_out.items())
    if allocation["unallocated"]:
        assert given_out == limits
