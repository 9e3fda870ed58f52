"""Money for the year, social orders, and the competitions that they announce."""

from __future__ import annotations

from typing import Any

from app.demo.data import Order
from app.demo.world import Contest, Data, World
from kernel.ids import derived_id

REQUIREMENTS = (
    {"code": "no_tax_debts", "text": "Нет задолженности по налогам и взносам"},
    {"code": "not_in_liquidation", "text": "Участник не ликвидируется и не признан банкротом"},
)
EVALUATORS = 4


def set_limits(world: World) -> str:
    """The treasurer gives each body what its budgets hold."""
    treasurer, officer = world.people["treasurer_1"], world.people["department_1"]
    limits = world.season.limits
    year = world.season.year
    department = world.season.body_id("department")
    world.refused(officer, "billing.set_limit", "forbidden_role", body_id=department, year=year, amount_kopecks=1,
                  reason="сами себе")  # fmt: skip
    world.refused(treasurer, "billing.set_limit", "invalid_input", body_id=department, year=year, amount_kopecks=-1,
                  reason="закон о бюджете")  # fmt: skip
    for body, kopecks in sorted(limits.items()):
        world.do(
            treasurer,
            "billing.set_limit",
            body_id=world.season.body_id(body),
            year=year,
            amount_kopecks=kopecks,
            reason="закон о бюджете края",
        )
    return f"limits of {len(limits)} bodies, {sum(limits.values()) // 100:,} ₽"


def set_places(world: World) -> str:
    """Providers say how many places they have by form, and how many of them are funded."""
    forms = 0
    for number, provider in sorted(world.providers.items()):
        if provider.organisation.is_real or not provider.is_included:
            continue
        for form, maximum in provider.organisation.places.items():
            world.do(provider.staff, "providers.set_places", id=provider.id, form=form, maximum=maximum,
                     funded=_funded(number, maximum))  # fmt: skip
            forms += 1
    one = world.providers[21]
    world.refused(
        one.staff, "providers.set_places", "places_above_maximum", id=one.id, form="home", maximum=5, funded=6
    )
    world.refused(one.staff, "providers.set_places", "not_yours", id=world.providers[22].id, form="home", maximum=9,
                  funded=9)  # fmt: skip
    return f"{forms} forms of service"


def _funded(number: int, maximum: int) -> int:
    """At first fewer than there are: what an agreement lacks, its provider opens later."""
    return maximum * 3 // 5 if number % 3 == 0 else maximum


def form(world: World) -> str:
    """Twelve orders with twenty-five lots: prepared by one officer, approved by another."""
    _refuse_bad_orders(world)
    for order in world.season.orders:
        preparing, approving = world.people[f"{order.body}_1"], world.people[f"{order.body}_2"]
        made = world.do(preparing, "orders.form_social_order", **_order(world, order))
        world.contests[order.key] = Contest(order, made.id, {lot_id_of(lot.key): lot for lot in order.lots})
    one = world.season.orders[0]
    own = world.contests[one.key].order_id
    world.refused(world.people[f"{one.body}_1"], "orders.approve_social_order", "four_eyes", id=own)
    world.refused(world.people["belomorsk_2"], "orders.approve_social_order", "not_yours", id=own)
    _refuse_early_competition(world, one)
    for order in world.season.orders:
        approving = world.people[f"{order.body}_2"]
        world.do(approving, "orders.approve_social_order", id=world.contests[order.key].order_id)
    world.settle()
    lots = sum(len(order.lots) for order in world.season.orders)
    world.expect("orders and lots", (12, 25), (len(world.season.orders), lots))
    return f"{len(world.season.orders)} orders, {lots} lots"


def lot_id_of(key: str) -> str:
    """The id under which the lot `key` of the data is formed."""
    return derived_id("demo-lot", key)


