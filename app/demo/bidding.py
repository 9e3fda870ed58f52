"""Questions and sealed bids: made, replaced, withdrawn, refused, and late.

Most bids are sealed by the gateway; every fourth is sealed here, as a bidder's own device would, and the gateway sees
only the sealed form. The bids of one competition are sent one after another, so that their order in the log, which
settles a tie, is the same in every run; competitions go on side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from app.demo.data import Lot, pick
from app.demo.register import REFUSED, SUSPENDED
from app.demo.world import Contest, Data, Provider, World
from kernel import canonical
from kernel.ids import new_id
from kernel.instants import from_text
from kernel.sealing import from_base64, seal

WITHOUT_BIDS = "O12"
TIED = "O03-1"
QUESTIONED = "O10"  # its question stays unanswered until the deadline has moved
TOO_DEAR = ("O01-2", 32)
VERY_LOW = ("O07-1", 39)  # asked to be justified, and not rejected for it
SEALED_BY_BIDDER = 4  # every fourth


@dataclass(frozen=True)
class Plan:
    """What one provider bids for one lot. `content` is what is sealed."""

    contest: Contest
    lot_id: str
    lot: Lot
    provider: Provider
    content: dict[str, Any]

    @property
    def is_sealed_by_bidder(self) -> bool:
        return pick(SEALED_BY_BIDDER, "device", self.lot.key, self.provider.organisation.number) == 0


def ask_questions(world: World) -> str:
    """Questions are asked by name and answered without it; one is left open for now."""
    asked = 0
    for contest in (*list(world.contests.values())[:4], world.contests[QUESTIONED]):
        bidder = _bidders(world, contest)[0]
        question = world.do(bidder.staff, "orders.ask_question", id=contest.competition_id,
                            text="Можно ли оказывать услугу в выходные дни?")  # fmt: skip
        asked += 1
        if contest.key == QUESTIONED:
            world.facts["open_question"] = question.reply["question_id"]
            continue
        answer = partial(world.do, world.people[f"{contest.order.body}_1"], "orders.answer_question")
        answer(
            id=contest.competition_id, question_id=question.reply["question_id"], answer="Да, по графику соглашения."
        )
    one = world.contests["O01"]
    world.refused(
        world.people["evaluator_1"], "orders.ask_question", "forbidden_role", id=one.competition_id, text="…?"
    )
    shown = world.ask(None, "orders.competition", id=one.competition_id)["questions"]
    world.expect("a question is shown without its asker", False, any("actor" in str(question) for question in shown))
    return f"{asked} questions, {asked - 1} answered"


# -- bids -------------------------------------------------------------------------------------------------------------


def bid(world: World) -> str:
    """Every competition's bids, then what may and may not be done with them."""
    plans = {contest.key: list(_plans(world, contest)) for contest in world.contests.values()}
    jobs = [partial(_bid_all, world, plans[contest.key]) for contest in world.contests.values()]
    by_bidders = sum(world.each(jobs))
    bids = sum(map(len, plans.values()))
    world.expect("at least 120 bids", True, bids >= 120)
    world.facts["bids"] = bids
    _refuse_bad_bids(world, plans["O01"])
    _change_bids(world, plans)
    world.settle()
    return f"{bids} bids, {by_bidders} sealed on the bidder's side"


def _bidders(world: World, contest: Contest) -> list[Provider]:
    """Whose services fit, in the order of their numbers; who is not in the register doesn't bid."""
    return [
        provider
        for number, provider in sorted(world.providers.items())
        if not provider.organisation.is_real
        and contest.order.service in provider.organisation.services
        and number not in (REFUSED, SUSPENDED)
    ]


def _plans(world: World, contest: Contest) -> Iterator[Plan]:
    for lot_id, lot in contest.lots.items():
        for provider in _bidders(world, contest):
            number = provider.organisation.number
            if lot.key != TIED and pick(8, "stays away", lot.key, number) == 0:
                continue
            yield Plan(contest, lot_id, lot, provider, _content(world, contest, lot, provider))


