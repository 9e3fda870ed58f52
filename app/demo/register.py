"""The register: real organisations imported and completed, invented ones applying by themselves, and decisions on all.

Nothing is decided about a real organisation but that it is in the register: who is refused, returned or suspended, bids
or is paid in this season is invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from app.demo import dossier
from app.demo.data import Organisation
from app.demo.world import Data, Person, Provider, World
from app.importing import import_file
from kernel.ids import derived_id, new_id
from services.registry.importing import row_of

SAME_AS_ANOTHER = 18  # the row that belongs to the organisation of row 17
REFUSED = 45
RETURNED = 46
SUSPENDED = 47

REQUIREMENTS = ("documents", "legal_capacity", "staff_qualified", "premises_safe")

_LEGAL_FORMS = (
    ("Автономная некоммерческая", "автономная некоммерческая организация"),
    ("АНО", "автономная некоммерческая организация"),
    ("Благотворительный фонд", "благотворительный фонд"),
    ("Региональная общественная", "общественная организация"),
    ("Государственное бюджетное", "государственное бюджетное учреждение"),
    ("Муниципальное бюджетное", "муниципальное бюджетное учреждение"),
    ("Общество с ограниченной", "общество с ограниченной ответственностью"),
    ("Индивидуальный предприниматель", "индивидуальный предприниматель"),
)
_FORMS_OF_KINDS = {"npo": "некоммерческая организация", "budget_institution": "бюджетное учреждение"}


def play(world: World) -> str:
    """Fill the register; a line that says with what."""
    taken, dropped = _import(world)
    world.settle()  # a row is an application once the register has heard of its completion
    _apply(world)
    _refuse_bad_applications(world)
    world.move_to(1, 12)
    _decide(world)
    world.settle()
    return _summary(world, taken, dropped)


# -- applications -----------------------------------------------------------------------------------------------------


def _import(world: World) -> tuple[int, int]:
    """The list as it came, taken row by row; then what a person knows about each is added."""
    clerk = world.people["registrar_1"]
    report = import_file(world.season.raw_register, partial(_give, world, clerk), say=lambda line: None)
    world.expect("importing the list", (20, []), (report.taken, report.refused))
    world.facts["import"] = {
        "rows": report.rows,
        "to_complete": sum(report.missing.values()),
        "to_look_at": sum(report.problems.values()),
    }
    real = [organisation for organisation in world.season.organisations if organisation.is_real]
    for organisation in real:
        if organisation.number == SAME_AS_ANOTHER:
            row_id = row_of(report.batch_id, organisation.raw_row)
            world.do(clerk, "registry.drop_import_row", id=row_id, reason="та же организация, что в строке 17")
            world.refused(clerk, "registry.complete_import_row", "import_row_not_open", row_id=row_id,
                          **_card(organisation, ""))  # fmt: skip
    kept = [organisation for organisation in real if organisation.number != SAME_AS_ANOTHER]
    _note(world, world.each([partial(_complete, world, clerk, report.batch_id, each) for each in kept]))
    return report.taken, len(real) - len(kept)


def _complete(world: World, clerk: Person, batch_id: str, organisation: Organisation) -> Provider:
    """What a person knows of an organisation makes an application of its row."""
    row_id = row_of(batch_id, organisation.raw_row)
    head = _head(world, clerk, organisation)
    made = world.do(clerk, "registry.complete_import_row", row_id=row_id, **_card(organisation, head))
    return Provider(organisation, made.id, Person("", ("provider",), made.id))  # nobody acts for it in this season


def _note(world: World, providers: list[Provider]) -> None:
    world.providers |= {provider.organisation.number: provider for provider in providers}


def _give(world: World, clerk: Person, name: str, data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The import's way to the services: over HTTP, with the clerk's own token."""
    answer = world.api.call(name, data, clerk.token, key=new_id())
    if answer.code:
        return {"refused": {"code": answer.code, "ru": answer.body["detail"]}}
    return answer.body


def _apply(world: World) -> None:
    """Invented organisations apply by their own staff."""
    invented = [organisation for organisation in world.season.organisations if not organisation.is_real]
    _note(world, world.each([partial(_apply_one, world, organisation) for organisation in invented]))


def _apply_one(world: World, organisation: Organisation) -> Provider:
    staff = world.people[f"provider_{organisation.number}"]
    assert staff.organisation is not None
    head = _head(world, staff, organisation)
    world.do(staff, "registry.apply_to_register", id=staff.organisation, **_card(organisation, head))
    return Provider(organisation, staff.organisation, staff)


def _head(world: World, who: Person, organisation: Organisation) -> str:
    """The head's name goes into the vault; the card holds the reference."""
    person = world.do(
        who,
        "vault.put_person",
        id=derived_id("demo-head", organisation.inn),
        purpose="head",
        person={"full_name": organisation.head, "position": "руководитель"},
    )
    return person.id


