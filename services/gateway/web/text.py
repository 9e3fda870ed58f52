"""Words, numbers, money and time as people read them, in Russian and in English.

Guarantees: every function is pure (no clock, no locale of the process); a text that lacks one of the two languages is
found when the catalogue is loaded, not by a reader; money and scores are formatted from exact integers, no float.

Babel does the grammar of numbers and months. Three things it does not do well are done here: roubles in English come
out as "RUB1,234.56", a zone as "+0300", and a difference of times is rounded to one unit ("через 3 дня").
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_datetime
from babel.numbers import format_decimal

Lang = Literal["ru", "en"]
LANGS: tuple[Lang, ...] = get_args(Lang)

Text = str | Mapping[str, str]
"""Words in one language for both (a proper name), or ``{"ru": …, "en": …}``."""

Instant = datetime | str
"""An aware datetime, or the same as RFC 3339 text, which is how it arrives over RPC."""

# British English: the same order of day, month and year as in Russian, so that one pattern serves both.
_LOCALES: dict[Lang, Locale] = {"ru": Locale.parse("ru"), "en": Locale.parse("en_GB")}
_TEXTS = Path(__file__).parent / "texts"
_PLURAL_FORMS: dict[Lang, frozenset[str]] = {
    "ru": frozenset({"one", "few", "many"}),
    "en": frozenset({"one", "other"}),
}
_MINUS = "\N{MINUS SIGN}"
_NBSP = "\N{NO-BREAK SPACE}"


class IncompleteText(Exception):
    """A text of the catalogue lacks a language or a plural form; the message names file and key."""


@cache
def catalogue() -> dict[str, dict[str, Any]]:
    """Return all texts: ``{"orders.title": {"ru": …, "en": …}}``; the first part of a key is its file's name.

    Raises IncompleteText when a language or a plural form is missing.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(_TEXTS.glob("*.toml")):
        _collect(path.stem, tomllib.loads(path.read_text(encoding="utf-8")), found)
    return found


def _collect(prefix: str, node: dict[str, Any], found: dict[str, dict[str, Any]]) -> None:
    if not any(lang in node for lang in LANGS):
        for name, child in node.items():
            _collect(f"{prefix}.{name}", child, found)
        return
    for lang in LANGS:
        text = node.get(lang)
        complete = set(text) == _PLURAL_FORMS[lang] if isinstance(text, dict) else bool(text)
        if not complete:
            raise IncompleteText(f"texts/{prefix}: {lang} is missing or lacks a plural form")
    found[prefix] = node


def say(key: str, lang: Lang, **values: object) -> str:
    """Return a text of the catalogue with its ``{names}`` filled in. KeyError names a key that does not exist."""
    text: str = catalogue()[key][lang]
    return text.format(**values) if values else text


def count(key: str, number: int, lang: Lang) -> str:
    """Return a text that agrees with `number`, e.g. «2 лота»; the catalogue holds its plural forms."""
    form = _LOCALES[lang].plural_form(abs(number))
    text: str = catalogue()[key][lang][form]
    return text.format(n=quantity(number, lang).replace(" ", _NBSP))


def term(group: str, code: str, lang: Lang) -> str:
    """Return the word for a code of the domain; a code that is newer than these texts is shown as it is."""
    entry = catalogue().get(f"terms.{group}.{code}")
    return str(entry[lang]) if entry else code.replace("_", " ")


def tone(group: str, code: str) -> str:
    """Return which of the four looks a code's tag has: runs, settled, waits (also for unknown codes), stopped."""
    return str(catalogue().get(f"terms.{group}.{code}", {}).get("tone", "waits"))


def event(type_: str, lang: Lang) -> str:
    """Return the human words for an event's type ("market.orders.BidSubmitted.v1"), or its name split into words."""
    name = type_.split(".")[-2] if type_.count(".") >= 2 else type_
    entry = catalogue().get(f"events.{name}")
    return str(entry[lang]) if entry else re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()


def pick(text: Text, lang: Lang) -> str:
    """Return the reader's language of a text from data, or the other one when there is only that."""
    if isinstance(text, str):
        return text
    return text.get(lang) or next((words for words in text.values() if words), "")


def quantity(number: int | str | Decimal, lang: Lang) -> str:
    """Return a number with its thousands grouped: «12 500,5». Decimal text is taken exactly, less its final zeros."""
    return _grouped(Decimal(number), "#,##0.##########", lang).replace("-", _MINUS)


