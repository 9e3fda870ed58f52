"""What changes in a market after the season's main road: an order announced again, agreements that end, and departures.

The order that got no bid is split into two lots and announced again. One bidder's device seals for the keys of another
competition, so that no custodian opens its bid and the bidder brings the key; the other lot comes to nothing; then the
body cancels the competition and closes the order. One agreement is delivered early and completed, another is terminated
while an act of it waits, and its invoice is refused until the limit is raised.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from app.demo import agreements, departures
from app.demo.agreements import Agreement, drafter_of, signer_of, staff_of
from app.demo.bidding import WITHOUT_BIDS
from app.demo.orders import REQUIREMENTS
from app.demo.world import Contest, Data, Person, World
from kernel import canonical
from kernel.ids import derived_id, new_id
from kernel.instants import from_text
from kernel.sealing import from_base64, new_key, seal, to_base64

BIDDER = 21
OTHER_KEYS = "O01"  # whose keys the bidder's device takes by mistake
QUORUM = 3
RELEASING = ("custodian_1", "custodian_2")  # the third one's key is under theirs in every pair
GRACE = timedelta(seconds=10)
EARLY_MONTH, MISSED_MONTH, DISPUTED_MONTH = "06", "04", "05"


def play(world: World) -> str:
    """The order again, ends of agreements, a surface taken down, and who leaves; a line that says what came of it."""
    _announce_again(world)
    _decline_reversal(world)
    completed = _complete_early(world)
    terminated = _terminate(world)
    _take_down(world)
    left = departures.play(world)
    world.settle()
    return (
        f"{WITHOUT_BIDS} announced again, cancelled, closed; {completed['number']} completed, "
        f"{terminated['number']} terminated; {left}"
    )


# -- the order without bids, again ------------------------------------------------------------------------------------


def _announce_again(world: World) -> None:
    """Corrected, approved, announced with a larger commission, bid for, opened, cancelled; then the order is closed."""
    contest = _split(world)
    _draft(world, contest)
    _keep_draft(world, contest)
    _ask_too_early(world, contest)
    sealed, key = _seal_wrongly(world, contest)
    world.do(_bidder(world), "orders.submit_bid", **_bound(contest), **sealed)
    world.settle()
    world.expect("a sealed bid leaves no draft", [], world.ask(_bidder(world), "vault.drafts")["items"])
    world.move(from_text(contest.deadline) + GRACE)
    _open_by_own_key(world, contest, key)
    _give_up(world, contest)


def _officers(world: World) -> tuple[Person, Person]:
    body = world.contests[WITHOUT_BIDS].order.body
    return world.people[f"{body}_1"], world.people[f"{body}_2"]


def _bidder(world: World) -> Person:
    return world.providers[BIDDER].staff


def _split(world: World) -> Contest:
    """The lot that nobody wanted becomes two smaller ones; the new figures are approved again."""
    old = world.contests[WITHOUT_BIDS]
    preparing, approving = _officers(world)
    [(lot_id, lot)] = old.lots.items()
    half = lot.volume // 2
    wanted = {lot_id: (1, lot.volume - half), derived_id("demo-lot", lot.key, "second"): (2, half)}
    lots = [
        {
            "lot_id": part,
            "title": f"{old.order.title}, часть {number}",
            "volume": volume,
            "limit_price_kopecks": lot.limit_price_kopecks,
        }
        for part, (number, volume) in wanted.items()
    ]
    good: Data = {
        "id": old.order_id,
        "volume": old.order.volume,
        "by_assignment": old.order.by_assignment,
        "by_competition": lot.volume,
        "by_certificate": old.order.by_certificate,
        "lots": lots,
        "reason": "конкурс не состоялся: объём делится на два лота",
    }
    world.refused(preparing, "orders.correct_social_order", "lots_unequal", **{**good, "lots": lots[:1]})
    world.do(preparing, "orders.correct_social_order", **good)
    world.refused(preparing, "orders.approve_social_order", "four_eyes", id=old.order_id)
    world.do(approving, "orders.approve_social_order", id=old.order_id)
    world.settle()
    return Contest(old.order, old.order_id, dict.fromkeys(wanted, lot))


def _draft(world: World, contest: Contest) -> None:
    """Announced with a commission of three, to which a fourth member is appointed."""
    officer, _ = _officers(world)
    commission = [world.people[f"evaluator_{n}"].id for n in range(1, QUORUM + 1)]
    contest.competition_id = world.do(
        officer,
        "orders.draft_competition",
        order_id=contest.order_id,
        lot_ids=list(contest.lots),
        title=f"{contest.order.title}, повторно",
        requirements=list(REQUIREMENTS),
        criteria=[dict(criterion) for criterion in contest.order.criteria],
        evaluators=commission,
    ).id
    this: Data = {"id": contest.competition_id}
    world.refused(officer, "orders.appoint_evaluators", "named_twice", **this, evaluators=commission[:1])
    world.do(officer, "orders.appoint_evaluators", **this, evaluators=[world.people["evaluator_5"].id])
    contest.deadline = world.do(officer, "orders.publish_competition", **this).reply["deadline"]
    world.settle()
    world.expect("bidding is open again", "open", _whole(world, contest)["status"])


def _whole(world: World, contest: Contest) -> dict[str, Any]:
    return world.ask(None, "orders.competition", id=contest.competition_id)


def _bound(contest: Contest) -> Data:
    return {"competition_id": contest.competition_id, "lot_id": next(iter(contest.lots))}


def _content(world: World, contest: Contest) -> dict[str, Any]:
    lot = next(iter(contest.lots.values()))
    return {"price_kopecks": lot.limit_price_kopecks * 97 // 100, "volume": lot.volume // 4, "values": {},
            "text": "Новая услуга исполнителя: ночные сиделки.", "people": []}  # fmt: skip


def _keep_draft(world: World, contest: Contest) -> None:
    """The bidder keeps a draft, goes on with it, and reads it again; nobody else has one."""
    content = _content(world, contest)
    draft_id = derived_id("demo-draft", contest.competition_id)
    bidder, bound = _bidder(world), _bound(contest)
    world.do(bidder, "vault.save_draft", id=draft_id, **bound, content={**content, "text": "Черновик."})
    world.refused(bidder, "vault.save_draft", "draft_exists", **bound, content=content)
    world.do(bidder, "vault.change_draft", id=draft_id, **bound, content=content)
    world.refused(world.providers[22].staff, "vault.destroy_draft", "not_yours", id=draft_id)
    kept = world.ask(bidder, "vault.read_draft", lot_id=bound["lot_id"])
    world.expect("the draft as it was kept last", content, kept["content"])


def _ask_too_early(world: World, contest: Contest) -> None:
    """A hasty custodian: refused each time, and the log has it once."""
    hasty = world.people["custodian_1"]
    for _ in range(2):
        world.refused(hasty, "custodian.release_layers", "release_too_early", custodian="custodian_1",
                      competition_id=contest.competition_id)  # fmt: skip


def _seal_wrongly(world: World, contest: Contest) -> tuple[Data, str]:
    """What a device with another competition's keys makes of the bid, and its own key, which it keeps (base64)."""
    other = world.ask(None, "orders.custodian_keys", id=world.contests[OTHER_KEYS].competition_id)["keys"]
    bound = {**_bound(contest), "provider_id": world.providers[BIDDER].id, "bid_version": 1}
    key = new_key()
    public = [from_base64(other[name]) for name in sorted(other)]
    sealed = seal(canonical.dumps(_content(world, contest)), canonical.dumps(bound), public, key)
    return {"bid_version": 1, "sealed": sealed.to_dict()}, to_base64(key)


