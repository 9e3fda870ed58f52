"""A competition in which everything is disputed: its announcement is amended while bids stand, a deficiency is corrected,
a low price is not justified, scores lie far apart, and bidders complain until the audit chamber cancels it.

It has an order of its own, for the same service as the season's first one, and comes after everything else, so that it
takes nothing from the season's main road.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from app.demo.data import Lot
from app.demo.departures import WITHDRAWN
from app.demo.evaluation import look_again
from app.demo.orders import REQUIREMENTS
from app.demo.register import SUSPENDED
from app.demo.world import Contest, Data, Person, Provider, World
from kernel.ids import derived_id
from kernel.instants import from_text

LIKE = "O01"  # the order whose service and criteria are taken
BODY = "belomorsk"
VOLUME = 900
GRACE = timedelta(seconds=10)
COMMISSION = 3
CHEAP_PERCENT = 50

STAFF = {"code": "trained_staff", "text": "Не меньше трёх обученных сотрудников", "correctable": True}


def play(world: World) -> str:
    """The whole of it; a line that says what came of it."""
    contest = _announce(world)
    bidders = _bidders(world, contest)
    _amend(world, contest, bidders)
    standing = _opened(world, contest)
    admitted = _check(world, contest, bidders)
    _evaluate(world, contest, bidders)
    complaints = _complain(world, contest, bidders)
    return (
        f"an amendment left {standing} of {len(bidders)} bids, {admitted} admitted after corrections, one too cheap; "
        f"{complaints} complaints, cancelled by the last"
    )


def _officers(world: World) -> tuple[Person, Person]:
    return world.people[f"{BODY}_1"], world.people[f"{BODY}_2"]


def _this(contest: Contest) -> Data:
    return {"id": contest.competition_id}


def _whole(world: World, contest: Contest) -> dict[str, Any]:
    return world.ask(None, "orders.competition", **_this(contest))


# -- announced and amended --------------------------------------------------------------------------------------------


def _announce(world: World) -> Contest:
    """An order with two lots; the competition is announced on one of them."""
    like = world.contests[LIKE].order
    limit_price = next(iter(like.lots)).limit_price_kopecks
    order = replace(like, key="O13", body=BODY, title=f"{like.title}, дополнительный заказ")
    lots = {
        derived_id("demo-lot", "O13", part): Lot(f"O13-{part}", "belomorsk", VOLUME // 2, limit_price)
        for part in ("1", "2")
    }
    preparing, approving = _officers(world)
    formed = world.do(
        preparing,
        "orders.form_social_order",
        body_name=world.season.bodies[BODY],
        year=world.season.year,
        territory="belomorsk",
        service_code=order.service,
        volume=VOLUME,
        by_assignment=0,
        by_competition=VOLUME,
        by_certificate=0,
        lots=[
            {"lot_id": lot_id, "title": f"{order.title}, {lot.key}", "volume": lot.volume,
             "limit_price_kopecks": lot.limit_price_kopecks}
            for lot_id, lot in lots.items()
        ],
    )  # fmt: skip
    world.do(approving, "orders.approve_social_order", id=formed.id)
    world.settle()
    contest = Contest(order, formed.id, lots)
    contest.competition_id = world.do(
        preparing,
        "orders.draft_competition",
        order_id=formed.id,
        lot_ids=list(lots),
        title=order.title,
        requirements=list(REQUIREMENTS),
        criteria=[dict(criterion) for criterion in order.criteria],
        evaluators=[world.people[f"evaluator_{n}"].id for n in range(1, COMMISSION + 1)],
    ).id
    contest.deadline = world.do(preparing, "orders.publish_competition", **_this(contest)).reply["deadline"]
    world.settle()
    world.expect("bidding for the disputed lots is open", "open", _whole(world, contest)["status"])
    return contest


def _bidders(world: World, contest: Contest) -> list[Provider]:
    found = [
        provider
        for number, provider in sorted(world.providers.items())
        if provider.is_included
        and contest.order.service in provider.organisation.services
        and number not in (SUSPENDED, WITHDRAWN)
        and provider.staff.token
    ]
    return found[:6]


def _cheap(bidders: list[Provider]) -> Provider:
    return bidders[2]


def _bound(contest: Contest, bidder: Provider, lot: int = 0) -> Data:
    return {"competition_id": contest.competition_id, "lot_id": list(contest.lots)[lot]}


def _bid(contest: Contest, percent: int) -> Data:
    """An offer of half of the lot for so many per cent of its limit price."""
    lot = next(iter(contest.lots.values()))
    return {"price_kopecks": lot.limit_price_kopecks * percent // 100, "volume": lot.volume // 2, "values": {},
            "text": "Предложение по изменённому извещению.", "people": []}  # fmt: skip


def _amend(world: World, contest: Contest, bidders: list[Provider]) -> None:
    """Four hours before the deadline a requirement is added and a lot taken out: the deadline moves, bids are asked for
    confirmation; one is confirmed too late and replaced, one is forgotten."""
    for place, bidder in enumerate(bidders):
        percent = CHEAP_PERCENT if bidder is _cheap(bidders) else 96 + place % 3
        world.do(bidder.staff, "orders.submit_bid", **_bound(contest, bidder), bid=_bid(contest, percent))
    world.refused(bidders[0].staff, "orders.confirm_bid", "nothing_to_confirm", **_bound(contest, bidders[0]))
    world.move(from_text(contest.deadline) - timedelta(hours=4))
    officer, _ = _officers(world)
    change: Data = {**_this(contest), "reason": "по вопросам участников уточнены требования и состав лотов"}
    world.refused(officer, "orders.amend_competition", "nothing_amended", **change)
    world.refused(world.people["department_1"], "orders.amend_competition", "not_yours", **change, requirements=[])
    amended = world.do(officer, "orders.amend_competition", **change, requirements=[*REQUIREMENTS, STAFF],
                       lot_ids=list(contest.lots)[:1])  # fmt: skip
    world.expect("an amendment moves the deadline", True, amended.reply["deadline"] > contest.deadline)
    contest.deadline = amended.reply["deadline"]
    late, forgetful = bidders[-2], bidders[-1]
    for bidder in bidders[:-2]:
        world.do(bidder.staff, "orders.confirm_bid", **_bound(contest, bidder))
    world.refused(bidders[0].staff, "orders.confirm_bid", "nothing_to_confirm", **_bound(contest, bidders[0]))
    world.move(from_text(amended.reply["confirm_until"]) + timedelta(seconds=1))
    world.refused(late.staff, "orders.confirm_bid", "confirmed_late", **_bound(contest, late))
    world.do(late.staff, "orders.replace_bid", **_bound(contest, late), bid=_bid(contest, 95))
    mine = world.ask(forgetful.staff, "orders.my_bids", competition_id=contest.competition_id)["items"]
    world.expect("a bid waits for confirmation", [True], [bid["to_confirm"] for bid in mine])
    world.facts["bids"] += len(bidders)
    world.facts["replaced"] += 1


def _opened(world: World, contest: Contest) -> int:
    """The deadline passes; what nobody confirmed isn't opened."""
    world.move(from_text(contest.deadline) + GRACE)
    world.wait_for("the disputed bids are opened", lambda: _whole(world, contest)["status"] == "opened")
    world.settle()
    opened = world.bids(contest)
    whole = _whole(world, contest)
    world.expect("an unconfirmed bid doesn't stand", 5, len(opened))
    world.expect("why the deadline moved", ["amended"], [move["reason"] for move in whole["moves"]])
    world.expect("a lot that was taken out", ["", "taken_out"], [lot["failure"] for lot in whole["lots"]])
    world.facts["opened"] += len(opened)
    return len(opened)


