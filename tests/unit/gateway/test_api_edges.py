"""Buckets, kept forms, problem documents, routes: the small parts of the edge, each by itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.refusal import FORBIDDEN, INVALID, STALE, Refused
from services.gateway.api.route import area, command, query
from services.gateway.kept_forms import KEPT_FORMS, KeptForms
from services.gateway.options import Rate
from services.gateway.problems import STATUS_OF_KIND, TITLES, document, headers_of, status_of
from services.gateway.rates import KEPT, Buckets


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(1, 50), st.floats(0.1, 50), st.lists(st.floats(0, 3), max_size=200))
def test_a_bucket_never_lets_more_through_than_its_rate(burst: int, per_second: float, pauses: list[float]) -> None:
    clock = Clock()
    buckets = Buckets(Rate(burst, per_second), clock)
    passed = 0
    for pause in pauses:
        clock.now += pause
        try:
            buckets.take("somebody")
            passed += 1
        except Refused as refused:
            assert refused.refusal.details["retry_after_s"] >= 1
    assert passed <= burst + sum(pauses) * per_second + 1e-6


def test_who_waits_as_told_is_let_in() -> None:
    clock = Clock()
    buckets = Buckets(Rate(1, 0.25), clock)
    buckets.take("a")
    with pytest.raises(Refused) as caught:
        buckets.take("a")
    buckets.take("b")
    clock.now += caught.value.refusal.details["retry_after_s"]
    buckets.take("a")


def test_buckets_are_bounded_in_number() -> None:
    buckets = Buckets(Rate(1, 1), Clock())
    for number in range(KEPT + 10):
        buckets.take(str(number))
    assert len(buckets._held) == KEPT
    Buckets(None).take("nobody is limited")


def test_a_kept_form_is_found_with_the_same_input_only() -> None:
    forms = KeptForms()
    place = ("actor", "orders.submit_bid", "key")
    forms.keep(place, {"bid": {"price_kopecks": 5}}, {"sealed": "A"})
    assert forms.find(place, {"bid": {"price_kopecks": 5}}) == {"sealed": "A"}
    assert forms.find(place, {"bid": {"price_kopecks": 6}}) is None
    forms.keep(place, {"bid": {"price_kopecks": 6}}, {"sealed": "B"})
    assert forms.find(place, {"bid": {"price_kopecks": 5}}) == {"sealed": "A"}, "the first one under a key stays"
    for number in range(KEPT_FORMS):
        forms.keep(("actor", "orders.submit_bid", str(number)), {}, {})
    assert forms.find(place, {"bid": {"price_kopecks": 5}}) is None
    assert "5" not in repr(vars(forms)) or "price" not in repr(vars(forms))


def test_every_kind_of_refusal_has_a_status_and_a_title() -> None:
    for kind, status in STATUS_OF_KIND.items():
        assert TITLES[status].keys() == {"ru", "en"}, kind
        assert status_of({"code": "x", "kind": kind}) == status


def test_a_problem_document_says_it_all_in_one_language() -> None:
    refusal = STALE.having(expected=1, actual=2).to_dict()
    assert document(refusal, "en", "/api/v1/x", "R") == {
        "type": "/problems/stale_version",
        "title": "The record has changed",
        "status": 412,
        "detail": "The record has changed: you have version 1, it is at 2. Load it again.",
        "instance": "/api/v1/x",
        "code": "stale_version",
        "rule": "",
        "request_id": "R",
        "details": {"expected": 1, "actual": 2},
    }
    errors = [{"pointer": "/a", "code": "c", "message": "m"}]
    invalid = document(INVALID.having(summary="s", errors=errors).to_dict(), "ru", "/", "R")
    assert invalid["errors"] == errors and "details" not in invalid


def test_what_a_client_should_do_next_is_in_the_headers() -> None:
    assert headers_of({"code": "unavailable", "kind": "busy"}) == {"Retry-After": "1"}
    assert headers_of({"code": "unauthenticated", "kind": "unauthenticated"})["WWW-Authenticate"].startswith("Bearer")
    assert headers_of(FORBIDDEN.to_dict()) == {}


def test_a_route_knows_its_parameters_and_its_target() -> None:
    [one, two] = area(
        "toy",
        command("POST", "/boxes/{box}/things/{id}", "box.put", "Положить", "Put", fields={"box": "box_id"}),
        query("/keepers/{custodian}/keys", "{custodian}.keys", "Ключи", "Keys"),
    )
    assert (one.parameters, one.input_name("box"), one.operation) == (("box", "id"), "box_id", "box.put")
    assert two.input_name("custodian") is None and two.operation == "custodian.keys"
    assert two.calls == ("custodian_1.keys", "custodian_2.keys", "custodian_3.keys")
    assert two.target({"custodian": "custodian_2"}) == "custodian_2.keys"
