"""Agreements: money and places reserved, refused and repaired, signed by both, declined, suspended."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from app.demo.bidding import WITHOUT_BIDS
from app.demo.world import Contest, Data, Person, Unexpected, World
from kernel.instants import from_text

STARTS, ENDS = "03-01", "12-31"
DECLINED = "O09"  # its first winner doesn't sign, so the next in rank is asked
SILENT = "O10"  # nobody signs its first agreement, so the next in rank is asked there too
SUSPENDED = "O05"
SHORT_OF_MONEY = "limit_short"
SHORT_OF_PLACES = "not_enough"
ROUNDS = 5

Agreement = dict[str, Any]


def conclude(world: World) -> str:
    """An agreement for every award, reserved and signed; what was refused is repaired and asked for again."""
    _refuse_bad_drafts(world)
    for contest in _with_awards(world):
        _draft_all(world, contest)
    _ask_for_all(world, every(world))
    causes = _repair(world)
    world.expect("money and places were short once", {SHORT_OF_MONEY, SHORT_OF_PLACES}, set(causes))
    _decline(world)
    _repair(world)
    _sign_all(world)
    _lapse(world)
    whole = every(world)
    active = [each for each in whole if each["status"] == "active"]
    world.expect("agreements that came about", len(whole) - 2, len(active))
    for contest in _with_awards(world):
        status = world.ask(None, "orders.competition", id=contest.competition_id)["status"]
        world.expect(f"{contest.key} after its agreements", "agreed", status)
    amount = sum(each["amount_kopecks"] for each in active)
    fates = f"{len(causes)} refusals repaired, 1 declined, 1 not signed in time"
    return f"{len(active)} agreements for {amount // 100:,} ₽; {fates}"


def every(world: World) -> list[Agreement]:
    """All agreements by number."""
    return sorted(world.every(None, "orders.agreements", limit=200), key=lambda each: str(each["number"]))


def active(world: World) -> list[Agreement]:
    return [each for each in every(world) if each["status"] == "active"]


def drafter_of(world: World, agreement: Agreement) -> Person:
    """The officer of the body who drafts."""
    return world.people[f"{_body(world, agreement)}_1"]


def signer_of(world: World, agreement: Agreement) -> Person:
    """The officer of the body who signs and accepts."""
    return world.people[f"{_body(world, agreement)}_2"]


def staff_of(world: World, provider_id: str) -> Person:
    """Who acts for a provider."""
    return next(provider.staff for provider in world.providers.values() if provider.id == provider_id)


def _body(world: World, agreement: Agreement) -> str:
    codes = {world.season.body_id(code): code for code in world.season.bodies}
    return codes[agreement["body_id"]]


def _with_awards(world: World) -> list[Contest]:
    return [contest for contest in world.contests.values() if contest.key != WITHOUT_BIDS]


# -- drafts and reservations ------------------------------------------------------------------------------------------


def _draft_all(world: World, contest: Contest) -> None:
    """Draft for every award without an agreement. Numbers are drawn in the order of lots and ranks: one by one."""
    year = world.season.year
    whole = world.ask(None, "orders.competition", id=contest.competition_id)
    fresh = [each for each in _in_rank(world, contest, whole) if each["agreement_id"] is None]
    for each in fresh:
        world.do(
            world.people[f"{contest.order.body}_1"],
            "orders.draft_agreement",
            award_id=each["award_id"],
            starts=f"{year}-{STARTS}",
            ends=f"{year}-{ENDS}",
            places=-(-each["volume"] // contest.order.units_per_place),
        )


def _in_rank(world: World, contest: Contest, whole: dict[str, Any]) -> list[dict[str, Any]]:
    """The awards in the order of lots and places."""
    lots = list(contest.lots)
    places = {bid["bid_id"]: bid["place"] or 0 for bid in world.bids(contest)}
    return sorted(whole["awards"], key=lambda each: (lots.index(each["lot_id"]), places[each["bid_id"]]))


def _ask_for_all(world: World, agreements: list[Agreement]) -> None:
    """Ask for money and places, one agreement after the other: those of a body share its limit."""
    for agreement in agreements:
        world.do(drafter_of(world, agreement), "orders.request_reservation", id=agreement["agreement_id"])
    world.settle()


def _repair(world: World) -> list[str]:
    """Remove the causes of what was refused and ask again, until nothing is; the causes. Money is asked for first."""
    causes: list[str] = []
    for _ in range(ROUNDS):
        refused = [agreement for agreement in every(world) if agreement["status"] == "draft"]
        if not refused:
            return causes
        short_of_money = [each for each in refused if str(each["reason"]).startswith("Не хватает")]
        short_of_places = [each for each in refused if each not in short_of_money]
        for each in refused:
            causes.append(SHORT_OF_MONEY if each in short_of_money else SHORT_OF_PLACES)
            world.count_refusal(causes[-1])
        for body_id, together in _grouped(short_of_money, "body_id"):
            _raise_limit(world, body_id, together)
        for _, together in _grouped(short_of_places, "provider_id", "form"):
            _fund_places(world, together)
        _ask_for_all(world, refused)
    numbers = ", ".join(str(each["number"]) for each in every(world) if each["status"] == "draft")
    raise Unexpected("reserving money and places", "every agreement to be sent at last", f"not {numbers}")


def _grouped(agreements: list[Agreement], *fields: str) -> list[tuple[str, list[Agreement]]]:
    """Agreements with the same values, each group under the first value."""
    found: dict[tuple[str, ...], list[Agreement]] = {}
    for agreement in agreements:
        found.setdefault(tuple(agreement[field] for field in fields), []).append(agreement)
    return [(key[0], together) for key, together in found.items()]


def _raise_limit(world: World, body_id: str, together: list[Agreement]) -> None:
    """By what these agreements of one body cost."""
    treasurer, year = world.people["treasurer_1"], world.season.year
    line = world.ask(treasurer, "billing.budget_lines", body_id=body_id, year=year)["items"][0]
    world.refused(treasurer, "billing.set_limit", "limit_below_taken", body_id=body_id, year=year, amount_kopecks=1,
                  reason="сокращение расходов")  # fmt: skip
    more = sum(agreement["amount_kopecks"] for agreement in together)
    world.do(treasurer, "billing.set_limit", body_id=body_id, year=year, reason="уточнение бюджета",
             amount_kopecks=line["limit_kopecks"] + more)  # fmt: skip


def _fund_places(world: World, together: list[Agreement]) -> None:
    """As many as these agreements of one provider and form need."""
    provider_id, form = together[0]["provider_id"], together[0]["form"]
    staff = staff_of(world, provider_id)
    workspace = world.ask(staff, "providers.workspace", id=provider_id)
    places = next(each for each in workspace["places"] if each["form"] == form)
    funded = places["reserved"] + sum(agreement["places"] for agreement in together)
    world.do(staff, "providers.set_places", id=provider_id, form=form, maximum=max(places["maximum"], funded),
             funded=funded)  # fmt: skip
    if places["reserved"]:
        world.refused(staff, "providers.set_places", "places_below_reserved", id=provider_id, form=form,
                      maximum=places["maximum"], funded=0)  # fmt: skip


def _decline(world: World) -> None:
    """A winner refuses to sign: its volume goes to the next in rank, by itself."""
    contest = world.contests[DECLINED]
    whole = world.ask(None, "orders.competition", id=contest.competition_id)
    first = _in_rank(world, contest, whole)[0]
    winner = staff_of(world, first["provider_id"])
    world.do(winner, "orders.decline_agreement", id=first["agreement_id"], reason="уволились сотрудники")
    world.settle()
    before = {each["agreement_id"] for each in every(world)}
    _draft_all(world, contest)
    fresh = [each for each in every(world) if each["agreement_id"] not in before]
    world.expect("the next in rank is asked", True, len(fresh) >= 1)
    _ask_for_all(world, fresh)


# -- signatures -------------------------------------------------------------------------------------------------------


def _sign_all(world: World) -> None:
    sent = [agreement for agreement in every(world) if agreement["status"] == "sent" and agreement != _silent(world)]
    _refuse_bad_signatures(world, sent[0])
    world.each([partial(_sign, world, agreement) for agreement in sent[1:]])
    world.settle()


def _silent(world: World) -> Agreement:
    """The agreement whose provider never answers."""
    competition_id = world.contests[SILENT].competition_id
    return next(each for each in every(world) if each["competition_id"] == competition_id)


def _lapse(world: World) -> None:
    """A winner says nothing until the term to sign is over: that is a refusal, and the next in rank is asked."""
    silent = _silent(world)
    until = world.ask(None, "orders.agreement", id=silent["agreement_id"])["sign_by"]
    world.move(from_text(until) + timedelta(seconds=1))
    world.refused(staff_of(world, silent["provider_id"]), "orders.sign_agreement", "signed_late",
                  id=silent["agreement_id"])  # fmt: skip
    world.move(from_text(until) + timedelta(seconds=10))
    found = world.ask(None, "orders.agreement", id=silent["agreement_id"])
    world.expect("what isn't signed in time", ("void", "not_signed_in_time"), (found["status"], found["reason"]))
    contest = world.contests[SILENT]
    before = {each["agreement_id"] for each in every(world)}
    _draft_all(world, contest)
    fresh = [each for each in every(world) if each["agreement_id"] not in before]
    world.expect("the next in rank is asked then", True, len(fresh) >= 1)
    _ask_for_all(world, fresh)
    _repair(world)
    for agreement in every(world):
        if agreement["status"] == "sent":
            _sign(world, agreement)
    world.settle()


def _sign(world: World, agreement: Agreement) -> None:
    this: Data = {"id": agreement["agreement_id"]}
    world.do(staff_of(world, agreement["provider_id"]), "orders.sign_agreement", **this)
    world.do(signer_of(world, agreement), "orders.countersign_agreement", **this)


def _refuse_bad_drafts(world: World) -> None:
    contest = world.contests["O01"]
    award = world.ask(None, "orders.competition", id=contest.competition_id)["awards"][0]
    year = world.season.year
    good = {"award_id": award["award_id"], "starts": f"{year}-{STARTS}", "ends": f"{year}-{ENDS}", "places": 1}
    refused = partial(world.refused, world.people["department_1"], "orders.draft_agreement")
    refused("dates_invalid", **{**good, "ends": f"{year + 1}-01-31"})
    refused("not_found", **{**good, "award_id": contest.order_id})
    world.refused(world.people["belomorsk_1"], "orders.draft_agreement", "not_yours", **good)


def _refuse_bad_signatures(world: World, agreement: Agreement) -> None:
    """Sign one agreement with every wrong turn on the way."""
    this: Data = {"id": agreement["agreement_id"]}
    own, drafter = staff_of(world, agreement["provider_id"]), drafter_of(world, agreement)
    stranger = next(p.staff for p in world.providers.values() if p.staff.token and p.staff is not own)
    world.refused(stranger, "orders.sign_agreement", "not_yours", **this)
    world.refused(signer_of(world, agreement), "orders.countersign_agreement", "wrong_state", **this)
    world.do(own, "orders.sign_agreement", **this)
    world.refused(drafter, "orders.countersign_agreement", "four_eyes", **this)
    world.do(signer_of(world, agreement), "orders.countersign_agreement", **this)
    world.refused(drafter, "orders.void_agreement", "wrong_state", **this, reason="передумали заключать")


# -- later ------------------------------------------------------------------------------------------------------------


def suspend(world: World) -> Agreement:
    """One agreement is suspended for a while."""
    contest = world.contests[SUSPENDED]
    agreement = next(each for each in active(world) if each["competition_id"] == contest.competition_id)
    world.do(drafter_of(world, agreement), "orders.suspend_agreement", id=agreement["agreement_id"],
             reason="ремонт помещений исполнителя")  # fmt: skip
    world.settle()
    return agreement


def resume(world: World, agreement: Agreement) -> None:
    world.do(drafter_of(world, agreement), "orders.resume_agreement", id=agreement["agreement_id"])
    world.settle()
