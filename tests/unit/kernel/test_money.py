"""Money: exact in, exact out, nothing lost in sharing."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from kernel.money import (
    MAX_KOPECKS,
    Kopecks,
    MoneyError,
    PositiveKopecks,
    SignedKopecks,
    format_kopecks,
    half_up,
    parse_kopecks,
    share,
    times_half_up,
)


@pytest.mark.parametrize(
    ("text", "kopecks"),
    [
        ("1 234,56", 123_456),
        ("1234.56", 123_456),
        ("1\u00a0234\u00a0567,8 ₽", 123_456_780),
        ("0,01", 1),
        (" 12 ", 1_200),
        ("-7.05", -705),
        ("\u22127,05 руб.", -705),
        ("10000000000000", MAX_KOPECKS),
    ],
)
def test_amounts_as_people_write_them(text: str, kopecks: int) -> None:
    assert parse_kopecks(text) == kopecks


@pytest.mark.parametrize(
    "text",
    ["", "1,234.56", "1.234", "12,345", "1 23", "12 3456", "1 234\u00a0567", "1e5", "NaN", "٣", "--1", "1,", "9" * 41],
)
def test_what_is_not_surely_an_amount_is_refused(text: str) -> None:
    with pytest.raises(MoneyError) as refused:
        parse_kopecks(text)
    assert refused.value.refusal.code == "not_an_amount"


def test_a_huge_amount_is_refused_by_its_own_code() -> None:
    with pytest.raises(MoneyError) as refused:
        parse_kopecks("10000000000000,01")
    assert refused.value.refusal.code == "amount_too_large"
    with pytest.raises(MoneyError):
        times_half_up(MAX_KOPECKS, Fraction(11, 10))


@given(st.integers(-MAX_KOPECKS, MAX_KOPECKS))
def test_a_shown_amount_reads_back(kopecks: int) -> None:
    assert parse_kopecks(format_kopecks(kopecks, "ru")) == kopecks


def test_both_languages() -> None:
    assert format_kopecks(123_456_789, "ru") == "1\u00a0234\u00a0567,89\u00a0₽"
    assert format_kopecks(-123_405, "en") == "\u2212₽1,234.05"


@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.fractions(min_value=0, max_value=1000), min_size=1, max_size=12).filter(any),
)
def test_shares_add_up_and_are_fair(total: int, weights: list[Fraction]) -> None:
    parts = share(total, weights)
    assert sum(parts) == total
    whole = sum(weights, Fraction(0))
    assert all(abs(part - total * weight / whole) < 1 for part, weight in zip(parts, weights, strict=True))


def test_equal_remainders_go_to_the_earlier() -> None:
    assert share(100, [1, 1, 1]) == [34, 33, 33]
    assert share(-100, [1, 1, 1]) == [-34, -33, -33]
    assert share(5, [0, 1]) == [0, 5]


@pytest.mark.parametrize("weights", [[], [0, 0], [3, -1]])
def test_shares_of_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(MoneyError) as refused:
        share(10, weights)
    assert refused.value.refusal.code == "no_weights"


@pytest.mark.parametrize(("exact", "rounded"), [("1/2", 1), ("-1/2", -1), ("5/2", 3), ("249/100", 2), ("0", 0)])
def test_the_half_goes_up(exact: str, rounded: int) -> None:
    assert half_up(Fraction(exact)) == rounded


@given(st.integers(-(10**9), 10**9), st.fractions(min_value=-100, max_value=100))
def test_a_product_is_rounded_once_and_reverses_exactly(kopecks: int, factor: Fraction) -> None:
    product = times_half_up(kopecks, factor)
    assert abs(product - kopecks * factor) <= Fraction(1, 2)
    assert times_half_up(-kopecks, factor) == -product


@pytest.mark.parametrize("wrong", [-1, MAX_KOPECKS + 1, 1.0, "1", True, None])
def test_the_types_take_whole_kopecks_only(wrong: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Kopecks).validate_python(wrong)


def test_positive_and_signed() -> None:
    assert TypeAdapter(Kopecks).validate_python(0) == 0
    assert TypeAdapter(SignedKopecks).validate_python(-5) == -5
    with pytest.raises(ValidationError):
        TypeAdapter(PositiveKopecks).validate_python(0)
