"""From events to releases: what is told, when, in which order, and what is never told."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.settings import PROJECT
from kernel.store import entry_of
from services.opendata.fold import Fold, Release
from services.opendata.mapping import MAPPING, BookInMemory
from services.opendata.merging import compiled
from services.opendata.rules import load_rules
from tests import opendata_story as story

RULES = load_rules(PROJECT / "region")


def folded(events: Iterable[dict[str, Any]], version: int = 1) -> list[Release]:
    fold = Fold(BookInMemory(), RULES, version)
    found: list[Release] = []
    for event in events:
        # What a mapping function is given it may not change: others are given the same.
        found += fold.take(entry_of(event["source"].rsplit("/", 1)[1], orjson.loads(orjson.dumps(event))), story.SEALED)
    return found


def text(releases: Iterable[Release]) -> str:
    return json.dumps([release.body for release in releases], ensure_ascii=False)


def record(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return compiled([release.body for release in folded(events)])


def test_the_whole_process_is_told_in_its_order() -> None:
    tags = [release.body["tag"][0] for release in folded(story.whole())]
    assert tags == [
        "tender", "tenderUpdate", "tenderUpdate", "tenderUpdate", "tenderUpdate", "tenderUpdate", "award", "contract",
        "contractUpdate", "awardUpdate", "tenderUpdate", "implementation", "implementationUpdate",
    ]  # fmt: skip


def test_what_they_make_together() -> None:
    made = record(story.whole())
    assert made["ocid"] == story.OCID
    assert made["tender"]["status"] == "complete" and made["tender"]["lots"][0]["status"] == "complete"
    assert {bid["id"]: bid["status"] for bid in made["bids"]["details"]} == {
        story.BIDS[story.NPO]: "valid",
        story.BIDS[story.PERSON]: "disqualified",
    }
    assert made["awards"][0]["status"] == "active" and made["awards"][0]["value"]["amount"] == 41_050
    (contract,) = made["contracts"]
    assert contract["status"] == "active" and contract["awardID"] == made["awards"][0]["id"]
    assert contract["implementation"]["transactions"][0]["value"] == {"amount": 4_105, "currency": "RUB"}
    assert contract["implementation"]["transactions"][0]["relatedMilestone"] == story.ACT
    roles = {party["id"]: party["roles"] for party in made["parties"]}
    assert roles == {
        story.BODY: ["buyer", "procuringEntity", "payer"],
        story.NPO: ["tenderer", "supplier", "payee"],
        story.PERSON: ["tenderer"],
    }


def test_a_draft_is_nobodys_business() -> None:
    assert folded([*story.providers(), story.announcement()[0]]) == []
    cancelled = story.of_competition("CompetitionCancelled", reason="передумали")
    assert folded([story.announcement()[0], cancelled]) == []


def test_nobody_learns_who_bids_before_the_closing_nor_a_price_before_the_opening() -> None:
    before = folded([*story.providers(), *story.announcement()])
    assert story.NPO not in text(before) and "bids" not in text(before)
    closed = folded([*story.providers(), *story.announcement(), *story.closing()])
    assert story.NPO in text(closed)
    assert "410.5" not in text(closed) and "410.5" in text(
        folded([*story.providers(), *story.announcement(), *story.closing(), *story.opening()])
    )


def test_a_person_is_named_by_the_registers_number() -> None:
    told = text(folded(story.whole()))
    assert "Примерова" not in told and "000000000000" in told
    (person,) = [party for party in record(story.whole())["parties"] if party["id"] == story.PERSON]
    assert "identifier" not in person and person["details"]["registerNumber"] == "РП-2027-000002"


def test_dates_of_one_process_never_tie_and_so_sorting_changes_nothing() -> None:
    releases = folded(story.whole())
    dates = [release.date for release in releases]
    assert dates == sorted(set(dates)) and dates[0] == story.SEALED
    assert len({release.id for release in releases}) == len(releases)


def test_an_act_that_stands_before_its_agreement_waits_for_it() -> None:
    before = [*story.providers(), *story.announcement(), *story.closing(), *story.opening(), *story.result()]
    early = folded([*before, *story.delivery(), *story.agreement()])
    late = folded([*before, *story.agreement(), *story.delivery()])
    assert sorted(release.id for release in early) == sorted(release.id for release in late)
    told = [release.body["tag"][0] for release in early]
    assert told.index("contract") < told.index("implementation")
    assert record([*before, *story.delivery(), *story.agreement()])["contracts"] == record(story.whole())["contracts"]


def test_an_agreement_of_no_published_process_is_left_out_with_all_that_follows() -> None:
    drafted, *rest = story.agreement()
    elsewhere = {**drafted, "data": {**drafted["data"], "competition_id": None}}
    releases = folded([*story.providers(), *story.announcement(), elsewhere, *rest[:2], *story.delivery()])
    assert [release.body["tag"] for release in releases] == [["tender"], ["tenderUpdate"]]


def test_an_act_or_payment_without_an_agreement_is_nobodys_contract() -> None:
    stray = [{**event, "data": {**event["data"], "agreement_id": None}} for event in story.delivery()]
    assert folded(stray) == [] and len(folded([*story.whole(), *stray])) == len(folded(story.whole()))


def test_a_provider_whom_the_register_names_later_gets_its_name() -> None:
    late = [*story.announcement(), *story.closing(), *story.opening(), *story.providers()]
    early = [*story.providers(), *story.announcement(), *story.closing(), *story.opening()]
    assert {p["id"]: p["name"] for p in record(late)["parties"]} == {
        p["id"]: p["name"] for p in record(early)["parties"]
    }


@given(st.integers(1, 6))
def test_another_version_says_the_same_under_other_ids(version: int) -> None:
    one, other = folded(story.whole()), folded(story.whole(), version + 1)
    assert not {release.id for release in one} & {release.id for release in other}
    assert compiled([r.body for r in one]) == compiled([r.body for r in other])


def test_a_moved_deadline_is_an_amendment_of_the_release_before() -> None:
    moved = story.of_competition(
        "DeadlineMoved", deadline="2027-03-05T20:59:59.000000Z", previous="2027-03-01T20:59:59.000000Z",
        reason="unanswered_questions", explained={"ru": "2 рабочих дня", "en": "2 working days"},
    )  # fmt: skip
    releases = folded([*story.announcement(), moved])
    (amendment,) = releases[-1].body["tender"]["amendments"]
    assert amendment["amendsReleaseID"] == releases[-2].id and amendment["releaseID"] == releases[-1].id
    assert releases[-1].body["tender"]["tenderPeriod"] == {"endDate": "2027-03-05T20:59:59.000000Z"}


def test_a_lot_announced_again_names_the_process_that_came_to_nothing() -> None:
    again = json.loads(json.dumps(story.announcement()).replace(story.COMPETITION, story.ORDER))
    releases = folded(
        [
            *story.announcement(),
            story.of_competition("CompetitionUnsuccessful", lot_ids=[story.LOT], reason="no_bids"),
            *again,
        ]
    )
    second = next(release.body for release in releases if release.ocid != story.OCID)
    assert second["relatedProcesses"][0]["identifier"] == story.OCID


@pytest.mark.parametrize("source, name", sorted(MAPPING))
def test_only_public_events_are_mapped(source: str, name: str) -> None:
    readers = json.loads((PROJECT / "contracts" / "readers.json").read_bytes())
    assert readers[f"market.{source}.{name}.v1"] == "public"
