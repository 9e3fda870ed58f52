"""From a context to HTML: `render`, and what templates may call.

`render` is pure: same name, language and context, same text. What is computed here is presentation only: which cell
of a comparison is the best, which of the five steps is reached, where the next page is.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from fractions import Fraction
from functools import cache
from typing import Any

from jinja2 import Environment, pass_context
from jinja2.runtime import Context

from services.gateway.web import text
from services.gateway.web.contexts.orders import Bid, Competition, Criterion, Lot
from services.gateway.web.links import link, with_query
from services.gateway.web.text import LANGS, Lang
from services.gateway.web.theme import bare_environment, static_link

PAGES: dict[str, str] = {
    "landing": "landing",
    "orders": "orders",
    "order": "order",
    "providers": "providers",
    "provider": "provider",
    "catalogue": "catalogue",
    "service": "service",
    "certificates": "certificates",
    "premises": "premises",
    "log": "log",
    "log_entry": "entry",
    "log_closed": "entry",
    "problem": "problem",
    "error": "error",
}
"""Each page's name and the key of its own context; `contexts` says what is in it."""

RECORDS = {
    "SocialOrder": "order",
    "Competition": "competition",
    "RegisterEntry": "provider",
    "Workspace": "provider",
}
"""Streams of the log whose record has a page."""

STEPS = ("submission", "opening", "evaluation", "complaints", "contract")
ERROR_TEXTS = (400, 403, 404, 409, 429, 500, 503)


def render(name: str, lang: Lang, **context: Any) -> str:
    """Return the HTML of a page of PAGES in "ru" or "en".

    `context` holds ``site``, ``page`` and the page's own key. Raises KeyError for an unknown page, ValueError for
    another language, TypeError for a missing key, jinja2.UndefinedError when a value inside is missing.
    """
    key = PAGES[name]
    if lang not in LANGS:
        raise ValueError(f"no such language: {lang}")
    if missing := {"site", "page", key} - context.keys():
        raise TypeError(f"page {name} lacks {', '.join(sorted(missing))}")
    return _environment().get_template(f"{name}.html").render(context, lang=lang)


@cache
def _environment() -> Environment:
    environment = bare_environment()
    environment.filters.update(
        money=_spoken(text.money),
        money_round=_spoken(text.money_round),
        money_short=_spoken(text.money_short),
        measured=_measured,
        law=_spoken(text.law),
        coded=_coded,
        blanks=_blanks,
        subject_words=_subject_words,
        quantity=_spoken(text.quantity),
        score=_spoken(text.score),
        words=_spoken(text.pick),
        span=_spoken(text.span),
        day=_timed(text.day),
        moment=_timed(text.moment),
        moment_short=_timed(text.moment_short),
        moment_exact=_timed(text.moment_exact),
        relative=_relative,
        utc=_utc,
        fraction=lambda exact: str(Fraction(exact)),
        event_words=_event_words,
        wait=_wait,
    )
    environment.globals.update(
        t=_say,
        say=text.say,
        n=_count,
        term=_term,
        tone=text.tone,
        link=link,
        with_query=with_query,
        static=static_link,
        switch=_switch,
        zone_now=_zone_now,
        error_key=error_key,
        record_link=record_link,
        step_states=step_states,
        comparison=comparison,
        left=_left,
    )
    return environment


# --- words: each reads the page's language, and for moments its zone and clock, from the context of the template


