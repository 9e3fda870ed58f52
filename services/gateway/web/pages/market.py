"""The landing page, orders and providers: what each asks of the services, some of it at once."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from kernel.ids import derived_id, is_id
from kernel.refusal import Refused
from services.gateway.calls import Answered, Asker
from services.gateway.problems import NO_PATH
from services.gateway.web.contexts.common import TrailItem
from services.gateway.web.links import link
from services.gateway.web.pages import landing as landing_pages
from services.gateway.web.pages import log as log_pages
from services.gateway.web.pages import lots as lot_pages
from services.gateway.web.pages import orders as order_pages
from services.gateway.web.pages import providers as provider_pages
from services.gateway.web.pages.frame import Frame, chosen

ROWS = 20
BIDS = 50
COMPLAINTS = 50
TRAIL = 30
MOST = 200
LOG: tuple[str, dict[str, Any]] = ("audit.tree", {})
CUSTODIANS = ("custodian_1", "custodian_2", "custodian_3")

_HASH = re.compile(r"[0-9a-f]{64}")
Reply = dict[str, Any]
Item = TypeVar("Item")
Made = TypeVar("Made")


def id_of(request: Request, name: str = "id") -> str:
    """The id in the address; what can't be one is an address that doesn't exist."""
    id = str(request.path_params[name])
    if not is_id(id):
        raise Refused(NO_PATH)
    return id


async def at_once(items: Sequence[Item], ask: Callable[[Item], Awaitable[Made]]) -> list[Made]:
    """`ask` of every item, all at once, answers in the items' order. The bound on calls is that of `Calls`."""
    found: dict[int, Made] = {}
    failures: list[Exception] = []

    async def one(position: int, item: Item) -> None:
        try:
            found[position] = await ask(item)
        except (Refused, Answered) as problem:
            failures.append(problem)

    async with anyio.create_task_group() as group:
        for position, item in enumerate(items):
            group.start_soon(one, position, item)
    if failures:
        raise failures[0]
    return [found[position] for position in range(len(items))]


# -- the landing page -------------------------------------------------------------------------------------------------


async def landing(request: Request, frame: Frame) -> Response:
    asker, calls = await frame.asker(request), frame.calls
    taking_bids = {"competition": "open", "counted": True, "limit": MOST}
    open_orders, register, balance, tree = await at_once(
        (("orders.social_orders", taking_bids), ("registry.figures", {}), ("billing.trial_balance", {}), LOG),
        lambda call: calls.reply(*call, asker),
    )
    trust = log_pages.trust(tree, tree["size"], frame.log_key)
    context = landing_pages.landing_page(open_orders, register, balance, frame.region, trust)
    return await frame.answer(request, "landing", context)


# -- orders -----------------------------------------------------------------------------------------------------------


async def orders(request: Request, frame: Frame) -> Response:
    """All orders, the newest first; with a state chosen, the orders whose competition is in it."""
    asker = await frame.asker(request)
    filters = chosen(request, "status", "territory", "service")
    cursor = request.query_params.get("cursor")
    asked: dict[str, Any] = {"limit": ROWS, "counted": True} | ({"cursor": cursor} if cursor else {})
    if filters["status"] in order_pages.STATUSES:
        asked["competition"] = filters["status"]
    if filters["territory"]:
        asked["territory"] = filters["territory"]
    if filters["service"]:
        asked["service_code"] = filters["service"]
    reply = await frame.calls.reply("orders.social_orders", asked, asker)
    return await frame.answer(request, "orders", order_pages.orders_page(filters, reply, frame.region, cursor))


async def _latest(frame: Frame, asker: Asker, order_id: str) -> Reply | None:
    """The competition to show with an order, as the list of competitions has it."""
    found = await frame.calls.reply("orders.competitions", {"order_id": order_id, "limit": ROWS}, asker)
    shown = order_pages.latest(found["items"])
    return dict(shown) if shown else None


async def order(request: Request, frame: Frame) -> Response:
    asker, id = await frame.asker(request), id_of(request)
    found = await frame.calls.reply("orders.social_order", {"id": id}, asker)
    listed = await _latest(frame, asker, id)
    competition: Reply | None = None
    parts: dict[str, Reply] = {}
    releases: dict[str, str | None] = {}
    subjects = [f"SocialOrder/{id}"]
    if listed:
        competition_id = listed["competition_id"]
        competition = await frame.calls.reply("orders.competition", {"id": competition_id}, asker)
        subjects.append(f"Competition/{competition_id}")
        competition["complaints"] = await _complaints(frame, asker, competition_id)
        parts = await _bids(request, frame, asker, competition)
        if listed["status"] == "closed":
            releases = await _releases(frame, asker, competition_id)
    trail, events = await trail_of(frame, asker, subjects)
    tree = await frame.calls.reply(*LOG, asker)
    trust = log_pages.trust(tree, events, frame.log_key)
    context = order_pages.order_page(found, competition, parts, releases, frame.region, trail, subjects, trust)
    return await frame.answer(request, "order", context)


async def _complaints(frame: Frame, asker: Asker, competition_id: str) -> list[Reply]:
    """The latest complaints, the earliest of them first."""
    asked = {"competition_id": competition_id, "limit": COMPLAINTS}
    found: list[Reply] = (await frame.calls.reply("orders.complaints", asked, asker))["items"]
    return found[::-1]


async def _bids(request: Request, frame: Frame, asker: Asker, competition: Reply) -> dict[str, Reply]:
    """The first of each lot's bids by rank; of the lot in the address those after its cursor."""
    chosen_lot, cursor = request.query_params.get("lot"), request.query_params.get("cursor")

    async def part(lot_id: str) -> Reply:
        asked = {"id": competition["competition_id"], "lot_id": lot_id, "order": "place", "limit": BIDS}
        after = cursor if lot_id == chosen_lot else None
        found = await frame.calls.reply("orders.competition_bids", asked | ({"cursor": after} if after else {}), asker)
        return {**found, "cursor": after}

    lots = lot_pages.lots_with_bids(competition)
    return dict(zip(lots, await at_once(lots, part), strict=True))


