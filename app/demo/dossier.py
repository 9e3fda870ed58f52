"""What some cards say besides their fields: licences that are renewed or end, staff, experience, inspections, documents."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any

from app.demo.world import Data, Provider, World
from kernel.ids import derived_id

CAREFUL, CARELESS = 22, 23  # who renews its licence in time, and who doesn't
NETWORK = (24, 25, 26, 27, 28)  # a lead, three partners, and who takes the place of the last
CHARTER = b"%PDF-1.4\n% The charter of an organisation that doesn't exist\n%%EOF\n"
STAFF_LIST = b"%PDF-1.4\n% A list of nobody\n%%EOF\n"


def play(world: World) -> None:
    """Fill the cards of two providers; whoever may not, or says what can't be, is refused."""
    careful, careless = world.providers[CAREFUL], world.providers[CARELESS]
    held = _licence(world, careful, "Л041-00110-00/00022", ends="03-31")
    _licence(world, careful, "Л041-00110-00/00022", ends="12-31", licence_id=held)
    _licence(world, careless, "Л041-00110-00/00023", ends="03-31")
    mistaken = _licence(world, careless, "Л041-00110-00/00099", ends="12-31")
    world.do(world.people["registrar_1"], "registry.remove_licence", id=careless.id, licence_id=mistaken,
             reason="внесена по ошибке")  # fmt: skip
    _state(world, careful)
    _inspect(world, careful)
    _attach(world, careful)
    _unite(world)


def _licence(world: World, provider: Provider, number: str, ends: str, **more: Any) -> str:
    """The id of the licence that was recorded, or renewed."""
    year = world.season.year
    said: Data = {"number": number, "activity": "сестринское дело", "issued_by": "Министерство здравоохранения края",
                  "valid_from": f"{year - 2}-01-01", "valid_to": f"{year}-{ends}"}  # fmt: skip
    made = world.do(provider.staff, "registry.record_licence", id=provider.id, **said, **more)
    return str(made.reply["licence_id"])


def _state(world: World, provider: Provider) -> None:
    """Staff, volunteers and five years of work, by the provider itself."""
    year = world.season.year
    as_of = world.now.date().isoformat()
    world.do(provider.staff, "registry.state_staff", id=provider.id, as_of=as_of, staff=34, volunteers=120)
    years = [
        {"year": year - before, "recipients": 150 - 10 * before, "services": "помощь на дому, сопровождение"}
        for before in range(1, 6)
    ]
    this_year = [{**years[0], "year": year}]
    world.refused(
        provider.staff, "registry.state_experience", "experience_years_wrong", id=provider.id, years=this_year
    )
    world.do(provider.staff, "registry.state_experience", id=provider.id, years=years)


def _inspect(world: World, provider: Provider) -> None:
    """An inspection and the flags, by the registrar."""
    registrar = world.people["registrar_1"]
    inspection: Data = {"id": provider.id, "held_on": f"{world.season.year - 1}-10-20", "body": "Роспотребнадзор",
                        "outcome": "no_violations"}  # fmt: skip
    world.refused(provider.staff, "registry.record_inspection", "forbidden_role", **inspection)
    world.do(registrar, "registry.record_inspection", **inspection)
    world.do(registrar, "registry.set_flags", id=provider.id, flags=["socially_oriented", "useful_services"],
             basis="реестр исполнителей общественно полезных услуг")  # fmt: skip


def _attach(world: World, provider: Provider) -> None:
    """A charter for everybody and a list for officials; what isn't what it says is refused."""
    attach = partial(_document, kind="charter", title="Устав", media_type="application/pdf")
    hash_ = world.do(provider.staff, "registry.attach_document", **attach(provider, CHARTER, public=True)).reply["hash"]
    listed = attach(provider, STAFF_LIST, kind="other", title="Штатное расписание")
    secret = world.do(provider.staff, "registry.attach_document", **listed).reply["hash"]
    page = attach(provider, b"<script>alert(1)</script>")
    world.refused(provider.staff, "registry.attach_document", "document_not_of_its_type", **page)
    found = world.ask(None, "registry.document", id=provider.id, hash=hash_)
    world.expect("the document's bytes", CHARTER, base64.b64decode(found["content"]))
    hidden = [each["hash"] for each in world.ask(None, "registry.provider", id=provider.id)["documents"]]
    world.expect("documents that everybody sees", (True, False), (hash_ in hidden, secret in hidden))


def _document(provider: Provider, content: bytes, **said: Any) -> Data:
    return {"id": provider.id, "content": base64.b64encode(content).decode(), **said}


def _unite(world: World) -> None:
    """Four organisations unite by the consent of each; one gives its place to another. Two other attempts fail."""
    lead, first, second, leaving, joining = (world.providers[number] for number in NETWORK)
    made = _form(world, "first", lead, first, second, leaving)
    for partner in (first, second, leaving):
        world.do(partner.staff, "registry.consent_to_consortium", id=made)
    world.refused(first.staff, "registry.consent_to_consortium", "consent_not_asked", id=made)
    change: Data = {"id": made, "members": _members(lead, first, second, joining), "reason": "партнёр меняет профиль"}
    world.refused(first.staff, "registry.propose_replacement", "not_yours", **change)
    world.do(lead.staff, "registry.propose_replacement", **change)
    for partner in (first, second, leaving, joining):
        world.do(partner.staff, "registry.consent_to_consortium", id=made)
    declined = _form(world, "second", lead, first, second, joining)
    world.do(second.staff, "registry.decline_consortium", id=declined, reason="нет свободных людей")
    found = world.ask(None, "registry.consortia", provider_id=joining.id, status="standing")["items"]
    world.expect("the consortium of who joined", [made], [each["id"] for each in found])


def _form(world: World, key: str, *members: Provider) -> str:
    form: Data = {"id": derived_id("demo-consortium", key), "name": "Соседская помощь", "members": _members(*members)}
    unequal = [{**form["members"][0], "share": "39.9999"}, *form["members"][1:]]
    world.refused(members[0].staff, "registry.form_consortium", "shares_unequal", **{**form, "members": unequal})
    return world.do(members[0].staff, "registry.form_consortium", **form).id


def _members(*providers: Provider) -> list[Data]:
    """The lead has 40 %, each of the three partners 20."""
    roles = ("ведение и отчёты", "уход на дому", "сопровождение", "досуг")
    return [
        {"provider_id": provider.id, "share": "20" if place else "40", "role": role}
        for place, (provider, role) in enumerate(zip(providers, roles, strict=True))
    ]


def look(world: World) -> None:
    """After the season: the licence that nobody renewed has ended, after a warning; the renewed one stands."""
    licences = {}
    for number in (CAREFUL, CARELESS):
        card = world.ask(None, "registry.provider", id=world.providers[number].id)
        licences[number] = [licence["said"] for licence in card["licences"]]
    world.expect("what was said of the licences", {CAREFUL: [""], CARELESS: ["expired"]}, licences)