def _spoken(function: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def filter_(context: Context, value: Any, **options: Any) -> str:
        return function(value, lang=context["lang"], **options)

    return filter_


def _timed(function: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def filter_(context: Context, value: Any) -> str:
        return function(value, zone=context["site"]["zone"], lang=context["lang"])

    return filter_


@pass_context
def _say(context: Context, key: str, **values: object) -> str:
    return text.say(key, context["lang"], **values)


@pass_context
def _count(context: Context, key: str, number: int) -> str:
    return text.count(key, number, context["lang"])


@pass_context
def _term(context: Context, group: str, code: str) -> str:
    return text.term(group, code, context["lang"])


@pass_context
def _measured(context: Context, volume: int | str, unit: dict[str, Any]) -> str:
    return text.measured(volume, unit, context["lang"])


@pass_context
def _coded(context: Context, words: text.Text, group: str) -> str:
    """Return a field that holds words, or codes of `group` with commas between them, in the reader's language."""
    lang = context["lang"]
    return ", ".join(text.term(group, part.strip(), lang) for part in text.pick(words, lang).split(","))


@pass_context
def _subject_words(context: Context, subject: str) -> str:
    """Return what a stream of the log is about, with the beginning of its id: «Конкурс 878b2059»."""
    kind, _, id = subject.partition("/")
    return f"{text.term('stream', kind, context['lang'])} {id[:8]}".strip()


@pass_context
def _relative(context: Context, at: text.Instant) -> str:
    return text.relative(at, context["page"]["now"], context["lang"])


@pass_context
def _left(context: Context, at: text.Instant) -> str | None:
    """Return how long it is until then, in words, or None when it has passed."""
    rest = text.instant(at) - text.instant(context["page"]["now"])
    return text.span(rest, context["lang"]) if rest.total_seconds() > 0 else None


@pass_context
def _zone_now(context: Context) -> str:
    return text.zone_label(context["page"]["now"], context["site"]["zone"], context["lang"])


@pass_context
def _event_words(context: Context, type_: str) -> str:
    return text.event(type_, context["lang"])


@pass_context
def _wait(context: Context, seconds: int) -> str:
    """Return the minutes to wait, rounded up: nobody should come back too early."""
    return text.span(timedelta(minutes=-(-seconds // 60)), context["lang"], accusative=True)


def record_link(subject: str) -> str | None:
    """Return the address of the page of a stream's record, or None where it has none."""
    kind, _, id = subject.partition("/")
    return link(RECORDS[kind], id=id) if kind in RECORDS and id else None


def _blanks(sentence: str) -> str:
    """Return a refusal's sentence with an ellipsis where the facts of a case stand in it."""
    return re.sub(r"{\w+}", "…", sentence).replace("….", "…")


def _utc(at: text.Instant) -> str:
    """Return the machine form for <time datetime>."""
    return text.instant(at).isoformat().replace("+00:00", "Z")


@pass_context
def _switch(context: Context, **changed: str) -> str:
    """Return the address of this same page with another language or view."""
    page = context["page"]
    return with_query(page["path"], {**page["query"], **changed})


# --- presentation


def error_key(status: int) -> int:
    """Return the status whose texts describe this one."""
    if status in ERROR_TEXTS:
        return status
    return 500 if status >= 500 else {401: 403, 410: 404, 412: 409, 428: 409}.get(status, 400)


def step_states(competition: Competition) -> list[tuple[str, str]]:
    """Return the five steps with done | now | stopped | ahead."""
    if competition["finished"]:
        return [(step, "done") for step in STEPS]
    stopped = competition["stopped"]
    current = stopped["step"] if stopped else competition["step"]
    reached = STEPS.index(current) if current else -1
    here = "stopped" if stopped else "now"
    return [(step, "done" if i < reached else here if i == reached else "ahead") for i, step in enumerate(STEPS)]


def comparison(lot: Lot, criteria: list[Criterion]) -> list[dict[str, Any]]:
    """Return rows for the comparison: admitted bids by rank, then the others; each with its cells in criteria's order.

    ``[{"bid": Bid, "cells": [{"criterion", "offer", "score", "best"}], "best_total": bool}]``. The best are all admitted
    bids that reach the lot's highest exact score, which may be that of a bid on another page.
    """
    bids = lot["bids"] or []
    best = {each["criterion"]: each["score"] for each in lot["best"]}
    ordered = sorted(bids, key=lambda bid: (bid["status"] != "admitted", bid["rank"] is None, bid["rank"] or 0))
    return [
        {
            "bid": bid,
            "cells": [
                {
                    **_cell(bid, criterion),
                    "criterion": criterion,
                    "best": _reaches(bid, _cell(bid, criterion)["score"], best.get(criterion["key"])),
                }
                for criterion in criteria
            ],
            "best_total": _reaches(bid, bid["total"], lot["best_total"]),
        }
        for bid in ordered
    ]


def _cell(bid: Bid, criterion: Criterion) -> dict[str, Any]:
    for cell in bid["cells"]:
        if cell["criterion"] == criterion["key"]:
            return {"offer": cell["offer"], "score": cell["score"]}
    return {"offer": {}, "score": None}


def _reaches(bid: Bid, score: str | None, best: str | None) -> bool:
    if bid["status"] != "admitted" or score is None or best is None:
        return False
    return Fraction(score) == Fraction(best)
