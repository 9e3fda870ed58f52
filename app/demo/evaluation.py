"""From opened bids to awards: formal check, conflicts of interest, unseen scores, ranking, standstill.

Everything that is decided here by people is decided from the data: a check fails where a plan made it fail, a score
follows from who is scored by whom. The awards at the end of standstill come by themselves.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from app.demo.bidding import TIED, TOO_DEAR, VERY_LOW, WITHOUT_BIDS
from app.demo.data import pick
from app.demo.orders import EVALUATORS, REQUIREMENTS, lot_id_of
from app.demo.world import Contest, Data, Person, Provider, World
from kernel.instants import from_text

SUSPENDED_AFTER_BIDDING = 36
IN_DEBT = ("O06-1", 44)
CONFLICTED = ("O01", 4, 33)  # competition, evaluator, provider
HARSH = ("O06-2", 25, 1)  # lot, provider, evaluator: far apart from the others
CHUNK = 50
CALL = timedelta(seconds=10)  # a complaint that came in time has been decided by then


def check(world: World) -> str:
    """Every bid against every requirement; one bidder has been suspended since it bid."""
    registrar = world.people["registrar_1"]
    suspended = world.providers[SUSPENDED_AFTER_BIDDING]
    world.do(registrar, "registry.suspend_provider", id=suspended.id, reason="истёк срок лицензии",
             ground="licence_ended")  # fmt: skip
    world.settle()
    _refuse_bad_checks(world)
    results = world.each([partial(_check_bids, world, contest) for contest in _evaluated(world)])
    admitted, rejected = (sum(column) for column in zip(*results, strict=True))
    world.expect("bids that were rejected", True, rejected >= 3)
    _remedy(world, registrar, suspended)
    world.settle()
    return f"{admitted} bids admitted, {rejected} rejected"


def _remedy(world: World, registrar: Person, provider: Provider) -> None:
    """Told of a remedy, the registrar finds it short once, then restores the entry."""
    exclude: Data = {"id": provider.id, "reason": "лицензии нет", "ground": "not_remedied"}
    world.refused(registrar, "registry.exclude_provider", "term_still_runs", **exclude)
    report = partial(world.do, provider.staff, "registry.report_remedy", id=provider.id)
    report(report="подано заявление о продлении лицензии")
    world.do(registrar, "registry.uphold_suspension", id=provider.id, reason="лицензия ещё не продлена")
    report(report="лицензия продлена")
    world.do(registrar, "registry.restore_provider", id=provider.id, reason="лицензия действует",
             ground="violations_remedied")  # fmt: skip


def _evaluated(world: World) -> list[Contest]:
    return [contest for contest in world.contests.values() if contest.key != WITHOUT_BIDS]


def _whole(world: World, contest: Contest) -> dict[str, Any]:
    return world.ask(None, "orders.competition", id=contest.competition_id)


def _check_bids(world: World, contest: Contest) -> tuple[int, int]:
    officer = world.people[f"{contest.order.body}_1"]
    in_debt = world.providers[IN_DEBT[1]].id, lot_id_of(IN_DEBT[0])
    admitted = rejected = 0
    for bid in world.bids(contest):
        checks = [{"requirement": each["code"], "met": True, "reason": "по справке"} for each in REQUIREMENTS]
        if (bid["provider_id"], bid["lot_id"]) == in_debt:
            checks[0] |= {"met": False, "reason": "задолженность 12 400 ₽ на дату справки"}
        checked = world.do(officer, "orders.check_bid", id=contest.competition_id, bid_id=bid["bid_id"], checks=checks)
        if checked.reply["admitted"]:
            admitted += 1
        else:
            rejected += 1
    world.do(officer, "orders.begin_evaluation", id=contest.competition_id)
    return admitted, rejected


def _refuse_bad_checks(world: World) -> None:
    contest = world.contests["O01"]
    officer = world.people["department_1"]
    bid = world.bids(contest)[0]
    this: Data = {"id": contest.competition_id}
    refused = partial(world.refused, officer, "orders.check_bid")
    refused("checks_unlike_requirements", **this, bid_id=bid["bid_id"], checks=[])
    world.refused(officer, "orders.begin_evaluation", "bids_unchecked", **this)
    world.refused(world.people["belomorsk_1"], "orders.check_bid", "not_yours", **this, bid_id=bid["bid_id"], checks=[])
    member = world.people["evaluator_1"]
    world.refused(member, "orders.submit_scores", "wrong_state", **this, scores=[_score(bid["bid_id"], "quality", 50)])


# -- the commission ---------------------------------------------------------------------------------------------------


def score(world: World) -> str:
    """Conflicts first; then each member alone. Until the ranking nobody sees another's scores."""
    _justify(world)
    _refuse_bad_scores(world)
    counts = world.each([partial(_score_all, world, contest) for contest in _evaluated(world)])
    hidden = world.every(None, "orders.competition_scores", id=world.contests["O01"].competition_id)
    world.expect("scores are unseen until the ranking", [], list(hidden))
    return f"{sum(counts)} scores by {EVALUATORS} members"


