"""What pages compute for themselves: the best of a comparison, the steps, addresses, a reader's preferences."""

from copy import deepcopy
from typing import Any

import pytest

from services.gateway.web import read_preferences
from services.gateway.web.links import ROUTES, link
from services.gateway.web.samples import SAMPLES
from services.gateway.web.views import comparison, error_key, record_link, step_states

ORDER = SAMPLES["order"]["usual"]
CRITERIA = ORDER["competition"]["criteria"]


def lot(**changes: Any) -> Any:
    return deepcopy(ORDER["lots"][0]) | changes


def bids() -> list[Any]:
    return list(lot()["bids"])


def best_of(rows: list[dict[str, Any]], key: str) -> list[str]:
    return [
        row["bid"]["provider"]["id"]
        for row in rows
        for cell in row["cells"]
        if cell["criterion"]["key"] == key and cell["best"]
    ]


def test_the_best_are_all_that_reach_the_highest_exact_score() -> None:
    rows = comparison(lot(), CRITERIA)
    assert best_of(rows, "price") == ["provider-1"]
    assert best_of(rows, "quality") == ["provider-0"]
    assert [row["bid"]["rank"] for row in rows] == [1, 2, 3, None]
    assert [row["best_total"] for row in rows] == [True, False, False, False]


def test_scores_that_look_equal_after_rounding_are_not_both_best() -> None:
    pair = bids()[:2]
    pair[0]["cells"][1]["score"], pair[1]["cells"][1]["score"] = "277/3", "9233/100"
    assert best_of(comparison(lot(bids=pair), CRITERIA), "quality") == ["provider-0"]
    pair[1]["cells"][1]["score"] = "554/6"
    assert best_of(comparison(lot(bids=pair), CRITERIA), "quality") == ["provider-0", "provider-2"]


def test_a_part_without_the_best_bid_names_none() -> None:
    rows = comparison(lot(bids=bids()[1:]), CRITERIA)
    assert best_of(rows, "quality") == [] and not any(row["best_total"] for row in rows)


def test_a_bid_that_was_not_admitted_is_never_best() -> None:
    all_bids = bids()
    all_bids[3]["cells"][0]["score"] = "100"
    assert best_of(comparison(lot(bids=all_bids), CRITERIA), "price") == ["provider-1"]


def test_where_nothing_is_compared_nothing_is_best() -> None:
    rows = comparison(lot(bids=bids()[:1], best=[], best_total=None), CRITERIA)
    assert not any(cell["best"] for row in rows for cell in row["cells"])


def test_a_criterion_without_a_value_is_an_empty_cell() -> None:
    pair = bids()[:2]
    pair[0]["cells"] = pair[0]["cells"][1:]
    assert comparison(lot(bids=pair), CRITERIA)[0]["cells"][0]["score"] is None


@pytest.mark.parametrize(
    ("size", "states"),
    [
        ("empty", ["ahead"] * 5),
        ("open", ["now", "ahead", "ahead", "ahead", "ahead"]),
        ("opening", ["done", "now", "ahead", "ahead", "ahead"]),
        ("usual", ["done", "done", "done", "now", "ahead"]),
        ("unsuccessful", ["stopped", "ahead", "ahead", "ahead", "ahead"]),
        ("large", ["done"] * 5),
    ],
)
def test_steps_follow_the_competition(size: str, states: list[str]) -> None:
    assert [state for _, state in step_states(SAMPLES["order"][size]["competition"])] == states


@pytest.mark.parametrize(("status", "key"), [(401, 403), (410, 404), (412, 409), (422, 400), (502, 500), (503, 503)])
def test_every_status_has_texts(status: int, key: int) -> None:
    assert error_key(status) == key


def test_addresses_encode_what_they_carry_and_leave_out_the_empty() -> None:
    assert link("order", id="СЗ/1 ?") == "/orders/%D0%A1%D0%97%2F1%20%3F"
    assert link("orders", {"status": "", "cursor": "a&b"}) == "/orders?cursor=a%26b"
    with pytest.raises(KeyError):
        link("order")
    assert all(path.startswith("/") for path in ROUTES.values())


@pytest.mark.parametrize(
    ("query", "cookies", "header", "lang", "view", "set_"),
    [
        ({}, {}, "", "ru", "normal", {}),
        ({}, {}, "en-GB,en;q=0.9,ru;q=0.8", "en", "normal", {}),
        ({}, {}, "de, ru;q=0.5, en;q=0.4", "ru", "normal", {}),
        ({}, {}, "en;q=nonsense", "ru", "normal", {}),
        ({"lang": "en"}, {"lang": "ru"}, "ru", "en", "normal", {"lang": "en"}),
        ({}, {"lang": "en", "view": "white-on-black"}, "ru", "en", "white-on-black", {}),
        ({"view": "normal"}, {"view": "black-on-white"}, "", "ru", "normal", {"view": "normal"}),
        ({"lang": "<script>", "view": "../x"}, {"lang": "xx", "view": "?"}, "", "ru", "normal", {}),
    ],
)
def test_preferences(query: Any, cookies: Any, header: str, lang: str, view: str, set_: dict[str, str]) -> None:
    read = read_preferences(query, cookies, header)
    assert (read.lang, read.view, read.cookies) == (lang, view, set_)


def test_a_record_of_the_log_leads_to_its_page_where_it_has_one() -> None:
    assert record_link("Competition/c1") == "/competitions/c1"
    assert record_link("Workspace/p1") == record_link("RegisterEntry/p1") == "/providers/p1"
    assert record_link("Invoice/i1") is None and record_link("Competition") is None