def _content(world: World, contest: Contest, lot: Lot, provider: Provider) -> dict[str, Any]:
    number, organisation = provider.organisation.number, provider.organisation
    percent = 85 + pick(15, "price", lot.key, number)
    if lot.key == TIED:
        percent = 90 if number in (23, 29) else 91 + pick(8, "price", lot.key, number)
    if (lot.key, number) == VERY_LOW:
        percent = 45
    if (lot.key, number) == TOO_DEAR:
        percent = 103
    capacity = organisation.places.get(contest.order.form, 0) * contest.order.units_per_place
    # Most offer the whole lot; where somebody wins with less, the rest goes to the next in rank.
    share = 100 if pick(3, "whole", lot.key, number) else 50 + pick(50, "volume", lot.key, number)
    values: dict[str, int] = {}
    for criterion in contest.order.criteria:
        if criterion["key"] == "experience":
            values["experience"] = world.season.year - organisation.founded
        if criterion["key"] == "coverage":
            values["coverage"] = 1 + pick(9, "coverage", number)
    return {
        "price_kopecks": lot.limit_price_kopecks * percent // 100,
        "volume": max(1, min(lot.volume * share // 100, capacity)),
        "values": values,
        "text": f"{organisation.short_name} предлагает оказывать услугу силами своих сотрудников.",
        "people": [],
    }


def _bid_all(world: World, plans: list[Plan]) -> int:
    """Send the bids of a competition in their order; how many were sealed on the bidder's side."""
    sealed = 0
    for plan in plans:
        data = _bound(plan)
        if plan.is_sealed_by_bidder:
            made = world.do(plan.provider.staff, "orders.submit_bid", **data, **_sealed_here(world, plan, 1))
            sealed += 1
        else:
            made = world.do(plan.provider.staff, "orders.submit_bid", **data, bid=plan.content)
        world.expect("a bid has a receipt at once", True, "receipt" in made.body)
        plan.contest.bids += 1
    return sealed


def _bound(plan: Plan) -> Data:
    return {"competition_id": plan.contest.competition_id, "lot_id": plan.lot_id}


def _sealed_here(world: World, plan: Plan, version: int) -> dict[str, Any]:
    """What a bidder's device does: seal for the three published keys, bound to lot, bidder and version."""
    if not plan.contest.keys:
        plan.contest.keys = world.ask(None, "orders.custodian_keys", id=plan.contest.competition_id)["keys"]
    keys = plan.contest.keys
    associated = canonical.dumps({**_bound(plan), "provider_id": plan.provider.id, "bid_version": version})
    sealed = seal(canonical.dumps(plan.content), associated, [from_base64(keys[name]) for name in sorted(keys)])
    return {"bid_version": version, "sealed": sealed.to_dict()}


def _refuse_bad_bids(world: World, plans: list[Plan]) -> None:
    """What bidding doesn't take: nothing of it leaves a trace."""
    plan = plans[0]
    staff, bound = plan.provider.staff, _bound(plan)
    submit = partial(world.refused, staff, "orders.submit_bid")
    submit("bid_standing", **bound, bid=plan.content)
    submit("invalid_input", **bound, bid={**plan.content, "price_kopecks": -1})
    submit("invalid_input", **bound, bid={**plan.content, "price_kopecks": 10**17})
    submit("invalid_input", **bound, bid={**plan.content, "price_roubles": 400})
    submit("lot_unknown", **{**bound, "lot_id": new_id()}, bid=plan.content)
    submit("not_found", **{**bound, "competition_id": world.contests[WITHOUT_BIDS].order_id}, bid=plan.content)
    world.refused(staff, "orders.replace_bid", "bid_version_wrong", **bound, **_sealed_here(world, plan, 7))
    officer = world.people["department_1"]
    world.refused(officer, "orders.submit_bid", "forbidden_role", **bound, bid=plan.content)
    world.refused(None, "orders.submit_bid", "unauthenticated", **bound, bid=plan.content)
    excluded = world.providers[SUSPENDED]
    contest = world.contests["O10"]
    world.refused(excluded.staff, "orders.submit_bid", "provider_not_active", competition_id=contest.competition_id,
                  lot_id=next(iter(contest.lots)), bid=plan.content)  # fmt: skip
    key = new_id()
    question: Data = {"id": plan.contest.competition_id}
    world.do(staff, "orders.ask_question", key=key, **question, text="Нужна ли доставка на этаж?")
    world.refused(staff, "orders.ask_question", "idempotency_key_reused", key=key, **question, text="Другой вопрос")
    answered = world.ask(officer, "orders.competition", **question)["questions"][-1]
    world.do(officer, "orders.answer_question", **question, question_id=answered["question_id"], answer="Да.")
    _refuse_bad_requests(world, plan)


def _refuse_bad_requests(world: World, plan: Plan) -> None:
    """What no client of the description would send."""
    address = f"/api/v1/competitions/{plan.contest.competition_id}/questions"
    headers = {"Authorization": f"Bearer {plan.provider.staff.token}", "Idempotency-Key": new_id()}
    for body, code in (
        (b'{"text": ', "malformed_json"),
        (b'{"text": "?", "text": "!"}', "malformed_json"),
        (b'{"text": 1.5}', "invalid_input"),
        (b'{"text": "' + b"x" * 2_000_000 + b'"}', "body_too_large"),
    ):
        world.expect_code(f"POST {address} with {body[:20]!r}", code, world.api.send("POST", address, body, headers))
    bare = {"Authorization": headers["Authorization"]}
    world.expect_code("no key", "idempotency_key_missing", world.api.send("POST", address, b'{"text": "?"}', bare))


def _change_bids(world: World, plans: dict[str, list[Plan]]) -> None:
    """Some are replaced, one on the bidder's own device; some are withdrawn; one is both and made anew."""
    replaced, withdrawn = 0, 0
    for key in sorted(plans):
        if key == WITHOUT_BIDS:
            continue
        plan = plans[key][pick(len(plans[key]), "replaced", key)]
        if plan.lot.key != TIED:
            better = {**plan.content, "price_kopecks": plan.content["price_kopecks"] - 100}
            world.do(plan.provider.staff, "orders.replace_bid", **_bound(plan), bid=better)
            replaced += 1
        leaving = plans[key][-1]
        if leaving is not plan and leaving.lot.key != TIED and pick(2, "withdrawn", key) == 0:
            world.do(leaving.provider.staff, "orders.withdraw_bid", **_bound(leaving))
            leaving.contest.bids -= 1
            withdrawn += 1
    one = plans["O02"][0]
    staff, bound = one.provider.staff, _bound(one)
    world.do(staff, "orders.withdraw_bid", **bound)
    world.refused(staff, "orders.withdraw_bid", "wrong_state", **bound)
    world.refused(staff, "orders.replace_bid", "wrong_state", **bound, bid=one.content)
    version = world.do(staff, "orders.submit_bid", **bound, bid=one.content).reply["bid_version"]
    device = _sealed_here(world, one, version + 1)
    world.do(staff, "orders.replace_bid", **bound, **device)
    world.facts["replaced"], world.facts["withdrawn"] = replaced + 1, withdrawn + 1


# -- the deadline -----------------------------------------------------------------------------------------------------


def close(world: World) -> str:
    """The clock comes to the deadline: late bids are refused, bidding closes and bids are opened by themselves."""
    common = world.contests["O01"]
    _refuse_early_looks(world, common)
    world.move(_instant(common.deadline, -3600))  # the open question is seen before the deadline
    moved = world.ask(None, "orders.competition", id=world.contests[QUESTIONED].competition_id)
    questioned = world.contests[QUESTIONED]
    world.expect("an open question moves the deadline", True, moved["deadline"] > questioned.deadline)
    questioned.deadline = moved["deadline"]
    world.do(world.people[f"{questioned.order.body}_1"], "orders.answer_question", id=questioned.competition_id,
             question_id=world.facts["open_question"], answer="Да, по графику соглашения.")  # fmt: skip
    world.move(_instant(common.deadline, 0))
    _bid_late(world, common)
    world.move(_instant(common.deadline, 10))
    _wait_until_opened(world, [contest for contest in world.contests.values() if contest is not questioned])
    world.move(_instant(questioned.deadline, 10))
    _wait_until_opened(world, [questioned])
    return _opened(world)


def _instant(text: str, seconds: int) -> datetime:
    return from_text(text) + timedelta(seconds=seconds)


def _refuse_early_looks(world: World, contest: Contest) -> None:
    """Before the closing nobody sees who bids: neither the page of the competition nor the log."""
    world.expect("no bids are shown before the closing", [], world.bids(contest, world.people["department_1"]))
    officer = world.people["department_2"]
    world.refused(officer, "orders.begin_evaluation", "wrong_state", id=contest.competition_id)
    log = world.ask(None, "audit.entries", type="BidSubmitted", limit=5)
    world.expect("before the closing a visitor reads no bid in the log", ([], []), (log["items"], log["withheld"]))


def _bid_late(world: World, contest: Contest) -> None:
    """The first late attempt of a provider is logged; further ones are counted."""
    late = world.providers[42]
    lot_id = next(iter(contest.lots))
    bound: Data = {"competition_id": contest.competition_id, "lot_id": lot_id}
    content = {"price_kopecks": 30_000, "volume": 100, "values": {}, "text": "", "people": []}
    for _ in range(2):
        world.refused(late.staff, "orders.submit_bid", "bid_late", **bound, bid=content)
    standing = world.ask(late.staff, "orders.my_bids", competition_id=contest.competition_id)["items"]
    if standing:
        world.refused(late.staff, "orders.withdraw_bid", "bid_change_late", competition_id=contest.competition_id,
                      lot_id=standing[0]["lot_id"])  # fmt: skip


def _wait_until_opened(world: World, contests: list[Contest]) -> None:
    """Custodians release their layers by themselves once the closing is proved to them; orders opens."""
    waited = {contest.competition_id for contest in contests}

    def all_open() -> bool:
        closed = world.ask(None, "orders.competitions", status="closed", limit=50)["items"]
        return not any(competition["competition_id"] in waited for competition in closed)

    world.wait_for("opening", all_open)
    world.settle()


def _opened(world: World) -> str:
    opened = 0
    for contest in world.contests.values():
        whole = world.ask(None, "orders.competition", id=contest.competition_id)
        if contest.key == WITHOUT_BIDS:
            world.expect("an order without bids", "unsuccessful", whole["status"])
            continue
        prices = [row for row in world.bids(contest) if row["price_kopecks"]]
        world.expect(f"every standing bid of {contest.key} is opened", contest.bids, len(prices))
        opened += len(prices)
    world.facts["opened"] = opened
    return f"{opened} bids opened, {world.refusals['bid_late']} late ones refused, {WITHOUT_BIDS} without bids"