def _score_all(world: World, contest: Contest) -> int:
    expert = [criterion["key"] for criterion in contest.order.criteria if criterion["formula"] == "expert_mean"]
    bids = [bid for bid in world.bids(contest) if bid["status"] == "admitted"]
    given = 0
    for number in range(1, EVALUATORS + 1):
        member = world.people[f"evaluator_{number}"]
        conflicted = _conflicts(world, contest, number)
        text = "Работал в этой организации до 2026 года." if conflicted else "Конфликта интересов нет."
        world.do(member, "orders.declare_conflicts", id=contest.competition_id, conflicted=conflicted, text=text)
        barred = {bid["lot_id"] for bid in bids if bid["provider_id"] in conflicted}
        if barred:
            foreign = next(bid for bid in bids if bid["lot_id"] in barred)
            world.refused(member, "orders.submit_scores", "conflict_of_interest", id=contest.competition_id,
                          scores=[_score(foreign["bid_id"], expert[0], 50)])  # fmt: skip
        scores = [
            _score(bid["bid_id"], criterion, _points(world, contest, bid, criterion, number))
            for bid in bids
            if bid["lot_id"] not in barred
            for criterion in expert
        ]
        for start in range(0, len(scores), CHUNK):
            world.do(member, "orders.submit_scores", id=contest.competition_id, scores=scores[start : start + CHUNK])
        given += len(scores)
    return given


def _conflicts(world: World, contest: Contest, evaluator: int) -> list[str]:
    key, number, provider = CONFLICTED
    return [world.providers[provider].id] if (contest.key, evaluator) == (key, number) else []


def _points(world: World, contest: Contest, bid: dict[str, Any], criterion: str, evaluator: int) -> int:
    """55 to 100 points, most members near each other: what an offer deserves, and a little of the member's own."""
    lot = contest.lots[bid["lot_id"]].key
    numbers = {provider.id: number for number, provider in world.providers.items()}
    number = numbers[bid["provider_id"]]
    if (lot, number, evaluator) == HARSH:
        return 20
    deserved = 60 + pick(36, "quality", lot, number, criterion)
    return min(100, deserved + pick(10, "opinion", lot, number, criterion, evaluator) - 5)


def _score(bid_id: str, criterion: str, points: int) -> dict[str, Any]:
    return {"bid_id": bid_id, "criterion": criterion, "score": points, "comment": "по содержанию предложения"}


def _refuse_bad_scores(world: World) -> None:
    contest = world.contests["O01"]
    this: Data = {"id": contest.competition_id}
    bids = world.bids(contest)
    bid = next(bid for bid in bids if bid["status"] == "admitted")
    refused = partial(world.refused, world.people["evaluator_1"], "orders.submit_scores")
    refused("declare_conflicts_first", **this, scores=[_score(bid["bid_id"], "quality", 50)])
    refused("invalid_input", **this, scores=[_score(bid["bid_id"], "quality", 101)])
    stranger = world.people["evaluator_5"]
    world.refused(stranger, "orders.declare_conflicts", "not_in_commission", **this, text="Конфликта нет.")
    world.refused(world.people["department_2"], "orders.decide_ranking", "no_quorum", **this)
    world.refused(world.people["department_1"], "orders.decide_ranking", "four_eyes", **this)


def _justify(world: World) -> None:
    """The bidder whose price stands out explains it in time; nobody decides before that."""
    contest = world.contests[VERY_LOW[0].partition("-")[0]]
    bidder = world.providers[VERY_LOW[1]]
    [low] = [bid for bid in world.bids(contest) if bid["low_price"]]
    this: Data = {"id": contest.competition_id, "bid_id": low["bid_id"]}
    decision: Data = {**this, "accepted": True, "reason": "расчёт подтверждён договором о передаче помещения"}
    officer = world.people[f"{contest.order.body}_1"]
    world.refused(officer, "orders.decide_low_price", "justification_awaited", **decision)
    text = "Помещение и транспорт переданы нам безвозмездно до конца года."
    world.refused(world.providers[21].staff, "orders.justify_price", "not_yours", **this, text=text)
    world.do(bidder.staff, "orders.justify_price", **this, text=text)
    world.refused(world.people[f"{contest.order.body}_2"], "orders.decide_ranking", "low_prices_undecided",
                  id=contest.competition_id)  # fmt: skip
    world.do(officer, "orders.decide_low_price", **decision)
    world.refused(bidder.staff, "orders.justify_price", "justification_not_asked", **this, text=text)


