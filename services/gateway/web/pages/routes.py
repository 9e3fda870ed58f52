"""The pages' addresses (those of `web/links.py`), what each asks, static files, and the error page."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response

from kernel.ids import is_id
from kernel.refusal import MISSING, Refused
from services.gateway.calls import Answered, Asker
from services.gateway.problems import NO_PATH, headers_of, status_of
from services.gateway.web import STATIC_DIR
from services.gateway.web.contexts import ErrorPage
from services.gateway.web.links import ROUTES, link
from services.gateway.web.pages import log as log_pages
from services.gateway.web.pages import market
from services.gateway.web.pages import premises as premises_pages
from services.gateway.web.pages.frame import Frame, chosen

PAGE = 50
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
        ("/log/{event_id}", entry_of_event),
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
    if is_id(filters["subject"]):
        asked["subject"] = await _subject(frame, asker, filters["subject"])
    older = {**asked, "newest_first": True, "limit": PAGE}
    if cursor.isdigit():
        older["cursor"] = cursor[:18]
    entries = await frame.calls.reply("audit.entries", older, asker)
    newer = None
    if "cursor" in older and (places := _places(entries)):
        before = {**asked, "cursor": str(places[-1]), "limit": PAGE}
        above = _places(await frame.calls.reply("audit.entries", before, asker))
        newer = str(above[-1] + 1) if above else None
    tree = await frame.calls.reply("audit.tree", {}, asker)
    types = frame.gate.contracts.event_types
    context = log_pages.log_page(filters, entries, newer, tree, types, frame.region.site.get("log_key"))
    return await frame.answer(request, "log", context)


def _places(entries: Mapping[str, Any]) -> list[int]:
    """The places in the tree that a page covers, withheld ones too, lowest first."""
    return sorted([item["index"] for item in entries["items"]] + entries["withheld"])


async def _subject(frame: Frame, asker: Asker, id: str) -> str:
    """The stream that a bare id names: pages know records by their ids, the log by kind and id."""
    for kind in STREAMS:
        found = await frame.calls.reply("audit.entries", {"subject": f"{kind}/{id}", "limit": 1}, asker)
        if found["items"] or found["withheld"]:
            return f"{kind}/{id}"
    return id


STREAMS = (
    "SocialOrder",
    "Competition",
    "RegisterEntry",
    "Agreement",
    "Act",
    "Premises",
    "Loan",
    "Workspace",
    "Invoice",
)


async def log_entry(request: Request, frame: Frame) -> Response:
    asker = await frame.asker(request)
    source, sequence = request.path_params["source"], request.path_params["sequence"]
    if not (sequence.isdigit() and len(sequence) <= 18):
        raise Refused(MISSING.having(what="entry", id=sequence[:40]))
    place = {"source": source[:40], "sequence": int(sequence)}
    item = await frame.calls.reply("audit.entry", place, asker)
    # The proof first: the tree that is asked for after it has a checkpoint at least as large.
    inclusion = await _optional(frame, "audit.inclusion", {"index": item["index"]}, asker)
    tree = await frame.calls.reply("audit.tree", {}, asker)
    causation = log_pages.event_of(item).get("causationid")
    cause = await _optional(frame, "audit.entry", {"event_id": causation}, asker) if causation else None
    context = log_pages.entry_page(item, tree, inclusion, cause, frame.region.site.get("log_key"))
    return await frame.answer(request, "log_entry", context)


async def entry_of_event(request: Request, frame: Frame) -> Response:
    """/log/<event id> leads to the entry's own address."""
    event_id = request.path_params["event_id"]
    if not is_id(event_id):
        raise Refused(NO_PATH)
    item = await frame.calls.reply("audit.entry", {"event_id": event_id}, await frame.asker(request))
    return RedirectResponse(link("log_entry", source=item["source"], sequence=item["sequence"]), 303)


async def _optional(frame: Frame, name: str, params: Mapping[str, Any], asker: Asker) -> dict[str, Any] | None:
    """A reply that the page can do without: None where the service refuses it."""
    try:
        return await frame.calls.reply(name, params, asker)
    except Answered:
        return None


# -- premises ---------------------------------------------------------------------------------------------------------


async def premises(request: Request, frame: Frame) -> Response:
    asker = await frame.asker(request)
    filters = chosen(request, "kind", "status", "territory")
    cursor = request.query_params.get("cursor")
    asked = premises_pages.asked(filters) | ({"cursor": cursor} if cursor else {})
    reply = await frame.calls.reply("providers.premises", asked, asker)
    names: dict[str, str] = {}
    if any(item["lent_to"] for item in reply["items"]):
        loans = await frame.calls.reply("providers.loans", {"status": "signed", "limit": 200}, asker)
        names = {loan["provider_id"]: loan["provider_name"] or loan["provider_id"] for loan in loans["items"]}
    context = premises_pages.premises_page(filters, reply, names, frame.region, cursor)
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


async def error_page(request: Request, frame: Frame, refusal: Mapping[str, Any]) -> Response:
    """A refusal as a page, for a person with a browser."""
    status = status_of(refusal)
    headers = headers_of(refusal)
    own = {"ru": refusal["ru"], "en": refusal["en"]}
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
    "premises": premises,
    "log": log,
    "log_entry": log_entry,
}