def _card(organisation: Organisation, head_ref: str) -> dict[str, Any]:
    is_person = organisation.kind == "individual"
    return {
        # An entrepreneur's name is personal data: it stays in the vault.
        "full_name": "" if is_person else organisation.full_name,
        "short_name": "" if is_person else organisation.short_name,
        "legal_form": _legal_form(organisation),
        "kind": organisation.kind,
        "inn": organisation.inn,
        "ogrn": organisation.ogrn,
        "territory": organisation.territory,
        "address": "" if is_person else organisation.address,
        "latitude": organisation.latitude,
        "longitude": organisation.longitude,
        "forms": list(organisation.forms),
        "service_kinds": list(organisation.service_kinds),
        "head_ref": head_ref,
    }


def _legal_form(organisation: Organisation) -> str:
    found = (form for begins, form in _LEGAL_FORMS if organisation.full_name.startswith(begins))
    return next(found, "") or _FORMS_OF_KINDS.get(organisation.kind, "")


def _refuse_bad_applications(world: World) -> None:
    """What the register doesn't take, each with its own code and without a trace in it."""
    stranger = world.people["newcomer"]
    officer = world.people["department_1"]
    organisation = world.season.organisations[21]
    card = _card(organisation, "")
    free = {"inn": "0000099991", "ogrn": "1260000099996"}
    apply = partial(world.refused, stranger, "registry.apply_to_register")
    apply("inn_check_digits", id=stranger.organisation, **{**card, "inn": "0000099992"})
    apply("inn_taken", id=stranger.organisation, **card)
    apply("territory_unknown", id=stranger.organisation, **{**card, **free, "territory": "atlantis"})
    apply("invalid_input", id=stranger.organisation, **card, favourite_colour="red")
    apply("not_yours", id=derived_id("demo-provider", "somebody else"), **card)
    world.refused(officer, "registry.apply_to_register", "forbidden_role", id=officer.organisation, **card)
    world.refused(None, "registry.apply_to_register", "unauthenticated", id=stranger.organisation, **card)


# -- decisions --------------------------------------------------------------------------------------------------------


def _decide(world: World) -> None:
    """Whoever made an application doesn't decide on it: the second registrar does. Numbers follow the order."""
    first, second = world.people["registrar_1"], world.people["registrar_2"]
    one = world.providers[1].id
    world.refused(second, "registry.include_provider", "check_needed", id=one)
    _return(world, second, world.providers[RETURNED])
    good = [provider for number, provider in sorted(world.providers.items()) if number != REFUSED]
    world.each([partial(_check, world, second, provider, met=True) for provider in good])
    world.refused(first, "registry.include_provider", "four_eyes", id=one)
    for provider in good:
        world.do(second, "registry.include_provider", id=provider.id)
        provider.is_included = True
    _refuse(world, second, world.providers[REFUSED])
    dossier.play(world)
    world.refused(second, "registry.include_provider", "wrong_state", id=one)
    suspended = world.providers[SUSPENDED].id
    suspend: Data = {"id": suspended, "reason": "не представлен отчёт за прошлый год", "ground": "duties_not_kept"}
    world.refused(second, "registry.suspend_provider", "ground_unknown", **{**suspend, "ground": "own_will"})
    world.refused(second, "registry.suspend_provider", "stale_version", version=1, **suspend)
    world.do(second, "registry.suspend_provider", **suspend)


def _check(world: World, who: Person, provider: Provider, met: bool) -> None:
    checks = [{"requirement": name, "met": True} for name in REQUIREMENTS]
    if not met:
        checks[2] = {"requirement": REQUIREMENTS[2], "met": False, "reason": "нет сведений о квалификации персонала"}
    world.do(who, "registry.check_application", id=provider.id, checks=checks)


def _refuse(world: World, who: Person, provider: Provider) -> None:
    _check(world, who, provider, met=False)
    world.refused(who, "registry.include_provider", "check_not_met", id=provider.id)
    world.do(who, "registry.refuse_provider", id=provider.id, ground="requirements_not_met",
             reasons=["нет квалифицированного персонала"])  # fmt: skip


def _return(world: World, who: Person, provider: Provider) -> None:
    """Returned for correction, corrected by its own staff, and decided on again."""
    world.do(who, "registry.return_application", id=provider.id, reasons=["укажите формы обслуживания полностью"])
    head = derived_id("demo-head", provider.organisation.inn)
    world.do(provider.staff, "registry.apply_to_register", id=provider.id, **_card(provider.organisation, head))


def _summary(world: World, taken: int, dropped: int) -> str:
    counted = sum(1 for provider in world.providers.values() if provider.is_included)
    world.expect("at least 40 providers in the register", True, counted >= 40)
    listed = list(world.every(None, "registry.providers", limit=20))
    world.expect("the register lists whom it included", counted, len(listed))
    return f"{taken} rows imported, {dropped} dropped; {len(world.providers)} applications, {counted} included"