def _open_by_own_key(world: World, contest: Contest, key: str) -> None:
    """Custodians release layers that none of them can take further; the bidder's own key opens the bid."""
    world.wait_for("the custodians release what they have", lambda: _released(world, contest))
    bid_id = world.bids(contest)[0]["bid_id"]
    give = partial(_give_key, world, contest, bid_id)
    give(to_base64(new_key()), "wrong_commitment")
    give(key, "")
    give(key, "bid_open_already")
    world.facts["bids"] += 1
    world.facts["opened"] += 1
    failures = [lot["failure"] for lot in _whole(world, contest)["lots"]]
    world.expect("the lot without bids came to nothing", ["", "no_bids"], failures)


def _give_key(world: World, contest: Contest, bid_id: str, key: str, code: str) -> None:
    """Bring a key; `code`: the refusal that is expected, "" for none."""
    step, data = "orders.provide_bid_key", {"id": contest.competition_id, "bid_id": bid_id, "key": key}
    answer = world.api.call(step, data, _bidder(world).token, new_id())
    if code:
        world.expect_code(step, code, answer)
    else:
        world.expect(step, "", answer.code)


def _released(world: World, contest: Contest) -> bool:
    def by(custodian: str) -> str:
        keys = world.ask(None, "custodian.competition_keys", custodian=custodian)["items"]
        return next(str(key["status"]) for key in keys if key["competition_id"] == contest.competition_id)

    return all(by(custodian) == "released" for custodian in RELEASING)