def look_again(world: World, contest: Contest, commission: int) -> int:
    """Scores that lie far apart are given once more by each member, alone: how many those are, by bid and criterion."""
    officer = world.people[f"{contest.order.body}_2"]
    asked = world.do(officer, "orders.ask_second_look", id=contest.competition_id)
    world.refused(officer, "orders.decide_ranking", "second_look_awaited", id=contest.competition_id)
    for number in range(1, commission + 1):
        member = world.people[f"evaluator_{number}"]
        [sheet] = world.ask(member, "orders.bids_to_score", id=contest.competition_id)["items"]
        again = [
            _score(bid["bid_id"], criterion, bid["scores"][criterion]["score"])
            for bid in sheet["bids"]
            for criterion in bid["second_look"]
        ]
        world.do(member, "orders.submit_scores", id=contest.competition_id, scores=again)
    return int(asked.reply["scores"])


# -- ranking and award ------------------------------------------------------------------------------------------------


def rank(world: World) -> str:
    """Who didn't draft decides; the ranking is computed, the protocol made, standstill begins."""
    disputed = world.contests[HARSH[0].partition("-")[0]]
    deciding = world.people[f"{disputed.order.body}_2"]
    world.refused(deciding, "orders.decide_ranking", "second_look_needed", id=disputed.competition_id)
    look_again(world, disputed, EVALUATORS)
    for contest in _evaluated(world):
        deciding = world.people[f"{contest.order.body}_2"]
        world.do(deciding, "orders.decide_ranking", id=contest.competition_id)
    _expect_tie(world)
    _expect_protocol(world)
    results = [
        lot["result"] for contest in _evaluated(world) for lot in _whole(world, contest)["lots"] if lot["result"]
    ]
    spreads = sum(len(result["alarms"]) for result in results)
    low = sum(len(result["ranking"].get("abnormally_low", ())) for result in results)
    world.expect("scores far apart and a price too low are flagged", (True, True), (spreads >= 1, low >= 1))
    one = world.contests["O01"].competition_id
    world.refused(world.people["department_2"], "orders.decide_ranking", "wrong_state", id=one)
    return f"{len(results)} lots ranked, 1 tie, {spreads} for a second look, {low} abnormally low"


def _expect_tie(world: World) -> None:
    """Two equal prices under price alone: level, and the one that is earlier in the log stands first."""
    contest = world.contests[TIED.partition("-")[0]]
    whole = _whole(world, contest)
    lot_id = lot_id_of(TIED)
    arrival = {bid["bid_id"]: bid["arrival"] for bid in world.bids(contest)}
    result = next(lot["result"] for lot in whole["lots"] if lot["lot_id"] == lot_id)
    first, second, *_ = result["ranking"]["ranking"]
    world.expect("the first two are level", [second["offer"]], first["level_with"])
    world.expect("the earlier one is first", True, arrival[first["offer"]] < arrival[second["offer"]])


def _expect_protocol(world: World) -> None:
    contest = world.contests["O01"]
    lot_id = next(iter(contest.lots))
    protocol = world.ask(None, "orders.protocol", id=contest.competition_id, lot_id=lot_id)
    result = next(lot["result"] for lot in _whole(world, contest)["lots"] if lot["lot_id"] == lot_id)
    world.expect("the protocol is that of the ranking", result["protocol_hash"], protocol["hash"])
    scores = world.every(None, "orders.competition_scores", id=contest.competition_id)
    world.expect("scores are seen after the ranking", True, any(scores))
    dear = world.providers[TOO_DEAR[1]].id
    rejected = [bid for bid in world.bids(contest) if bid["status"] == "rejected"]
    world.expect("a price above the limit is rejected", True, any(bid["provider_id"] == dear for bid in rejected))


def award(world: World) -> str:
    """The clock passes the end of standstill, and what a call may take; the awards come by themselves."""
    ends = sorted(from_text(_whole(world, contest)["standstill_until"]) for contest in _evaluated(world))
    world.move(ends[-1] + CALL)
    kinds = {provider.id: provider.organisation.kind for provider in world.providers.values()}
    found: dict[str, int] = {}
    for contest in _evaluated(world):
        whole = _whole(world, contest)
        world.expect(f"{contest.key} after standstill", "awarded", whole["status"])
        for each in whole["awards"]:
            found[kinds[each["provider_id"]]] = found.get(kinds[each["provider_id"]], 0) + 1
    world.expect("awards to NPOs and to institutions", True, {"npo", "budget_institution"} <= found.keys())
    world.facts["awards"] = found
    return ", ".join(f"{count} {kind}" for kind, count in sorted(found.items()))