def _order(world: World, order: Order) -> dict[str, Any]:
    lots = [
        {
            "lot_id": lot_id_of(lot.key),
            "title": f"{order.title}: {world.season.municipalities[lot.municipality]}",
            "volume": lot.volume,
            "limit_price_kopecks": lot.limit_price_kopecks,
        }
        for lot in order.lots
    ]
    return {
        "body_name": world.season.bodies[order.body],
        "year": world.season.year,
        "territory": order.lots[0].municipality,
        "service_code": order.service,
        "volume": order.volume,
        "by_assignment": order.by_assignment,
        "by_competition": sum(lot.volume for lot in order.lots),
        "by_certificate": order.by_certificate,
        "lots": lots,
    }


def _refuse_bad_orders(world: World) -> None:
    """189-FZ art. 19: the three ways add up, and the lots to the competition's way."""
    order = world.season.orders[0]
    good = _order(world, order)
    officer = world.people[f"{order.body}_1"]

    def refused(code: str, **changed: Any) -> None:
        world.refused(officer, "orders.form_social_order", code, **{**good, **changed})

    refused("split_unequal", by_assignment=good["by_assignment"] + 1)
    refused("lots_unequal", lots=good["lots"][:-1])
    refused("service_unknown", service_code="XXX-99")
    dear = [{**good["lots"][0], "limit_price_kopecks": good["lots"][0]["limit_price_kopecks"] + 1}, *good["lots"][1:]]
    refused("limit_above_cost", lots=dear)
    refused("invalid_input", volume="много")
    refused("invalid_input", volume=-5)
    world.refused(world.people["provider_21"], "orders.form_social_order", "forbidden_role", **good)


# -- competitions -----------------------------------------------------------------------------------------------------


def announce(world: World) -> str:
    """A competition for each order; bidding opens by itself when the three custodians' keys are there."""
    for order in world.season.orders:
        contest = world.contests[order.key]
        drafting = world.people[f"{order.body}_1"]
        contest.competition_id = world.do(drafting, "orders.draft_competition", **_competition(world, contest)).id
    _refuse_bad_announcements(world)
    for contest in world.contests.values():
        officer = world.people[f"{contest.order.body}_1"]
        published = world.do(officer, "orders.publish_competition", id=contest.competition_id)
        contest.deadline = published.reply["deadline"]
    world.settle()
    opened = [
        contest
        for contest in world.contests.values()
        if world.ask(None, "orders.competition", id=contest.competition_id)["status"] == "open"
    ]
    world.expect("bidding opens with the third key", len(world.contests), len(opened))
    return f"{len(opened)} competitions open until {world.contests['O01'].deadline}"


def _competition(world: World, contest: Contest) -> dict[str, Any]:
    return {
        "order_id": contest.order_id,
        "lot_ids": list(contest.lots),
        "title": contest.order.title,
        "requirements": list(REQUIREMENTS),
        "criteria": [dict(criterion) for criterion in contest.order.criteria],
        "evaluators": [world.people[f"evaluator_{n}"].id for n in range(1, EVALUATORS + 1)],
    }


def _refuse_early_competition(world: World, order: Order) -> None:
    contest = world.contests[order.key]
    officer = world.people[f"{order.body}_1"]
    world.settle()
    world.refused(officer, "orders.draft_competition", "order_not_approved", **_competition(world, contest))


def _refuse_bad_announcements(world: World) -> None:
    contest = world.contests["O01"]
    officer, other = world.people["department_1"], world.people["belomorsk_1"]
    good = _competition(world, contest)
    draft: Data = {"id": contest.competition_id}
    world.refused(officer, "orders.draft_competition", "lot_in_competition", **good)
    world.refused(other, "orders.draft_competition", "not_yours", **good)
    world.refused(officer, "orders.publish_competition", "deadline_in_past", **draft, deadline="2026-12-01T09:00:00Z")
    world.refused(officer, "orders.publish_competition", "deadline_too_early", **draft, deadline="2027-01-18T09:00:00Z")
    world.refused(other, "orders.publish_competition", "not_yours", **draft)
    bidder = world.providers[21].staff
    world.refused(bidder, "orders.submit_bid", "not_found", competition_id=contest.competition_id,
                  lot_id=next(iter(contest.lots)), bid={"price_kopecks": 1, "volume": 1})  # fmt: skip