def _give_up(world: World, contest: Contest) -> None:
    """One bid for half of the volume is not what the body needs: it cancels, and closes the order."""
    officer, _ = _officers(world)
    close: Data = {"id": contest.order_id, "reason": "услуга передана по государственному заданию"}
    world.refused(officer, "orders.close_social_order", "lot_lives", **close)
    cancel: Data = {"id": contest.competition_id, "reason": "потребность в услуге пересмотрена"}
    world.refused(world.people["belomorsk_1"], "orders.cancel_competition", "not_yours", **cancel)
    world.do(officer, "orders.cancel_competition", **cancel)
    world.settle()
    world.do(officer, "orders.close_social_order", **close)


# -- agreements end ---------------------------------------------------------------------------------------------------


def _decline_reversal(world: World) -> None:
    """The body asks to reverse an act; the provider shows that it is right, and it stays."""
    agreement = agreements.active(world)[4]
    this: Data = {"id": _act_id(world, agreement, DISPUTED_MONTH)}
    officer = drafter_of(world, agreement)
    world.do(officer, "providers.ask_reversal", **this, reason="сомнение в числе получателей")
    world.refused(officer, "providers.decline_reversal", "four_eyes", **this, reason="передумали")
    world.do(staff_of(world, agreement["provider_id"]), "providers.decline_reversal", **this,
             reason="списки получателей сверены")  # fmt: skip


def _act_id(world: World, agreement: Agreement, month: str) -> str:
    """The id that an act of the season has (app/demo/delivery.py)."""
    return derived_id("demo-act", agreement["agreement_id"], f"{world.season.year}-{month}")


def _act(world: World, agreement: Agreement, month: str, quantity: int) -> str:
    """An act as far as its submission."""
    staff = staff_of(world, agreement["provider_id"])
    line = {"service_code": agreement["service_code"], "unit": agreement["unit"], "quantity": quantity}
    act_id = world.do(staff, "providers.draft_act", id=_act_id(world, agreement, month), lines=[line],
                      agreement_id=agreement["agreement_id"], month=f"{world.season.year}-{month}").id  # fmt: skip
    world.do(staff, "providers.submit_act", id=act_id)
    world.facts["acts"] += 1
    return act_id


def _complete_early(world: World) -> Agreement:
    """The smallest agreement is delivered to the end before its term: its last act is paid, and it is completed."""
    agreement = min(agreements.active(world), key=lambda each: (each["amount_kopecks"], each["number"]))
    auditor = world.people["auditor"]
    acts = world.every(auditor, "providers.acts", agreement_id=agreement["agreement_id"], status="confirmed")
    left = agreement["volume"] - sum(act["quantity"] for act in acts)
    act_id = _act(world, agreement, EARLY_MONTH, left)
    world.do(signer_of(world, agreement), "providers.confirm_act", id=act_id)
    world.settle()
    [invoice] = [each for each in _invoices(world, agreement) if each["act_id"] == act_id]
    _pay(world, invoice["invoice_id"])
    world.do(drafter_of(world, agreement), "orders.complete_agreement", id=agreement["agreement_id"])
    return agreement


