"""Words, money and time on pages: what a reader sees, and what must not happen to a number on its way there."""

import json
import re
import string
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.settings import PROJECT
from services.gateway.web import text, views

WEB = Path(views.__file__).parent
NOW = datetime(2026, 12, 1, tzinfo=UTC)
MOSCOW = "Europe/Moscow"


@pytest.mark.parametrize(
    ("kopecks", "ru", "en"),
    [
        (123456, "1\xa0234,56\xa0₽", "₽1,234.56"),
        (0, "0,00\xa0₽", "₽0.00"),
        (-5, "−0,05\xa0₽", "−₽0.05"),
        (100_000_000_00, "100\xa0000\xa0000,00\xa0₽", "₽100,000,000.00"),
    ],
)
def test_money_is_written_as_people_write_it(kopecks: int, ru: str, en: str) -> None:
    assert text.money(kopecks, "ru") == ru
    assert text.money(kopecks, "en") == en


@given(st.integers(-(10**40), 10**40))
def test_money_keeps_every_kopeck_of_any_size(kopecks: int) -> None:
    shown = text.money(kopecks, "ru")
    digits = "".join(character for character in shown if character.isdigit())
    assert int(digits) == abs(kopecks)
    assert shown.startswith("−") == (kopecks < 0)


def test_large_figures_leave_out_only_zero_kopecks() -> None:
    assert text.money_round(41_200_000, "en") == "₽412,000"
    assert text.money_round(41_200_010, "en") == "₽412,000.10"


@pytest.mark.parametrize(
    ("exact", "shown"),
    [("277/3", "92,33"), ("1/200", "0,01"), ("199/40000", "0,00"), ("92", "92,00"), ("-1/1000", "0,00")],
)
def test_scores_are_rounded_half_up_from_the_exact_fraction(exact: str, shown: str) -> None:
    assert text.score(exact, "ru") == shown


@given(st.fractions(min_value=0, max_value=100))
def test_a_shown_score_is_never_farther_than_half_a_hundredth(exact: Fraction) -> None:
    shown = Fraction(text.score(str(exact), "en"))
    assert abs(shown - exact) <= Fraction(1, 200)


def test_a_moment_names_the_zone_of_the_region() -> None:
    at = "2026-12-04T15:00:00Z"
    assert text.moment(at, MOSCOW, "ru") == "4 декабря 2026, 18:00 (МСК, UTC+3)"
    assert text.moment(at, MOSCOW, "en") == "4 December 2026, 18:00 (MSK, UTC+3)"
    assert text.moment(at, "Asia/Novosibirsk", "ru") == "4 декабря 2026, 22:00 (МСК+4, UTC+7)"
    assert text.zone_label(at, "Europe/Kaliningrad", "ru") == "МСК−1, UTC+2"
    assert text.zone_label(at, "Asia/Kolkata", "ru") == "UTC+5:30"
    assert text.zone_label(at, "UTC", "en") == "UTC"


def test_a_day_is_the_day_in_the_region_and_a_plain_date_stays_itself() -> None:
    assert text.day("2026-12-04T22:30:00Z", MOSCOW, "ru") == "5 декабря 2026"
    assert text.day("2026-12-04", MOSCOW, "ru") == "4 декабря 2026"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        text.moment("2026-12-04T15:00:00", MOSCOW, "ru")


@pytest.mark.parametrize(
    ("length", "ru", "en"),
    [
        (timedelta(days=3, hours=4, minutes=59), "через 3 дня 4 часа", "in 3 days 4 hours"),
        (timedelta(days=1, minutes=5), "через 1 день", "in 1 day"),
        (timedelta(minutes=1), "через 1 минуту", "in 1 minute"),
        (timedelta(hours=21, minutes=21), "через 21 час 21 минуту", "in 21 hours 21 minutes"),
        (timedelta(seconds=-30), "только что", "just now"),
        (timedelta(days=-11, hours=-2), "11 дней 2 часа назад", "11 days 2 hours ago"),
    ],
)
def test_relative_time_has_two_units_and_the_right_case(length: timedelta, ru: str, en: str) -> None:
    assert text.relative(NOW + length, NOW, "ru").replace("\xa0", " ") == ru
    assert text.relative(NOW + length, NOW, "en") == en


@given(st.integers(0, 4000 * 24 * 60))
def test_a_span_never_says_more_time_than_there_is(minutes: int) -> None:
    sizes = {"day": 1440, "days": 1440, "hour": 60, "hours": 60, "minute": 1, "minutes": 1}
    words = text.span(timedelta(minutes=minutes, seconds=59), "en").split()
    said = sum(int(number.replace(",", "")) * sizes[unit] for number, unit in zip(words[::2], words[1::2], strict=True))
    assert said <= minutes < said + 60


@pytest.mark.parametrize(
    ("number", "words"), [(1, "1 лот"), (3, "3 лота"), (11, "11 лотов"), (21, "21 лот"), (0, "0 лотов")]
)
def test_russian_plurals_agree(number: int, words: str) -> None:
    assert text.count("orders.lots", number, "ru") == words


def test_every_code_that_pages_are_given_has_words() -> None:
    """Both the services' own codes and those of page addresses; a code without words would be shown raw."""
    codes = {
        "premises_kind": ("premises", "ad_space", "room", "ad_surface"),
        "premises_status": ("free", "requested", "lent", "withdrawn", "listed"),
        "kind": ("npo", "budget_institution", "social_enterprise", "individual"),
        "form": ("home", "semi_residential", "residential", "urgent"),
    }
    for group, names in codes.items():
        assert {f"terms.{group}.{name}" for name in names} <= text.catalogue().keys()


