"""Places follow the events of agreements: one answer per request, given back once, also in an unlucky order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from kernel.ids import new_id
from tests.component.providers.neighbours import Town
from tests.support import person


def test_an_agreement_gets_its_places_and_gives_them_back(town: Town) -> None:
    provider_id = town.include(funded=10)
    agreement = town.request_places(provider_id, 7)
    assert town.answers(agreement) == [("PlacesReserved", "")]
    assert town.workspace_places(provider_id) == {"maximum": 15, "funded": 10, "reserved": 7, "free": 3}
    late = town.request_places(provider_id, 4)
    assert town.answers(late) == [("PlacesRefused", "not_enough")]
    town.say("orders", agreement, "AgreementTerminated", agreement_id=agreement, reason="no staff")
    assert town.answers(agreement)[1:] == [("PlacesGivenBack", "terminated")]
    town.request_places(provider_id, 4, late)
    assert town.answers(late)[1:] == [("PlacesReserved", "")]
    assert town.workspace_places(provider_id)["free"] == 6


def test_a_repeated_request_is_answered_and_holds_nothing_more(town: Town) -> None:
    provider_id = town.include(funded=10)
    agreement = town.request_places(provider_id, 7)
    town.request_places(provider_id, 7, agreement)
    assert town.answers(agreement) == [("PlacesReserved", "")] * 2
    assert town.workspace_places(provider_id)["free"] == 3


def test_a_void_that_overtakes_the_request_wins(town: Town) -> None:
    provider_id, agreement = town.include(), new_id()
    town.say("orders", agreement, "AgreementVoided", agreement_id=agreement, reason="declined")
    town.request_places(provider_id, 2, agreement)
    assert town.answers(agreement) == [("PlacesRefused", "voided")]
    assert town.workspace_places(provider_id)["reserved"] == 0


def test_an_entry_that_comes_twice_has_one_effect(town: Town) -> None:
    provider_id = town.include(funded=10)
    agreement = town.request_places(provider_id, 7)
    town.say("orders", agreement, "AgreementVoided", agreement_id=agreement, reason="declined")
    assert town.answers(agreement) == [("PlacesReserved", ""), ("PlacesGivenBack", "voided")]
    [subscription] = [s for s in town.market.installation.workers["providers"].subscriptions if s.source == "orders"]
    log = [(n, bytes(e)) for n, e in town.market.sql("SELECT sequence, entry FROM orders.log ORDER BY sequence")]
    for batch in (log, log[-2:], log[::-1]):
        assert subscription.deliver(batch)
    assert len(town.answers(agreement)) == 2
    assert town.workspace_places(provider_id)["free"] == 10


def test_a_provider_that_is_suspended_excluded_or_unknown_gets_no_requests(town: Town) -> None:
    provider_id = town.include()
    for event, reason in (("ProviderSuspended", "suspended"), ("ProviderExcluded", "closed")):
        town.say("registry", provider_id, event, reason="inspection")
        town.market.work()
        assert town.answers(town.request_places(provider_id, 1)) == [("PlacesRefused", reason)]
        assert town.market.ask("providers.places", {"provider_id": provider_id})["items"] == []
    assert town.answers(town.request_places(new_id(), 1)) == [("PlacesRefused", "no_workspace")]


def test_a_workspace_opens_after_a_refusal_came_first(town: Town) -> None:
    """The register's log may be read later than that of the orders."""
    provider_id = new_id()
    town.answers(town.request_places(provider_id, 1))
    town.say(
        "registry", provider_id, "ProviderIncluded", number="51-2", full_name="n", short_name="n", kind="npo", inn="1",
        ogrn="1", territory="kem", forms=[], service_kinds=[], included_on="2027-01-11",
    )  # fmt: skip
    town.market.work()
    boss = person("provider", organisation=provider_id)
    town.market.do("providers.set_places", {"id": provider_id, "form": "home", "maximum": 1, "funded": 1}, boss)
    assert town.answers(town.request_places(provider_id, 1)) == [("PlacesReserved", "")]


def test_setting_and_reserving_at_once_never_promises_what_is_not_there(town: Town) -> None:
    provider_id = town.include(funded=20)
    boss = person("provider", organisation=provider_id)
    agreements = [town.request_places(provider_id, 3) for _ in range(8)]

    def set_places(funded: int) -> None:
        town.market.answer(
            "providers.set_places", {"id": provider_id, "form": "home", "maximum": 30, "funded": funded}, boss
        )

    with ThreadPoolExecutor(3) as pool:
        working = pool.submit(town.market.work)
        list(pool.map(set_places, [20, 5, 18, 2, 20, 9] * 3))
        working.result()
    found = town.workspace_places(provider_id)
    assert found["free"] == found["funded"] - found["reserved"] >= 0
    answers = [town.answers(agreement) for agreement in agreements]
    assert all(len(answer) == 1 for answer in answers)
    assert found["reserved"] == 3 * sum(answer[0][0] == "PlacesReserved" for answer in answers)


def test_the_workspace_is_its_providers_and_the_officers(town: Town) -> None:
    provider_id = town.include("Тёплый дом")
    town.activate(provider_id, new_id())
    town.answers(town.request_places(provider_id, 2))
    mine = town.market.ask("providers.workspace", {"id": provider_id}, person("provider", organisation=provider_id))
    assert mine["short_name"] == "Тёплый дом" and mine["status"] == "active"
    assert [p["free"] for p in mine["places"]] == [8] and [r["status"] for r in mine["reservations"]] == ["held"]
    assert [a["volume"] for a in mine["agreements"]] == [100]
    other = person("provider", organisation=new_id())
    assert town.market.asked("providers.workspace", {"id": provider_id}, other)["refused"]["code"] == "not_yours"
    assert town.market.asked("providers.workspace", {"id": provider_id})["refused"]["code"] == "unauthenticated"
    officer = person("officer", organisation=new_id())
    assert town.market.ask("providers.workspace", {"id": provider_id}, officer)["places"] == mine["places"]
    missing = town.market.asked("providers.workspace", {"id": new_id()}, officer)
    assert missing["refused"]["code"] == "not_found"


def test_places_are_listed_page_by_page(town: Town) -> None:
    providers = sorted(town.include(funded=n + 100) for n in range(5))
    found, cursor = [], None
    while True:
        asked = {"free": 100, "form": "home", "territory": "kem", "limit": 2, "cursor": cursor}
        page = town.market.ask("providers.places", asked)
        found += [item["provider_id"] for item in page["items"]]
        assert len(page["items"]) <= 2
        cursor = page["next"]
        if cursor is None:
            break
    assert found == providers
    asked = {"provider_ids": [providers[0], providers[3], new_id()]}
    several = town.market.ask("providers.places", asked)["items"]
    assert [item["provider_id"] for item in several] == [providers[0], providers[3]]
    assert town.market.ask("providers.places", {"provider_ids": []})["items"] == []
    for wrong in ("x", "W10", "WyJhIiwiYiJd"):  # no cursor at all, one of no column, one whose id is none
        assert town.market.asked("providers.places", {"cursor": wrong})["refused"]["code"] == "invalid_input"
