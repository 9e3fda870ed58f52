"""The pages' addresses (those of `web/links.py`), what each asks, static files, and the error page."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from kernel.ids import is_id
from kernel.refusal import MISSING, Refused
from services.gateway.calls import Answered, Asker
from services.gateway.problems import NO_PATH, headers_of, status_of
from services.gateway.web import STATIC_DIR
from services.gateway.web.contexts.landing import ErrorPage, ProblemPage
from services.gateway.web.links import ROUTES, link
from services.gateway.web.pages import catalogue as catalogue_pages
from services.gateway.web.pages import certificates as certificate_pages
from services.gateway.web.pages import log as log_pages
from services.gateway.web.pages import market
from services.gateway.web.pages import premises as premises_pages
from services.gateway.web.pages.frame import Frame, chosen
from services.gateway.web.pages.market import at_once
from services.gateway.wording import in_words

PAGE = 50
#: How many pages of objects are looked through for one that stands as the reader asked.
PREMISES_PAGES = 10
YEAR_S = 31_536_000
Show = Callable[[Request, Frame], Awaitable[Response]]


def add_pages(app: FastAPI, frame: Frame) -> None:
    """Add every page, the static files and the redirects of addresses that people guess."""
    for name, show in PAGES.items():
        app.add_api_route(
            ROUTES[name], _route(show, frame), methods=["GET", "HEAD"], include_in_schema=False, response_model=None
        )
    for path, target in (("/register", "/providers"), ("/register/{id}", "/providers/{id}")):
        app.add_api_route(
            path, _redirect(target), methods=["GET", "HEAD"], include_in_schema=False, response_model=None
        )
    for path, show in (
        ("/competitions/{id}", market.competition),
        ("/competitions/{id}/lots/{lot_id}/protocol", market.protocol),
        (ROUTES["provider_document"], market.provider_document),
        ("/log/{event_id}", entry_of_event),
        ("/problems/{code}", problem),
        ("/static/{name:path}", static),
    ):
        app.add_api_route(
            path, _route(show, frame), methods=["GET", "HEAD"], include_in_schema=False, response_model=None
        )


def _route(show: Show, frame: Frame) -> Callable[[Request], Awaitable[Response]]:
    async def page(request: Request) -> Response:
        return await show(request, frame)

    return page


def _redirect(target: str) -> Callable[[Request], Awaitable[Response]]:
    async def elsewhere(request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(target.format_map(request.path_params) + query, 308)

    return elsewhere


# -- the log ----------------------------------------------------------------------------------------------------------


async def log(request: Request, frame: Frame) -> Response:
    asker = await frame.asker(request)
    filters = chosen(request, "source", "type", "subject")
    cursor = request.query_params.get("cursor", "")
    asked: dict[str, Any] = {name: value for name, value in filters.items() if value}
    if filters["subject"]:
        asked["subject"] = await _subject(frame, asker, filters["subject"].strip())
    older = {**asked, "newest_first": True, "limit": PAGE}
    if cursor.isdigit():
        older["cursor"] = cursor[:18]
    entries = await frame.calls.reply("audit.entries", older, asker)
    newer = None
    if "cursor" in older and (places := _places(entries)):
        before = {**asked, "cursor": str(places[-1]), "limit": PAGE}
        above = _places(await frame.calls.reply("audit.entries", before, asker))
        newer = str(above[-1] + 1) if above else None
    tree = await frame.calls.reply(*market.LOG, asker)
    types = frame.gate.contracts.event_types
    context = log_pages.log_page(filters, entries, newer, tree, types, frame.log_key)
    return await frame.answer(request, "log", context)


def _places(entries: Mapping[str, Any]) -> list[int]:
    """The places in the tree that a page covers, withheld ones too, lowest first."""
    return sorted([item["index"] for item in entries["items"]] + entries["withheld"])


async def _subject(frame: Frame, asker: Asker, said: str) -> str:
    """The stream that a reader means: by its own name ("Loan/…"), a record's id, or the number that people know."""
    if "/" in said:
        return said
    if is_id(said):
        streams = [f"{kind}/{said}" for kind in STREAMS]
        asked = [{"subject": stream, "limit": 1} for stream in streams]
        found = await at_once(asked, lambda each: frame.calls.reply("audit.entries", each, asker))
        return next((stream for stream, page in zip(streams, found, strict=True) if page["items"]), said)
    answers = await at_once(NUMBERED, lambda each: frame.calls.query(each.query, {each.asks: said, "limit": 1}, asker))
    for numbered, answer in zip(NUMBERED, answers, strict=True):
        # A service that doesn't answer has no number to give: the log is shown without it all the same.
        for item in answer.get("reply", {"items": []})["items"]:
            if item["number"] == said:
                return f"{numbered.kind}/{item[numbered.id]}"
    return said


STREAMS = (
    "SocialOrder",
    "Competition",
    "RegisterEntry",
    "Agreement",
    "Act",
    "Premises",
    "Loan",
    "Certificate",
    "CertificateOffer",
    "Workspace",
    "Invoice",
    "ListedService",
    "ServiceProposal",
    "Calculation",
)


class Numbered(NamedTuple):
    """A list whose records people know by a number, and the stream of a record in the log."""

    kind: str
    query: str
    asks: str
    id: str


NUMBERED = (
    Numbered("SocialOrder", "orders.social_orders", "number", "order_id"),
    Numbered("Competition", "orders.competitions", "number", "competition_id"),
    Numbered("Agreement", "orders.agreements", "number", "agreement_id"),
    Numbered("RegisterEntry", "registry.providers", "q", "id"),
)