# -- checked and corrected --------------------------------------------------------------------------------------------


def _check(world: World, contest: Contest, bidders: list[Provider]) -> int:
    """Two bids lack a paper that may be brought later: one bidder brings it, the other is silent for a day."""
    officer, _ = _officers(world)
    by_bidder = {bid["provider_id"]: bid["bid_id"] for bid in world.bids(contest)}
    mending, silent, *others = (provider for provider in bidders if provider.id in by_bidder)

    def check(bidder: Provider, **met: bool) -> bool:
        found = [
            {"requirement": each["code"], "met": met.get(str(each["code"]), True), "reason": "по приложенным справкам"}
            for each in (*REQUIREMENTS, STAFF)
        ]
        answer = world.do(officer, "orders.check_bid", **_this(contest), bid_id=by_bidder[bidder.id], checks=found)
        return bool(answer.reply["admitted"])

    for bidder in (mending, silent):
        world.expect("a listed deficiency doesn't admit yet", False, check(bidder, trained_staff=False))
    paper: Data = {**_this(contest), "bid_id": by_bidder[mending.id], "text": "Дипломы трёх сотрудников приложены."}
    world.refused(others[0].staff, "orders.correct_bid", "not_yours", **paper)
    world.do(mending.staff, "orders.correct_bid", **paper)
    world.refused(mending.staff, "orders.correct_bid", "correction_not_asked", **paper)
    admitted = [check(bidder) for bidder in (mending, *others)]
    world.refused(officer, "orders.begin_evaluation", "corrections_awaited", **_this(contest))
    until = max(str(bid["correct_until"]) for bid in world.bids(contest) if bid["correct_until"])
    world.move(from_text(until) + GRACE)
    paper["bid_id"] = by_bidder[silent.id]
    world.refused(silent.staff, "orders.correct_bid", "correction_not_asked", **paper)
    world.do(officer, "orders.begin_evaluation", **_this(contest))
    statuses = sorted(str(bid["status"]) for bid in world.bids(contest))
    world.expect("who was silent is rejected", ["admitted"] * len(admitted) + ["rejected"], statuses)
    return len(admitted)


