"""Names of organisations as lists give them: quotes, legal forms, and what two names have in common.

Everything here only reads what is written. Where a reading is not certain the result says so, and a person decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

QUOTES = '"«»„“”‟″＂'
_LETTER = r"[а-яёa-z]"


@dataclass(frozen=True)
class LegalForm:
    """A legal form as it was recognised: its name in words, the kind of provider that follows (or None)."""

    name: str
    kind: str | None


def normalised(text: str) -> str:
    """For comparing and searching: lower case, ё as е, no quotes or punctuation, single spaces."""
    lowered = text.casefold().replace("ё", "е")
    return " ".join(re.sub(r"[^0-9a-zа-я]+", " ", lowered).split())


@lru_cache(maxsize=4096)
def grams(text: str) -> tuple[str, ...]:
    """What a substring search looks up: three-letter pieces of words, and their first letters as `^а`, `^аб`."""
    found: set[str] = set()
    for word in normalised(text).split():
        found.update({"^" + word[:1], "^" + word[:2]})
        found.update(word[i : i + 3] for i in range(len(word) - 2))
    return tuple(sorted(found))


def grams_wanted(text: str) -> list[str]:
    """The pieces that a name must have to contain `text`: for one or two letters, a word's beginning."""
    wanted: set[str] = set()
    for word in normalised(text).split():
        pieces = {word[i : i + 3] for i in range(len(word) - 2)}
        wanted |= pieces or {"^" + word}
    return sorted(wanted)


# -- quotes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Quoted:
    """A name with its quotes set in order: «outer „inner“»; `repaired` where one was missing or left over."""

    text: str
    repaired: bool


def with_quotes_in_order(name: str) -> Quoted:
    """Set quotes of any kind as «…„…“…», and close what was left open.

    A quote before a word opens and one after a word closes. A closing quote that nothing opened is left out and an
    open one is closed at the end; `repaired` then tells a person to look.
    """
    text = " ".join(name.split())
    made: list[str] = []
    depth, repaired = 0, False
    for at, sign in enumerate(text):
        if sign not in QUOTES:
            made.append(sign)
        elif _opens(text, at, depth):
            made.append("«" if depth == 0 else "„")
            depth += 1
        elif depth == 0:
            repaired = True
        else:
            depth -= 1
            made.append("»" if depth == 0 else "“")
    while depth:
        depth -= 1
        made.append("»" if depth == 0 else "“")
        repaired = True
    return Quoted(" ".join("".join(made).split()), repaired)


def _opens(text: str, at: int, depth: int) -> bool:
    if text[at] in "«„":
        return True
    if text[at] == "»" or (text[at] == "“" and depth > 1):
        return False
    before = text[at - 1] if at else " "
    after = text[at + 1] if at + 1 < len(text) else " "
    return (before in " (-" or before in QUOTES) and after not in " ).,;"


def is_in_capitals(name: str) -> bool:
    """Whether a name of several long words is written in capitals only."""
    words = re.findall(r"[А-ЯЁа-яёA-Za-z]{4,}", name)
    return len(words) > 1 and all(word.isupper() for word in words)


def short_name(text: str, form: LegalForm | None) -> str:
    """The name for lists: the part in outer quotes where the form before it is spelled out, else the name itself."""
    quoted = re.search(r"«([^«»]+)»$", text)
    before = text[: quoted.start()].strip() if quoted else ""
    if form and quoted and re.search(rf"{_LETTER}{{4,}}", before):
        return f"«{quoted.group(1)}»"
    return text


# -- legal forms ------------------------------------------------------------------------------------------------------