async def log_entry(request: Request, frame: Frame) -> Response:
    asker = await frame.asker(request)
    source, sequence = request.path_params["source"], request.path_params["sequence"]
    if not (sequence.isdigit() and len(sequence) <= 18):
        raise Refused(MISSING.having(what="entry", id=sequence[:40]))
    place = {"source": source[:40], "sequence": int(sequence)}
    item = await _optional(frame, "audit.entry", place, asker)
    if item is None:
        return await _closed_entry(request, frame, asker, place["source"], int(sequence))
    # The proof first: the tree that is asked for after it has a checkpoint at least as large.
    inclusion = await _optional(frame, "audit.inclusion", {"index": item["index"]}, asker)
    tree = await frame.calls.reply(*market.LOG, asker)
    causation = log_pages.event_of(item).get("causationid")
    cause = await _optional(frame, "audit.entry", {"event_id": causation}, asker) if causation else None
    address = str(request.base_url).rstrip("/")
    context = log_pages.entry_page(item, tree, inclusion, cause, frame.log_key, address)
    return await frame.answer(request, "log_entry", context)


async def _closed_entry(request: Request, frame: Frame, asker: Asker, source: str, sequence: int) -> Response:
    """How many entries each log holds is public, so that one that may not be read yet isn't taken for a missing one."""
    tree = await frame.calls.reply(*market.LOG, asker)
    context = log_pages.closed_entry_page(tree, source, sequence)
    if context is None:
        raise Refused(MISSING.having(what="entry", id=f"{source}/{sequence}"))
    return await frame.answer(request, "log_closed", context)


async def entry_of_event(request: Request, frame: Frame) -> Response:
    """/log/<event id> leads to the entry's own address."""
    event_id = request.path_params["event_id"]
    if not is_id(event_id):
        raise Refused(NO_PATH)
    item = await frame.calls.reply("audit.entry", {"event_id": event_id}, await frame.asker(request))
    return RedirectResponse(link("log_entry", source=item["source"], sequence=item["sequence"]), 303)


async def _optional(frame: Frame, name: str, params: Mapping[str, Any], asker: Asker) -> dict[str, Any] | None:
    """A reply that the page can do without: None where there is none, or none yet."""
    try:
        return await frame.calls.reply(name, params, asker)
    except Answered as problem:
        if problem.refusal["kind"] not in ("missing", "conflict"):
            raise
        return None


# -- premises ---------------------------------------------------------------------------------------------------------


async def premises(request: Request, frame: Frame) -> Response:
    asker = await frame.asker(request)
    filters = chosen(request, "kind", "status", "territory")
    cursor = request.query_params.get("cursor")
    asked, items, following = premises_pages.asked(filters), [], cursor
    for _ in range(PREMISES_PAGES):
        reply = await frame.calls.reply(
            "providers.premises", asked | ({"cursor": following} if following else {}), asker
        )
        items += [item for item in reply["items"] if premises_pages.fits(item, filters)]
        following = reply["next"]
        if items or following is None:
            break
    context = premises_pages.premises_page(filters, items, following, frame.region, cursor)
    return await frame.answer(request, "premises", context)


# -- other addresses --------------------------------------------------------------------------------------------------


async def static(request: Request, frame: Frame) -> Response:
    """A static file. Its address carries a part of its hash, so it may be kept for a year; without that, minutes."""
    path = (STATIC_DIR / request.path_params["name"]).resolve()
    if not path.is_relative_to(STATIC_DIR.resolve()) or not path.is_file():
        raise Refused(NO_PATH)
    asked = request.query_params.get("v")
    lasting = asked is not None and _digest(str(path)).startswith(asked)
    age = f"public, max-age={YEAR_S}, immutable" if lasting or path.suffix == ".woff2" else "public, max-age=300"
    return FileResponse(path, headers={"Cache-Control": age, "Cross-Origin-Resource-Policy": "same-origin"})


@cache
def _digest(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def problem(request: Request, frame: Frame) -> Response:
    """What a refusal's code means: the address that every problem document names as its type (RFC 9457 3.1.1)."""
    code = request.path_params["code"]
    known = frame.gate.contracts.refusals.get(code)
    if known is None:
        raise Refused(NO_PATH)
    context: ProblemPage = {
        "code": code,
        "status": status_of({"code": code, "kind": known["kind"]}),
        "cases": [{"sentence": {"ru": case["ru"], "en": case["en"]}, "rule": case["rule"]} for case in known["cases"]],
    }
    return await frame.answer(request, "problem", context)


async def error_page(request: Request, frame: Frame, refusal: Mapping[str, Any]) -> Response:
    """A refusal as a page, for a person with a browser."""
    status = status_of(refusal)
    headers = headers_of(refusal)
    said = in_words(refusal, frame.region.site["zone"])
    own = {"ru": said["ru"], "en": said["en"]}
    shown = status not in (404, 500)  # these pages' own words say it better than the code's
    context: ErrorPage = {
        "status": status,
        "refusal": {"code": refusal["code"], "sentence": own, "rule": refusal.get("rule") or None} if shown else None,
        "retry_after_s": int(headers["Retry-After"]) if "Retry-After" in headers else None,
    }
    answer = await frame.answer(request, "error", context, status)
    answer.headers.update(headers)
    return answer


PAGES: dict[str, Show] = {
    "landing": market.landing,
    "orders": market.orders,
    "order": market.order,
    "providers": market.providers,
    "provider": market.provider,
    "catalogue": catalogue_pages.catalogue,
    "service": catalogue_pages.service,
    "certificates": certificate_pages.certificates,
    "premises": premises,
    "log": log,
    "log_entry": log_entry,
}
