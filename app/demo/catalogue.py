"""The catalogue: services listed with their standards and costs, a dearer version, calculations that stay, proposals.

One registrar prepares, the other approves. A provider proposes a new service, is sent back once, and it is approved after
two experts' opinions; another proposal is refused, a third withdrawn.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from app.demo.world import Data, Person, World
from kernel.ids import derived_id

PROPOSER, HASTY = 22, 23
CLOSED = "URG-02"
DEARER = "DOM-04"
SATISFIED = {
    "name": {"ru": "Получатели, довольные услугой", "en": "Recipients satisfied with the service"},
    "relation": "at_least",
    "value": "90",
    "measure": {"ru": "% опрошенных", "en": "% of those asked"},
}
COMPLAINTS = {
    "name": {"ru": "Обоснованные жалобы", "en": "Justified complaints"},
    "relation": "at_most",
    "value": "2",
    "measure": {"ru": "на 100 получателей за год", "en": "per 100 recipients a year"},
}


def play(world: World) -> str:
    """Fill the catalogue; a line that says with what."""
    world.each([partial(_list, world, service) for service in world.season.services])
    _calculate(world)
    code = _approve_proposal(world)
    _other_proposals(world)
    world.settle()
    listed = {item["code"]: item for item in world.every(None, "registry.catalogue", limit=20)}
    world.expect("the services of the catalogue", len(world.season.services), len(listed))
    world.expect(f"what became of the proposal {code}", 52_000, listed[code]["cost_kopecks"])
    return f"{len(listed)} services in use, one closing, one of a provider's proposal"


def _registrars(world: World) -> tuple[Person, Person]:
    return world.people["registrar_1"], world.people["registrar_2"]


def _list(world: World, service: dict[str, Any]) -> None:
    """A service with the first versions of its standard and cost, as the region's file has them."""
    first, second = _registrars(world)
    code, valid_from = service["code"], service["valid_from"].isoformat()
    world.do(
        first, "registry.list_service", code=code, kind=service["kind"], form=service["form"], unit=service["unit"],
        name=service["name"], units_per_place=service["units_per_place"],
    )  # fmt: skip
    standard = {"text": service["standard"], "indicators": [SATISFIED, COMPLAINTS]}
    world.do(first, "registry.prepare_standard", code=code, standard=standard, valid_from=valid_from)
    world.do(second, "registry.approve_standard", code=code, number=1)
    _set_cost(world, 1, code=code, valid_from=valid_from, norm=_norm(service["cost_kopecks"]))


def _norm(kopecks: int) -> Data:
    return {
        "cost_kopecks": kopecks,
        "territories": {"umba": "1.2", "kandalaksha": "1.05"},
        "categories": {"bedridden": "1.5", "wheelchair": "1.25"},
        "basis": "постановление Правительства края № 14-пп",
    }


def _set_cost(world: World, number: int, **cost: Any) -> None:
    first, second = _registrars(world)
    world.do(first, "registry.prepare_cost", **cost)
    approve: Data = {"code": cost["code"], "number": number}
    if cost["code"] == DEARER:
        world.refused(first, "registry.approve_cost", "four_eyes", **approve)
    world.do(second, "registry.approve_cost", **approve)