def _grouped(number: Decimal, pattern: str, lang: Lang) -> str:
    """Apply a CLDR pattern exactly; Babel quantizes in the decimal context, whose usual 28 digits could round."""
    with localcontext(prec=100):
        return format_decimal(number, format=pattern, locale=_LOCALES[lang], decimal_quantization=False)


def _shifted(number: int, places: int) -> Decimal:
    """Return number / 10**places, exact, of the absolute value: sign and minus are the caller's."""
    return Decimal((0, tuple(int(digit) for digit in str(abs(number))), -places))


def money(kopecks: int, lang: Lang) -> str:
    """Return integer kopecks as «1 234,56 ₽» or "₽1,234.56", spaces unbreakable."""
    return _roubles(kopecks, "#,##0.00", lang)


def money_round(kopecks: int, lang: Lang) -> str:
    """Return money for a large figure: whole roubles without their zero kopecks, «412 000 ₽»; else as `money`."""
    return _roubles(kopecks, "#,##0" if kopecks % 100 == 0 else "#,##0.00", lang)


def _roubles(kopecks: int, pattern: str, lang: Lang) -> str:
    amount = _grouped(_shifted(kopecks, 2), pattern, lang)
    return (_MINUS if kopecks < 0 else "") + say("layout.money", lang, amount=amount).replace(" ", _NBSP)


def money_short(kopecks: int, lang: Lang) -> str:
    """Return a sum for a headline: from a million roubles on in millions cut to two places, «34,53 млн ₽».

    Cut, not rounded, so that a headline never promises more than there is; below a million as `money_round`.
    """
    million = 100 * 10**6
    if abs(kopecks) < million:
        return money_round(kopecks, lang)
    cut = Decimal(abs(kopecks) // (million // 100)) / 100
    amount = say("layout.money_millions", lang, amount=_grouped(cut, "#,##0.##", lang))
    return (_MINUS if kopecks < 0 else "") + amount.replace(" ₽", f"{_NBSP}₽")


def measured(volume: int | str | Decimal, unit: Mapping[str, Any], lang: Lang) -> str:
    """Return a volume with its unit, which agrees with it: «21 600 посещений».

    `unit` is ``{"code", "name"}``. A unit of a region that these texts don't know follows in brackets by its name:
    «21 600 (койко-день)».
    """
    number = Decimal(volume)
    shown = quantity(number, lang).replace(" ", _NBSP)
    forms = catalogue().get(f"units.{unit['code']}")
    if forms is None:
        return f"{shown} ({pick(unit['name'], lang)})"
    # A fraction takes the genitive singular in Russian («12,5 часа»), which is the form of "few".
    whole = number == number.to_integral_value()
    form = _LOCALES[lang].plural_form(abs(int(number))) if whole else {"ru": "few", "en": "other"}[lang]
    return str(forms[lang][form]).format(n=shown)


_LAWS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\b(\d+)-FZ\b", r"\1-ФЗ"),
        (r"\bBudget Code\b", "БК РФ"),
        (r"\bCivil Code\b", "ГК РФ"),
        (r"\bLabour Code\b", "ТК РФ"),
        (r"\bTax Code of Russia\b", "НК РФ"),
        (r"\bOrder of the Ministry of Finance (\d+)n\b", r"приказ Минфина № \1н"),
        (r"\bart\. ", f"ст.{_NBSP}"),
        (r"\bch\. ", f"гл.{_NBSP}"),
        (r"\bp\. ", f"п.{_NBSP}"),
    )
)


def law(ground: Text, lang: Lang) -> str:
    """Return a legal ground or rule as the reader's papers cite it: "189-FZ art. 19" is «189-ФЗ ст. 19» in Russian.

    A rule that is no plain citation has its words in `texts/rules.toml`.
    """
    rule = pick(ground, lang)
    entry = _rules().get(rule)
    if entry:
        return str(entry[lang])
    if lang == "en" or not isinstance(ground, str):
        return rule
    for pattern, replacement in _LAWS:
        rule = pattern.sub(replacement, rule)
    return rule


@cache
def _rules() -> dict[str, dict[str, Any]]:
    """Rules that aren't a plain citation, by the very text that a refusal carries."""
    return {entry["rule"]: entry for key, entry in catalogue().items() if key.startswith("rules.") and "rule" in entry}