async def _releases(frame: Frame, asker: Asker, competition_id: str) -> dict[str, str | None]:
    """When each custodian released its layers, from the public log."""

    async def released(name: str) -> str | None:
        subject = f"CompetitionKey/{derived_id('custodian', name, competition_id)}"
        asked = {"subject": subject, "type": "LayersReleased", "limit": 1}
        found = await frame.calls.reply("audit.entries", asked, asker)
        return str(log_pages.event_of(found["items"][0])["time"]) if found["items"] else None

    return dict(zip(CUSTODIANS, await at_once(CUSTODIANS, released), strict=True))


async def trail_of(frame: Frame, asker: Asker, subjects: Sequence[str]) -> tuple[list[TrailItem], int]:
    """The latest events of streams that the asker may read, newest first, and how many there are in all."""

    async def entries(subject: str) -> list[Mapping[str, Any]]:
        asked = {"subject": subject, "newest_first": True, "limit": TRAIL}
        found: list[Mapping[str, Any]] = (await frame.calls.reply("audit.entries", asked, asker))["items"]
        return found

    streams = await at_once(subjects, entries)
    # A stream's events are numbered without a gap, so the newest one's number is how many there are.
    events = sum(int(log_pages.event_of(items[0])["streamversion"]) for items in streams if items)
    return log_pages.trail([item for items in streams for item in items])[:TRAIL], events


async def competition(request: Request, frame: Frame) -> Response:
    """A competition is shown on its order's page."""
    found = await frame.calls.reply("orders.competition", {"id": id_of(request)}, await frame.asker(request))
    return RedirectResponse(link("order", id=found["order_id"]), 303)


async def protocol(request: Request, frame: Frame) -> Response:
    """The protocol of a lot, the very bytes whose hash is in the log. It may run nothing and load nothing."""
    asked = {"id": id_of(request), "lot_id": id_of(request, "lot_id")}
    found = await frame.calls.reply("orders.protocol", asked, await frame.asker(request))
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {"Content-Security-Policy": policy, "ETag": f'"{found["hash"]}"', "Cache-Control": "no-cache"}
    return HTMLResponse(found["html"], headers=headers)


# -- providers --------------------------------------------------------------------------------------------------------


async def providers(request: Request, frame: Frame) -> Response:
    asker = await frame.asker(request)
    filters = chosen(request, "q", "kind", "form", "territory")
    cursor = request.query_params.get("cursor")
    asked = {**provider_pages.asked(filters), "limit": ROWS} | ({"cursor": cursor} if cursor else {})
    reply = await frame.calls.reply("registry.providers", asked, asker)
    places = await _places(frame, asker, [item["id"] for item in reply["items"]])
    free = provider_pages.free_places(places)
    context = provider_pages.providers_page(filters, reply, free, frame.region, cursor)
    return await frame.answer(request, "providers", context)


async def _places(frame: Frame, asker: Asker, provider_ids: Sequence[str]) -> list[Reply]:
    """Places by form of several providers: four forms at most of each, so that a page of them is one answer."""
    asked = {"provider_ids": list(provider_ids), "limit": MOST}
    found: list[Reply] = (await frame.calls.reply("providers.places", asked, asker))["items"]
    return found


async def _head(frame: Frame, asker: Asker, ref: str | None) -> str | None:
    """The head's name, where the law publishes it. The vault stands apart: without it the card is shown all the same."""
    if not ref:
        return None
    answer = await frame.calls.query("vault.published_names", {"person_refs": [ref]}, asker)
    person = answer.get("reply", {}).get("names", {}).get(ref)
    return str(person["full_name"]) if person else None


async def provider_document(request: Request, frame: Frame) -> Response:
    """A document of a card, the very bytes whose hash is in the log: saved, never shown by this site."""
    asked = {"id": id_of(request), "hash": str(request.path_params["hash"])}
    if not _HASH.fullmatch(asked["hash"]):
        raise Refused(NO_PATH)
    found = await frame.calls.reply("registry.document", asked, await frame.asker(request))
    kind = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}[found["media_type"]]
    headers = {
        "Content-Disposition": f'attachment; filename="{asked["hash"][:16]}.{kind}"',
        "X-Content-Type-Options": "nosniff",
        "ETag": f'"{asked["hash"]}"',
        "Cache-Control": "private, no-cache",
    }
    return Response(base64.b64decode(found["content"]), media_type=found["media_type"], headers=headers)


async def provider(request: Request, frame: Frame) -> Response:
    asker, id = await frame.asker(request), id_of(request)
    card = await frame.calls.reply("registry.provider", {"id": id}, asker)
    places = await _places(frame, asker, [id])
    consortia = await frame.calls.reply("registry.consortia", {"provider_id": id, "limit": ROWS}, asker)
    active = {"provider_id": id, "status": "active", "limit": MOST}
    agreements = await frame.calls.reply("orders.agreements", active, asker)
    head = await _head(frame, asker, card["head_ref"])
    trail, events = await trail_of(frame, asker, [f"RegisterEntry/{id}"])
    tree = await frame.calls.reply(*LOG, asker)
    trust = log_pages.trust(tree, events, frame.log_key)
    active_ones = len(agreements["items"])
    context = provider_pages.provider_page(
        card, places, consortia["items"], active_ones, head, frame.region, trail, trust
    )
    return await frame.answer(request, "provider", context)
