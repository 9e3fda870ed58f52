"""Premises and advertising surfaces: listed, asked for, lent, returned; and fifty collisions that can't be.

In each collision two threads grant two requests for the same object and time at the same moment: exactly one is
granted, whichever. Both requests of a slot are of one provider, so that it changes nothing which one it was.
"""

from __future__ import annotations

import threading
from collections import Counter
from functools import partial
from typing import Any

from app.demo.data import Premises
from app.demo.world import Data, Provider, World, text_of

COLLISIONS = 50
SLOTS_OF_A_ROOM = 5


def lend(world: World) -> str:
    """List, lend, collide, return; a line that says how it went."""
    ids = {each.code: _list(world, each) for each in world.season.premises}
    _refuse_bad_requests(world, ids)
    collided = _collide(world, ids)
    surfaces = _advertise(world, ids)
    world.settle()
    lent = list(world.every(None, "providers.loans", status="signed", limit=200))
    world.facts["loans"] = len(lent)
    world.facts["premises"] = len(ids)
    return f"{len(ids)} objects, {len(lent)} loans, {collided} collisions lost by one each, {surfaces} surfaces"


def _owner(world: World) -> Any:
    return world.people["property_1"]


def _list(world: World, premises: Premises) -> str:
    year = world.season.year
    return world.do(
        _owner(world),
        "providers.list_premises",
        kind=premises.kind,
        title=premises.title,
        address=premises.address,
        territory=premises.territory,
        area_m2=premises.area_m2,
        latitude=premises.latitude,
        longitude=premises.longitude,
        permitted_use=premises.permitted_use.replace(";", ", "),
        accessibility=premises.accessibility,
        available_from=text_of(world.local(2, 1)),
        available_until=f"{year + 4}-12-31T20:59:59Z",
    ).id


def _tenants(world: World) -> list[Provider]:
    return [p for _, p in sorted(world.providers.items()) if p.staff.token and p.is_included][:10]


def _period(world: World, slot: int) -> Data:
    """The slot-th month from April on."""
    return {"starts": text_of(world.local(4 + slot, 1)), "ends": text_of(world.local(5 + slot, 1))}


# -- collisions -------------------------------------------------------------------------------------------------------


def _collide(world: World, ids: dict[str, str]) -> int:
    """Fifty slots, two requests each, granted by two threads at once; each slot ends with one loan."""
    rooms = [ids[each.code] for each in world.season.premises if each.kind == "room"]
    tenants = _tenants(world)
    slots = [(room, slot) for room in rooms for slot in range(SLOTS_OF_A_ROOM)][:COLLISIONS]
    jobs = [
        partial(_request_twice, world, tenants[at % len(tenants)], room, slot) for at, (room, slot) in enumerate(slots)
    ]
    pairs = world.each(jobs)
    answers = _grant_at_once(world, pairs)
    for first, second in answers:
        codes = Counter((first, second))
        world.expect("of two grants at once one is done", {"": 1, "loan_overlaps": 1}, dict(codes))
        world.count_refusal("loan_overlaps")
    world.each([partial(_finish, world, pair, codes) for pair, codes in zip(pairs, answers, strict=True)])
    return len(answers)


def _request_twice(world: World, tenant: Provider, room: str, slot: int) -> tuple[str, str]:
    ask = partial(world.do, tenant.staff, "providers.request_loan", premises_id=room, **_period(world, slot))
    return ask(purpose="кружок для детей").id, ask(purpose="кружок для детей, повторно").id


def _grant_at_once(world: World, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The codes of both grants of each pair, "" for the one that was done. Two threads meet before each."""
    owner = _owner(world)
    meeting = threading.Barrier(2, timeout=60)

    def grant(side: int) -> list[str]:
        codes = []
        for pair in pairs:
            meeting.wait()
            codes.append(world.attempt(owner, "providers.grant_loan", id=pair[side]).code)
        return codes

    first, second = world.each([partial(grant, 0), partial(grant, 1)], workers=2)
    return list(zip(first, second, strict=True))


def _finish(world: World, pair: tuple[str, str], codes: tuple[str, str]) -> None:
    """The winner is signed; the loser's request is refused with a reason."""
    won, lost = pair if codes[0] == "" else (pair[1], pair[0])
    tenant = world.ask(None, "providers.loan", id=won)["provider_id"]
    staff = next(provider.staff for provider in world.providers.values() if provider.id == tenant)
    world.do(staff, "providers.sign_loan", id=won)
    world.do(_owner(world), "providers.refuse_loan", id=lost, reason="объект уже передан на это время")


# -- surfaces and refusals --------------------------------------------------------------------------------------------


def _advertise(world: World, ids: dict[str, str]) -> int:
    """Advertising surfaces within the owner's yearly quota (38-FZ art. 10)."""
    surfaces = [ids[each.code] for each in world.season.premises if each.kind == "ad_surface"]
    tenant = _tenants(world)[0]
    for number, surface in enumerate(surfaces):
        loan = world.do(tenant.staff, "providers.request_loan", premises_id=surface, purpose="социальная реклама",
                        starts=text_of(world.local(4, 1)), ends=text_of(world.local(9, 1)))  # fmt: skip
        world.do(_owner(world), "providers.grant_loan", id=loan.id)
        world.do(tenant.staff, "providers.sign_loan", id=loan.id)
        if number == len(surfaces) - 1:
            more = world.do(tenant.staff, "providers.request_loan", premises_id=surface, purpose="ещё месяцы",
                            starts=text_of(world.local(9, 1)), ends=text_of(world.local(12, 31)))  # fmt: skip
            world.refused(_owner(world), "providers.grant_loan", "ad_quota_exceeded", id=more.id)
    return len(surfaces)


def _refuse_bad_requests(world: World, ids: dict[str, str]) -> None:
    tenant, room = _tenants(world)[0], ids["PR-01"]
    request = partial(world.refused, tenant.staff, "providers.request_loan", purpose="кружок")
    month = _period(world, 0)
    request("period_empty", premises_id=room, starts=month["ends"], ends=month["starts"])
    request("loan_in_past", premises_id=room, starts=text_of(world.local(2, 1)), ends=month["ends"])
    request(
        "loan_out_of_window", premises_id=room, starts=month["starts"], ends=f"{world.season.year + 5}-01-15T00:00:00Z"
    )
    request("premises_not_offered", premises_id=world.contests["O01"].order_id, **month)
    world.refused(_owner(world), "providers.request_loan", "forbidden_role", premises_id=room, purpose="себе", **month)
    asked = world.do(tenant.staff, "providers.request_loan", premises_id=room, purpose="склад", **month)
    world.refused(tenant.staff, "providers.grant_loan", "forbidden_role", id=asked.id)
    world.refused(tenant.staff, "providers.sign_loan", "wrong_state", id=asked.id)
    world.do(tenant.staff, "providers.cancel_loan", id=asked.id, reason="передумали")


def take_back(world: World) -> str:
    """Loans end by themselves; the owner takes the objects back."""
    ended = list(world.every(None, "providers.loans", status="ended", limit=200))
    world.expect("April's loans have ended", True, len(ended) >= 10)
    take = partial(world.do, _owner(world), "providers.return_loan", condition="состояние хорошее")
    world.each([partial(take, id=each["loan_id"]) for each in ended])
    world.settle()
    return f"{len(ended)} objects came back"