def score(exact: str, lang: Lang, places: int = 2) -> str:
    """Return an exact fraction ("277/3") rounded half up to `places` decimals: «92,33»."""
    value = Fraction(exact)
    scaled = (abs(value) * 10**places + Fraction(1, 2)).__floor__()
    shown = _grouped(_shifted(scaled, places), f"#,##0.{'0' * places}", lang)
    return (_MINUS if value < 0 and scaled else "") + shown


def instant(value: Instant) -> datetime:
    """Return the moment as an aware UTC datetime. ValueError for one without a zone: it would be a guess."""
    moment_ = datetime.fromisoformat(value) if isinstance(value, str) else value
    if moment_.tzinfo is None:
        raise ValueError(f"a moment without a zone: {value}")
    return moment_.astimezone(UTC)


def zone_label(at: Instant, zone: str, lang: Lang) -> str:
    """Return «МСК, UTC+3», «МСК+4, UTC+7»; outside the span of Russian zones only "UTC+N"."""
    offset = instant(at).astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    sign = _MINUS if minutes < 0 else "+"
    utc = "UTC" if minutes == 0 else f"UTC{sign}{hours}" + (f":{rest:02}" if rest else "")
    to_moscow = minutes // 60 - 3
    if rest or not -1 <= to_moscow <= 9:  # Kaliningrad is MSK-1, Kamchatka MSK+9
        return utc
    moscow = say("layout.time.moscow", lang)
    shift = "" if to_moscow == 0 else f"{_MINUS if to_moscow < 0 else '+'}{abs(to_moscow)}"
    return f"{moscow}{shift}, {utc}"


def _local(at: Instant, pattern: str, zone: str, lang: Lang) -> str:
    local = instant(at).astimezone(ZoneInfo(zone))
    return format_datetime(local, say(pattern, lang), locale=_LOCALES[lang])


def day(at: Instant, zone: str, lang: Lang) -> str:
    """Return «4 декабря 2026», the day it is in the region's zone. A plain date ("2026-12-04") is taken as it is."""
    if isinstance(at, str) and len(at) == len("2026-12-04"):
        return _local(f"{at}T12:00:00Z", "layout.time.date", "UTC", lang)
    return _local(at, "layout.time.date", zone, lang)


def moment(at: Instant, zone: str, lang: Lang) -> str:
    """Return «4 декабря 2026, 18:00 (МСК, UTC+3)»."""
    shown = _local(at, "layout.time.moment", zone, lang)
    return say("layout.time.with_zone", lang, moment=shown, zone=zone_label(at, zone, lang))


def moment_short(at: Instant, zone: str, lang: Lang) -> str:
    """Return «4 декабря 2026, 18:00», for lists whose page names the zone once."""
    return _local(at, "layout.time.moment", zone, lang)


def moment_exact(at: Instant, zone: str, lang: Lang) -> str:
    """Return the moment to the second, with its zone: for entries of the log."""
    shown = _local(at, "layout.time.second", zone, lang)
    return say("layout.time.with_zone", lang, moment=shown, zone=zone_label(at, zone, lang))


def span(length: timedelta, lang: Lang, *, accusative: bool = False) -> str:
    """Return a length of time in its two largest units, cut, not rounded: «3 дня 4 часа».

    Cut, because a deadline must never look farther away than it is. Under a minute: «0 минут».
    """
    minutes = int(abs(length).total_seconds()) // 60
    parts = {"day": minutes // 1440, "hour": minutes // 60 % 24, "minute": minutes % 60}
    named = [(unit, number) for unit, number in parts.items() if number]
    if not named:
        named = [("minute", 0)]
    largest = list(parts).index(named[0][0])
    neighbours = [pair for pair in named if list(parts).index(pair[0]) <= largest + 1]
    return " ".join(
        count("layout.time.minute_accusative" if accusative and unit == "minute" else f"layout.time.{unit}", n, lang)
        for unit, n in neighbours
    )


def relative(at: Instant, now: Instant, lang: Lang) -> str:
    """Return «через 3 дня 4 часа», «2 часа назад», or «сейчас» within a minute."""
    difference = instant(at) - instant(now)
    if abs(difference) < timedelta(minutes=1):
        return say("layout.time.now", lang)
    key = "layout.time.in_future" if difference > timedelta() else "layout.time.in_past"
    return say(key, lang, span=span(difference, lang, accusative=True))