# -- evaluated --------------------------------------------------------------------------------------------------------


def _evaluate(world: World, contest: Contest, bidders: list[Provider]) -> None:
    """A low price that nobody explains is rejected by the officer, not by a machine; scores far apart are given twice."""
    officer, deciding = _officers(world)
    cheap = _cheap(bidders)
    [low] = [bid for bid in world.bids(contest) if bid["low_price"] == "asked"]
    world.expect("the price that stands out", cheap.id, low["provider_id"])
    _declare(world, contest)
    _score(world, contest, {1: 95, 2: 40})
    world.refused(deciding, "orders.decide_ranking", "low_prices_undecided", **_this(contest))
    world.move(from_text(low["justify_until"]) + GRACE)
    late: Data = {**_this(contest), "bid_id": low["bid_id"]}
    world.refused(cheap.staff, "orders.justify_price", "justified_late", **late, text="Мы всегда так работаем.")
    world.do(officer, "orders.decide_low_price", **late, accepted=False, reason="обоснования нет")
    world.refused(deciding, "orders.decide_ranking", "second_look_needed", **_this(contest))
    look_again(world, contest, COMMISSION)
    world.refused(deciding, "orders.ask_second_look", "no_spread_alarm", **_this(contest))
    world.do(deciding, "orders.decide_ranking", **_this(contest))
    [result] = [lot["result"] for lot in _whole(world, contest)["lots"] if lot["result"]]
    world.expect("a spread that stays is an alarm", True, len(result["alarms"]) > 0)


def _declare(world: World, contest: Contest) -> None:
    for number in range(1, COMMISSION + 1):
        member = world.people[f"evaluator_{number}"]
        world.do(member, "orders.declare_conflicts", **_this(contest), text="Конфликта интересов нет.")


def _score(world: World, contest: Contest, points: dict[int, int]) -> None:
    """Every member gives each admitted bid its points; 70 where nothing is said."""
    criteria = [each["key"] for each in contest.order.criteria if each["formula"] == "expert_mean"]
    bids = [bid["bid_id"] for bid in world.bids(contest) if bid["status"] == "admitted"]
    for number in range(1, COMMISSION + 1):
        scores = [
            {"bid_id": bid_id, "criterion": key, "score": points.get(number, 70), "comment": "по содержанию заявки"}
            for bid_id in bids
            for key in criteria
        ]
        world.do(world.people[f"evaluator_{number}"], "orders.submit_scores", **_this(contest), scores=scores)


# -- complained about -------------------------------------------------------------------------------------------------