def _calculate(world: World) -> None:
    """What was calculated stays when the cost is raised; a day of the new version is calculated by it."""
    first, second = _registrars(world)
    year = world.season.year
    asked: Data = {"code": DEARER, "territory": "umba", "category": "bedridden", "units": 120}
    make = partial(world.do, world.people["department_1"], "registry.calculate_cost")
    made = make(id=derived_id("demo-calculation", "before"), **asked, day=f"{year}-02-01")
    before = world.ask(None, "registry.calculation", id=made.id)
    [service] = [each for each in world.season.services if each["code"] == DEARER]
    dearer: Data = {"code": DEARER, "norm": _norm(service["cost_kopecks"] * 11 // 10)}
    world.refused(first, "registry.prepare_cost", "version_too_early", **dearer, valid_from=f"{year}-01-11")
    _set_cost(world, 2, **dearer, valid_from=f"{year}-07-01")
    world.expect("a calculation after the cost was raised", before, world.ask(None, "registry.calculation", id=made.id))
    after = make(id=derived_id("demo-calculation", "after"), **asked, day=f"{year}-07-01")
    world.expect("the version of July", 2, after.reply["cost_version"])
    world.do(second, "registry.close_service", code=CLOSED, closes_on=f"{year}-12-01", reason="ночлег входит в приют")
    closed: Data = {**asked, "code": CLOSED, "day": f"{year}-12-01"}
    world.refused(first, "registry.calculate_cost", "no_version_on_date", id=derived_id("demo-calculation"), **closed)


# -- proposals --------------------------------------------------------------------------------------------------------


def _propose(world: World, number: int, key: str, kopecks: int, indicators: list[Data]) -> str:
    made = world.do(
        world.providers[number].staff,
        "registry.propose_service",
        id=derived_id("demo-proposal", key),
        name={"ru": "Чтение вслух и сопровождение незрячих", "en": "Reading aloud and escort of blind people"},
        kind="communicative",
        form="home",
        unit="hour",
        need="О такой услуге просят семьи получателей, потерявших зрение; в каталоге её нет.",
        standard={
            "text": {
                "ru": "Не меньше двух часов в неделю по выбору получателя.",
                "en": "At least two hours a week as the recipient chooses.",
            },
            "indicators": indicators,
        },
        cost_items=[{"name": "Оплата труда", "kopecks": kopecks - 9_000}, {"name": "Проезд", "kopecks": 9_000}],
    )
    return made.id


def _approve_proposal(world: World) -> str:
    """Returned for a missing indicator, corrected, opined on, approved; the code that it got."""
    registrar, _ = _registrars(world)
    experts = [world.people[f"evaluator_{number}"] for number in (1, 2, 3)]
    proposal_id = _propose(world, PROPOSER, "approved", 61_000, [SATISFIED])
    this: Data = {"id": proposal_id}
    world.do(
        registrar, "registry.return_proposal", **this, reasons=["добавьте показатель жалоб и обоснуйте оплату труда"]
    )
    _propose(world, PROPOSER, "approved", 52_000, [SATISFIED, COMPLAINTS])
    world.do(registrar, "registry.ask_experts", **this, experts=[expert.id for expert in experts])
    code = "COM-03"
    approve: Data = {**this, "code": code, "valid_from": world.now.date().isoformat()}
    world.refused(registrar, "registry.approve_proposal", "opinions_missing", **approve)
    for expert, view in zip(experts, ("for", "recused", "for"), strict=True):
        text = {"for": "услуга нужна, расчёт обоснован", "recused": "работаю у заявителя"}[view]
        world.do(expert, "registry.give_opinion", **this, view=view, text=text)
    world.refused(
        world.people["evaluator_4"], "registry.give_opinion", "expert_not_asked", **this, view="for", text="да!"
    )
    taken: Data = {**approve, "code": DEARER}
    world.refused(registrar, "registry.approve_proposal", "service_code_taken", **taken)
    world.do(registrar, "registry.approve_proposal", **approve)
    return code


def _other_proposals(world: World) -> None:
    """One is refused with reasons, one its provider takes back."""
    registrar, _ = _registrars(world)
    refused = _propose(world, HASTY, "refused", 55_000, [SATISFIED])
    world.do(registrar, "registry.refuse_proposal", id=refused, reasons=["такая услуга уже принята"],
             ground="service_not_needed")  # fmt: skip
    withdrawn = _propose(world, HASTY, "withdrawn", 50_000, [SATISFIED])
    world.do(world.providers[HASTY].staff, "registry.withdraw_proposal", id=withdrawn)
