"""Refusals in words: roles, states, kinds of records, instants and sums that services say by codes and figures.

A service writes its sentence with the facts of the case, and some facts are codes of the domain ("officer",
"signed_by_provider"). Programs read them in `details`, which stays as it is; in the Russian sentence a person reads
their words. In English the codes are words already. Nothing here changes a code, a kind or a detail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.gateway.web.text import LANGS, Lang, catalogue, moment_exact, money, term

Refusal = Mapping[str, Any]

SHOWN = 3
"""How many places of a refused input the sentence names; `errors` has all of them."""

_BOTH = re.compile(r"(?:(?P<name>[\w.]+): )?(?P<ru>[^/]*[А-Яа-яЁё][^/]*) / (?P<en>.+)")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_NUMBER = re.compile(r"-?\d+")


def in_words(refusal: Refusal, zone: str = "UTC") -> dict[str, Any]:
    """The refusal with sentences as people say them, instants in the region's `zone`."""
    said = {**refusal, "ru": _translated(refusal)}
    for lang in LANGS:
        said[lang] = _with_figures(said[lang], refusal, lang, zone)
    for name in ("reason", "summary", "problem"):
        fact = str((refusal.get("details") or {}).get(name, ""))
        for lang in LANGS:
            said[lang] = said[lang].replace(fact, _half(fact, lang)) if fact else said[lang]
    errors = _errors(refusal)
    if errors and refusal["code"] == "invalid_input":
        before = str(refusal["details"].get("summary", ""))
        for lang in LANGS:
            shown = "; ".join(f"{each['pointer'] or '/'}: {message(each, lang)}" for each in errors[:SHOWN])
            more = len(errors) - SHOWN
            shown += {"ru": f"; и ещё {more}", "en": f"; and {more} more"}[lang] if more > 0 else ""
            said[lang] = said[lang].replace(before, shown) if before else said[lang]
    return said


def message(error: Mapping[str, Any], lang: Lang) -> str:
    """What is wrong at one place of the input, by the code that the schema gives it; an unknown code in its own words."""
    entry = catalogue().get(f"inputs.{error['code']}")
    if entry is None:
        return str(error["message"])
    number = _NUMBER.search(str(error["message"]))
    quoted = str(error["message"]).partition(" should be ")[2].partition(" match pattern ")
    words: str = entry[lang]
    return words.format(number=number[0] if number else "…", choice=quoted[0].replace(" or ", ", "))


def _errors(refusal: Refusal) -> Sequence[Mapping[str, Any]]:
    found: Sequence[Mapping[str, Any]] = (refusal.get("details") or {}).get("errors") or ()
    return found


def _half(fact: str, lang: Lang) -> str:
    """A fact said as "по-русски / in English" in the reader's language."""
    both = _BOTH.fullmatch(fact)
    if both is None:
        return fact
    return (f"{both['name']}: " if both["name"] else "") + both[lang]


def _with_figures(sentence: str, refusal: Refusal, lang: Lang, zone: str) -> str:
    """Instants as people read them, kopecks as roubles."""
    for name, value in (refusal.get("details") or {}).items():
        if isinstance(value, str) and _INSTANT.fullmatch(value):
            sentence = sentence.replace(value, moment_exact(value, zone, lang))
        elif name.endswith("_kopecks") and isinstance(value, int):
            sentence = re.sub(rf"(?<!\d){value}(?:\s(?:коп\.|kopecks))?(?!\d)", money(value, lang), sentence)
    return sentence if sentence.endswith((".", "!", "?")) else f"{sentence}."


def _translated(refusal: Refusal) -> str:
    sentence = str(refusal["ru"])
    for name, said in (refusal.get("details") or {}).items():
        words = _WORDS.get(name)
        if words and isinstance(said, str) and said:
            sentence = re.sub(rf"(?<![\w-]){re.escape(said)}(?![\w-])", words(said).replace("\\", r"\\"), sentence)
    return sentence


def _of(group: str) -> Callable[[str], str]:
    def words(said: str) -> str:
        return ", ".join(_lower(term(group, code, "ru")) for code in said.split(", "))

    return words


def _lower(words: str) -> str:
    """Inside a sentence a word begins small, an abbreviation doesn't."""
    return words if words[:2].isupper() else words[:1].lower() + words[1:]


_WORDS: Mapping[str, Callable[[str], str]] = {
    "role": _of("role"),
    "roles": _of("role"),
    "state": _of("state"),
    "allowed": _of("state"),
    "what": _of("what"),
}
