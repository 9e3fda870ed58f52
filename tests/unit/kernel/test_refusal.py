"""A refusal is a value: a stable code, two languages filled with the case's facts, the rule behind it."""

from __future__ import annotations

import pytest

from kernel import refusal
from kernel.refusal import Refusal, Refused, require

SHORT = Refusal("short", "Не хватает {missing} ₽.", "{missing} roubles are missing.", rule="law 1 art. 2", kind="stale")


def test_its_texts_are_filled_with_the_facts_of_the_case() -> None:
    assert SHORT.having(missing=5).to_dict() == {
        "code": "short",
        "ru": "Не хватает 5 ₽.",
        "en": "5 roubles are missing.",
        "rule": "law 1 art. 2",
        "kind": "stale",
        "details": {"missing": 5},
    }


def test_facts_add_up_and_the_refusal_itself_stays_as_it_was() -> None:
    more = SHORT.having(missing=5).having(missing=6, other="x")
    assert more.details == {"missing": 6, "other": "x"}
    assert SHORT.details == {}


def test_a_place_without_a_fact_is_left_visible_and_breaks_nothing() -> None:
    assert SHORT.to_dict()["en"] == "{missing} roubles are missing."


def test_facts_are_text_and_never_a_format() -> None:
    assert SHORT.having(missing="{0.__class__} {missing}").to_dict()["en"].startswith("{0.__class__} {missing} roubles")


def test_require_refuses_with_details_or_lets_go_on() -> None:
    require(True, SHORT, missing=1)
    with pytest.raises(Refused) as caught:
        require(False, SHORT, missing=1)
    assert caught.value.refusal == SHORT.having(missing=1)
    assert str(caught.value) == "short", "an exception's text goes to logs: it holds the code alone"


def test_the_kernels_own_refusals_have_codes_of_their_own_and_both_languages() -> None:
    own = [value for value in vars(refusal).values() if isinstance(value, Refusal)]
    assert len({one.code for one in own}) == len(own) > 5
    for one in own:
        assert one.code.isascii() and one.code == one.code.lower()
        assert any("а" <= letter <= "я" for letter in one.ru) and one.en.isascii() is ("“" not in one.en)