def test_events_are_told_in_words_and_new_ones_by_their_name() -> None:
    assert text.event("market.orders.BidSubmitted.v1", "ru") == "Подана запечатанная заявка"
    assert text.event("market.orders.SomethingQuiteNew.v2", "en") == "Something quite new"


def test_both_languages_have_every_text_with_the_same_names_in_it() -> None:
    catalogue = text.catalogue()
    assert len(catalogue) > 400
    for key, entry in catalogue.items():
        names = [_names(entry[lang]) for lang in text.LANGS]
        assert all(one == other for one, other in pairwise(names)), key


def test_a_text_without_one_language_is_found_at_loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half.toml").write_text('title = { ru = "Только по-русски" }', encoding="utf-8")
    monkeypatch.setattr(text, "_TEXTS", tmp_path)
    with pytest.raises(text.IncompleteText, match=r"half\.title: en"):
        text.catalogue.__wrapped__()


def test_every_event_has_words_and_no_words_are_without_an_event() -> None:
    events = json.loads((PROJECT / "contracts" / "readers.json").read_text("utf-8"))
    names = {type_.split(".")[-2] for type_ in events}
    assert {key.removeprefix("events.") for key in text.catalogue() if key.startswith("events.")} == names


def test_every_stream_of_the_log_has_words() -> None:
    schemas = (PROJECT / "contracts" / "events").rglob("*.json")
    streams = {json.loads(path.read_text("utf-8"))["x-stream"].split("/")[0] for path in schemas}
    assert streams <= {key.removeprefix("terms.stream.") for key in text.catalogue()}


def test_legal_grounds_are_cited_in_the_reader_s_language() -> None:
    assert (
        text.law("189-FZ art. 19", "ru") == "189-ФЗ ст.\xa019" and text.law("189-FZ art. 19", "en") == "189-FZ art. 19"
    )
    assert text.law("Budget Code art. 219", "ru") == "БК РФ ст.\xa0219"
    assert text.law("152-FZ art. 5 p. 7", "ru") == "152-ФЗ ст.\xa05 п.\xa07"


def test_every_rule_of_a_refusal_and_every_ground_can_be_read_in_russian() -> None:
    refusals = json.loads((PROJECT / "contracts" / "refusals.json").read_text("utf-8"))
    said = {case["rule"] for entry in refusals.values() for case in entry["cases"]}
    for path in (PROJECT / "contracts" / "rpc").rglob("*.json"):
        said.add(json.loads(path.read_text("utf-8")).get("ground", ""))
    for rule in sorted(said - {""}):
        left = re.sub(r"RFC \d+", "", text.law(rule, "ru"))
        assert not re.search("[A-Za-z]{2}", left), rule
        assert "DOMAIN" not in text.law(rule, "en")


@pytest.mark.parametrize(
    ("volume", "ru", "en"),
    [
        (1, "1 посещение", "1 visit"),
        (21_600, "21\xa0600 посещений", "21,600 visits"),
        (22, "22 посещения", "22 visits"),
        ("12.5", "12,5 посещения", "12.5 visits"),
    ],
)
def test_a_volume_agrees_with_its_unit(volume: int | str, ru: str, en: str) -> None:
    unit = {"code": "visit", "name": {"ru": "посещение", "en": "visit"}}
    assert (text.measured(volume, unit, "ru"), text.measured(volume, unit, "en")) == (ru, en)


def test_a_unit_of_another_region_is_shown_by_its_name() -> None:
    assert text.measured(1200, {"code": "bed_day", "name": {"ru": "койко-день", "en": "bed-day"}}, "ru") == (
        "1\xa0200 (койко-день)"
    )


def test_a_headline_is_short_and_never_promises_more_than_there_is() -> None:
    assert text.money_short(34_532_736_52, "ru") == "34,53 млн\xa0₽"
    assert text.money_short(1_999_999_999, "en") == "₽19.99m"
    assert text.money_short(99_999_999, "ru") == "999\xa0999,99\xa0₽" and text.money_short(0, "ru") == "0\xa0₽"


def test_texts_are_in_the_language_they_claim() -> None:
    """A Russian text without one Cyrillic letter, or an English one with some, is in the wrong place."""
    exceptions = {"layout.other_language"}
    for key, entry in text.catalogue().items():
        if key in exceptions or key.startswith(("layout.time.", "layout.money")):
            continue
        russian, english = (" ".join(_strings(entry[lang])) for lang in text.LANGS)
        assert re.search("[а-яё]", russian, re.IGNORECASE) or not re.search(
            "[a-z]{3}", re.sub(r"\{.*?\}", "", russian)
        ), key
        assert not re.search("[а-яё]", english, re.IGNORECASE), key


def test_templates_name_only_texts_that_exist() -> None:
    templates = list((WEB / "templates").rglob("*.html"))
    used = {key for path in templates for key in re.findall(r"\b[tn]\(\"([a-z_]+\.[\w.]+)\"", path.read_text("utf-8"))}
    prefixes = (
        "problems.next_",
        "layout.nav.",
        "order.step_",
        "order.deadline_",
        "landing.",
        "log.verify_",
        "providers.",
    )
    missing = {
        key for key in used if key not in text.catalogue() and not key.endswith(("_", ".")) and key not in prefixes
    }
    assert len(used) > 150
    assert not missing


def _strings(value: str | dict[str, str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value.values())


def _names(value: str | dict[str, str]) -> set[str | None]:
    return {name for words in _strings(value) for _, name, _, _ in string.Formatter().parse(words) if name is not None}