def _invoices(world: World, agreement: Agreement) -> list[dict[str, Any]]:
    asked = world.every(world.people["treasurer_1"], "billing.invoices", agreement_id=agreement["agreement_id"])
    return list(asked)


def _pay(world: World, invoice_id: str) -> None:
    first, second = world.people["treasurer_1"], world.people["treasurer_2"]
    this: Data = {"id": invoice_id}
    world.do(first, "billing.prepare_invoice", **this)
    world.do(second, "billing.approve_invoice", **this)
    world.do(second, "billing.send_payment", **this)
    world.do(first, "billing.settle_payment", **this, settled_on=world.now.date().isoformat())


def _terminate(world: World) -> Agreement:
    """Terminated while an act waits: its obligation is free again, the limit is cut, and the act's invoice is refused
    until the limit is raised."""
    competition_id = world.contests[agreements.SUSPENDED].competition_id
    agreement = next(each for each in agreements.active(world) if each["competition_id"] == competition_id)
    # No act was made of the month in which it was suspended.
    act_id = _act(world, agreement, MISSED_MONTH, max(1, agreement["volume"] // 40))
    this: Data = {"id": agreement["agreement_id"]}
    world.do(
        drafter_of(world, agreement), "orders.terminate_agreement", **this, reason="исполнитель закрывает отделение"
    )
    world.settle()
    limit = _cut_limit(world, agreement["body_id"])
    world.do(signer_of(world, agreement), "providers.confirm_act", id=act_id)
    world.settle()
    [refused] = [each for each in _invoices(world, agreement) if each["status"] == "refused"]
    treasurer = world.people["treasurer_1"]
    invoice: Data = {"id": refused["invoice_id"]}
    world.refused(treasurer, "billing.retry_invoice", "limit_short", **invoice)
    _set_limit(world, agreement["body_id"], limit, "средства возвращены")
    world.do(treasurer, "billing.retry_invoice", **invoice)
    _pay(world, refused["invoice_id"])
    return agreement


def _cut_limit(world: World, body_id: str) -> int:
    """What of a body's limit is free is taken away; the limit before that."""
    line = world.ask(world.people["treasurer_1"], "billing.budget_lines", body_id=body_id, year=world.season.year)
    [of_body] = line["items"]
    limit: int = of_body["limit_kopecks"]
    _set_limit(world, body_id, limit - of_body["free_kopecks"], "секвестр свободного остатка")
    return limit


def _set_limit(world: World, body_id: str, kopecks: int, reason: str) -> None:
    world.do(world.people["treasurer_1"], "billing.set_limit", body_id=body_id, year=world.season.year,
             amount_kopecks=kopecks, reason=reason)  # fmt: skip


# -- a surface is taken down ------------------------------------------------------------------------------------------


def _take_down(world: World) -> None:
    """While an object is lent it can't be withdrawn: the owner takes it back before its time."""
    owner = world.people["property_1"]
    surfaces = {each["premises_id"] for each in world.every(None, "providers.premises", kind="ad_surface")}
    signed = world.every(None, "providers.loans", status="signed", limit=200)
    [loan, *_] = sorted((each for each in signed if each["premises_id"] in surfaces), key=lambda each: each["address"])
    withdraw: Data = {"id": loan["premises_id"], "reason": "щит демонтируется при ремонте улицы"}
    world.refused(owner, "providers.withdraw_premises", "premises_lent", **withdraw)
    world.do(owner, "providers.return_loan", id=loan["loan_id"], condition="возвращён досрочно, исправен")
    world.do(owner, "providers.withdraw_premises", **withdraw)