def _complain(world: World, contest: Contest, bidders: list[Provider]) -> int:
    """Two complaints come to nothing and the clock goes on; then the scores are given again, the bids are checked again,
    and in the end the competition is cancelled."""
    first, second, third, *_ = bidders
    _refuse_bad_complaints(world, contest, bidders)
    until = _whole(world, contest)["standstill_until"]
    wrong, dropped = _file(world, contest, first), _file(world, contest, second)
    whole = _whole(world, contest)
    world.expect("a complaint stops the clock", True, whole["stopped_days"] is not None)
    world.move(from_text(until) + GRACE)
    world.expect("nobody wins while complaints are looked into", "standstill", _whole(world, contest)["status"])
    _judge(world, contest, "accept_complaint", wrong)
    _judge(world, contest, "decline_complaint", wrong, reason="оценки обоснованы записями членов комиссии")
    drop: Data = {**_this(contest), "complaint_id": dropped, "reason": "получили разъяснения заказчика"}
    world.do(second.staff, "orders.withdraw_complaint", **drop)
    whole = _whole(world, contest)
    world.expect("the clock goes on", (None, True), (whole["stopped_days"], whole["standstill_until"] > until))

    _satisfy(world, contest, _file(world, contest, second), "rescore")
    world.expect("the result is void", ("evaluation", None), _result(world, contest))
    _score(world, contest, {1: 80, 2: 75})
    _decide(world, contest)
    _satisfy(world, contest, _file(world, contest, third), "recheck")
    world.expect("the bids are checked again", ("opened", None), _result(world, contest))
    _check_again(world, contest)
    _decide(world, contest)
    _satisfy(world, contest, _file(world, contest, first), "cancel")
    world.expect("the audit chamber has cancelled it", "cancelled", _whole(world, contest)["status"])
    found = world.every(None, "orders.complaints", competition_id=contest.competition_id)
    statuses = [str(each["status"]) for each in found]
    world.expect("what became of the complaints", ["resolved"] * 3 + ["withdrawn", "declined", "withdrawn"], statuses)
    return len(statuses)


def _refuse_bad_complaints(world: World, contest: Contest, bidders: list[Provider]) -> None:
    complaint: Data = {**_this(contest), "lot_id": next(iter(contest.lots)), "text": "Не согласны с итогом."}
    forgetful = bidders[-1]
    world.refused(forgetful.staff, "orders.file_complaint", "no_bidder_of_lot", **complaint)
    world.refused(world.people["department_1"], "orders.file_complaint", "forbidden_role", **complaint)
    complaint_id = _file(world, contest, bidders[0])
    accept: Data = {**_this(contest), "complaint_id": complaint_id}
    world.refused(_officers(world)[0], "orders.accept_complaint", "forbidden_role", **accept)
    world.do(bidders[0].staff, "orders.withdraw_complaint", **accept, reason="подана по ошибке")
    world.refused(world.people["auditor"], "orders.accept_complaint", "complaint_state", **accept)


def _file(world: World, contest: Contest, bidder: Provider) -> str:
    filed = world.do(bidder.staff, "orders.file_complaint", **_this(contest), lot_id=next(iter(contest.lots)),
                     text="Баллы за качество не соответствуют содержанию заявок.")  # fmt: skip
    return str(filed.reply["complaint_id"])


def _judge(world: World, contest: Contest, command: str, complaint_id: str, **said: Any) -> None:
    world.do(world.people["auditor"], f"orders.{command}", **_this(contest), complaint_id=complaint_id, **said)


def _satisfy(world: World, contest: Contest, complaint_id: str, remedy: str) -> None:
    _judge(world, contest, "accept_complaint", complaint_id)
    _judge(world, contest, "satisfy_complaint", complaint_id, remedy=remedy, decision="доводы участника подтвердились")


def _result(world: World, contest: Contest) -> tuple[str, Any]:
    whole = _whole(world, contest)
    return str(whole["status"]), next(lot["result"] for lot in whole["lots"])


def _decide(world: World, contest: Contest) -> None:
    world.do(_officers(world)[1], "orders.decide_ranking", **_this(contest))


def _check_again(world: World, contest: Contest) -> None:
    officer, _ = _officers(world)
    lines = [{"requirement": each["code"], "met": True, "reason": "проверено повторно"} for each in REQUIREMENTS]
    short: Data = {"requirement": STAFF["code"], "met": False, "reason": "срок исправления пропущен"}
    met: Data = {**short, "met": True, "reason": "дипломы есть"}
    for bid in world.bids(contest):
        if bid["status"] == "opened":
            silent = bid["correct_until"] and not bid["correction"]
            checks = [*lines, short if silent else met]
            world.do(officer, "orders.check_bid", **_this(contest), bid_id=bid["bid_id"], checks=checks)
    world.do(officer, "orders.begin_evaluation", **_this(contest))