_NPO, _STATE = "npo", "budget_institution"
_ABBREVIATIONS: tuple[tuple[str, str, str | None], ...] = (
    (r"ИП", "индивидуальный предприниматель", "individual"),
    (r"ООО", "общество с ограниченной ответственностью", None),
    (r"ПАО|ОАО|ЗАО|АО", "акционерное общество", None),
    (r"АНО", "автономная некоммерческая организация", _NPO),
    (r"БФМС", "благотворительный фонд местного сообщества", _NPO),
    (r"Б[ОФ]", "благотворительный фонд", _NPO),
    (r"ЧС?У|НЧУ", "частное учреждение", _NPO),
    (r"[МГОКФ]{1,3}БУ[А-Я]{0,4}", "бюджетное учреждение", _STATE),
    (r"[МГОКФ]{1,3}АУ[А-Я]{0,4}", "автономное учреждение", _STATE),
    (r"[МГОКФ]{1,3}КУ[А-Я]{0,4}", "казённое учреждение", _STATE),
    (r"[А-Я]{0,4}О(О|МО)", "общественная организация", _NPO),
    (r"ТОС", "территориальное общественное самоуправление", _NPO),
    (r"НП", "некоммерческое партнёрство", _NPO),
    (r"НКО", "некоммерческая организация (форма не указана)", _NPO),
)
_WORDS: tuple[tuple[str, str, str | None], ...] = (
    (r"индивидуальн\w+ предпринимател\w+", "индивидуальный предприниматель", "individual"),
    (r"обществ\w+ с ограниченной ответственностью", "общество с ограниченной ответственностью", None),
    (r"акционерн\w+ обществ\w+", "акционерное общество", None),
    (r"автономн\w+ некоммерческ\w+ организаци\w+", "автономная некоммерческая организация", _NPO),
    (r"благотворительн\w+(?: \w+){0,3} фонд\w*", "благотворительный фонд", _NPO),
    (r"общественн\w+(?: \w+)? организаци\w+", "общественная организация", _NPO),
    (r"общественн\w+ движени\w+", "общественное движение", _NPO),
    (r"(?:муниципальн|государственн|областн|краев)\w+(?: \w+)? бюджетн\w+(?: \w+){0,3} учреждени\w+",
     "бюджетное учреждение", _STATE),
    (r"(?:муниципальн|государственн|областн|краев)\w+(?: \w+)? автономн\w+(?: \w+){0,3} учреждени\w+",
     "автономное учреждение", _STATE),
    (r"(?:муниципальн|государственн|областн|краев)\w+(?: \w+)? казенн\w+(?: \w+){0,3} учреждени\w+",
     "казённое учреждение", _STATE),
    (r"частн\w+(?: \w+){0,3} учреждени\w+", "частное учреждение", _NPO),
    (r"территориальн\w+ общественн\w+ самоуправлени\w+", "территориальное общественное самоуправление", _NPO),
    (r"религиозн\w+ организаци\w+|приход", "религиозная организация", _NPO),
    (r"казачь\w+ обществ\w+", "казачье общество", _NPO),
    (r"ассоциаци\w+", "ассоциация (союз)", _NPO),
    (r"некоммерческ\w+ партнерств\w+", "некоммерческое партнёрство", _NPO),
    (r"некоммерческ\w+ организаци\w+", "некоммерческая организация (форма не указана)", _NPO),
    (r"фонд\w*", "фонд", _NPO),
)  # fmt: skip


def legal_form(name: str) -> LegalForm | None:
    """The legal form that `name` says, by its words or by its abbreviation; None where it says none.

    What stands before the quotes is looked at first: in «Культурная база „…“ (МБУ …)» the form stands behind.
    """
    outside = re.sub(r"«[^»]*»", " ", with_quotes_in_order(name).text)
    for part in (outside, name):
        found = _by_words(part) or _by_abbreviation(part)
        if found:
            return found
    return None


def _by_words(text: str) -> LegalForm | None:
    plain = normalised(text)
    for pattern, form, kind in _WORDS:
        if re.search(rf"\b(?:{pattern})\b", plain):
            return LegalForm(form, kind)
    return None


def _by_abbreviation(text: str) -> LegalForm | None:
    for word in re.findall(r"\b[А-ЯЁ]{2,8}\b", text):
        for pattern, form, kind in _ABBREVIATIONS:
            if re.fullmatch(pattern, word):
                return LegalForm(form, kind)
    return None


def says_part_of_another(name: str) -> bool:
    """Whether the name is that of a part: «… при …», or with its institution in brackets."""
    outside = re.sub(r"«[^»]*»", " ", with_quotes_in_order(name).text)
    return bool(re.search(r"\bпри\b", outside)) or bool(re.search(r"\([^)]*\b[А-Я]{2,}У\b", name))


# -- likeness ---------------------------------------------------------------------------------------------------------

_COMMON = frozenset(
    normalised(
        "и в на с по для при им имени г город городская городской региональная региональный областная краевая местная "
        "некоммерческая автономная общественная организация организации благотворительный благотворительная фонд "
        "центр учреждение муниципальное государственное бюджетное казённое социальный социальная социального со"
    ).split()
)


@lru_cache(maxsize=4096)
def telling_words(name: str) -> frozenset[str]:
    """The words of a name that tell it from others: no legal form, no words that every second name has."""
    kept = []
    for word in normalised(name).split():
        upper = word.upper()
        if any(re.fullmatch(pattern, upper) for pattern, _, _ in _ABBREVIATIONS):
            continue
        kept.append(word)
    return frozenset(word for word in kept if word not in _COMMON)


def may_be_the_same(one: str, other: str) -> bool:
    """Whether two names may be one organisation: equal, or one's telling words (two at least) are all in the other."""
    if normalised(one) == normalised(other):
        return True
    a, b = sorted((telling_words(one), telling_words(other)), key=len)
    return len(a) >= 2 and a <= b
