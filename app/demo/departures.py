"""Who changes and who leaves: cards, exclusion and withdrawal from the register, personal data, accounts and sessions.

Whoever's password changes here can go on with the new one: it stands in their file of `<home>/accounts/`.
"""

from __future__ import annotations

import secrets
from functools import partial

import orjson

from app.demo import dossier
from app.demo.register import SUSPENDED
from app.demo.world import Data, Person, World
from kernel.ids import derived_id, new_id

MOVED = 22  # its contacts change
WITHDRAWN = 46
READ = 23
TOO_SHORT, LONG_ENOUGH = "проверка", "проверка жалобы получателя на исполнителя"


def play(world: World) -> str:
    """Everything of that; a line that says who left."""
    _change_card(world)
    _leave_register(world)
    _read_persons(world)
    _erase_person(world)
    _forget_password(world)
    _change_password(world)
    _end_session(world)
    _disable(world)
    return f"providers {SUSPENDED} excluded and {WITHDRAWN} withdrawn"


# -- the register -----------------------------------------------------------------------------------------------------


def _change_card(world: World) -> None:
    """A provider changes by itself how it is reached; what the register decided on is the registrar's."""
    provider = world.providers[MOVED]
    change = partial(world.do, provider.staff, "registry.change_card", id=provider.id)
    contacts = {"phone": "+7 815 555-01-22", "email": "office@provider22.example"}
    change(address=f"{provider.organisation.address}, офис 2", contacts=contacts)
    world.refused(provider.staff, "registry.change_card", "nothing_changes", id=provider.id, contacts=contacts)
    world.refused(provider.staff, "registry.change_card", "only_registrar", id=provider.id, legal_form="фонд")
    dossier.look(world)


def _leave_register(world: World) -> None:
    """One was suspended all season and is excluded; one leaves of its own will. Neither offers places any more."""
    excluded, leaving = world.providers[SUSPENDED], world.providers[WITHDRAWN]
    reason: Data = {"reason": "нарушения не устранены за полгода", "ground": "not_remedied"}
    world.refused(excluded.staff, "registry.exclude_provider", "forbidden_role", id=excluded.id, **reason)
    world.do(world.people["registrar_2"], "registry.exclude_provider", id=excluded.id, **reason)
    world.refused(excluded.staff, "registry.withdraw_provider", "not_yours", id=leaving.id)
    world.do(leaving.staff, "registry.withdraw_provider", id=leaving.id)
    world.settle()
    for provider in (excluded, leaving):
        world.refused(provider.staff, "providers.set_places", "wrong_state", id=provider.id, form="home", maximum=1,
                      funded=1)  # fmt: skip


# -- personal data ----------------------------------------------------------------------------------------------------


def _head(world: World, number: int) -> str:
    """The reference to a provider's head (app/demo/register.py)."""
    return derived_id("demo-head", world.providers[number].organisation.inn)


def _read_persons(world: World) -> None:
    """A registrar may, an officer may not, an auditor says why; every reading and the first denial are in the log."""
    head = _head(world, READ)
    registrar, officer, auditor = (world.people[name] for name in ("registrar_1", "department_1", "auditor"))
    read = world.do(registrar, "vault.read_persons", person_refs=[head], reason="сверка с ЕГРЮЛ")
    name = world.providers[READ].organisation.head
    world.expect("the head's name", name, read.reply["persons"][head]["full_name"])
    for _ in range(2):
        world.refused(officer, "vault.read_persons", "personal_data_denied", person_refs=[head], reason="любопытство")
    world.refused(auditor, "vault.read_persons", "reason_needed", person_refs=[head], reason=TOO_SHORT)
    world.do(auditor, "vault.read_persons", person_refs=[head], reason=LONG_ENOUGH)


def _erase_person(world: World) -> None:
    """Who left the register has its head's data erased; nobody reads it after that."""
    head = _head(world, WITHDRAWN)
    ground: Data = {"id": head, "ground": "цель обработки достигнута: исполнитель вышел из реестра"}
    world.refused(world.providers[READ].staff, "vault.erase_person", "not_yours", **ground)
    world.do(world.providers[WITHDRAWN].staff, "vault.erase_person", **ground)
    world.refused(world.people["registrar_1"], "vault.read_persons", "not_found", person_refs=[head],
                  reason="сверка с ЕГРЮЛ")  # fmt: skip


# -- accounts ---------------------------------------------------------------------------------------------------------


def _forget_password(world: World) -> None:
    """An administrator sets a forgotten password; the role that decides is granted anew by the other administrator."""
    first, second = world.people["administrator_1"], world.people["administrator_2"]
    person = world.people["youth_2"]
    _new_password(person)
    world.do(first, "access.reset_password", id=person.id, password=person.password)
    _expect_signed_out(world, person)
    world.refused(first, "access.grant_role", "four_eyes", id=person.id, role="officer")
    world.do(second, "access.grant_role", id=person.id, role="officer")
    world.settle()
    _sign_in(world, person)
    _note_password(world, person)


def _change_password(world: World) -> None:
    """A person mistakes the old password once, then changes it."""
    person = world.people["evaluator_5"]
    old = person.password
    _new_password(person)
    change: Data = {"new": person.password}
    world.refused(person, "access.change_password", "wrong_password", old=secrets.token_urlsafe(12), **change)
    world.do(person, "access.change_password", old=old, **change)
    _note_password(world, person)


def _end_session(world: World) -> None:
    """Somebody signs in at another desk and ends that session from there; the first one goes on."""
    person = world.people["evaluator_5"]
    desk = Person(person.login, person.roles, password=person.password)
    session = _sign_in(world, desk)
    world.refused(world.people["evaluator_1"], "access.revoke_session", "not_yours", id=session)
    world.do(desk, "access.revoke_session", id=session)
    _expect_signed_out(world, desk)


def _disable(world: World) -> None:
    """An account that nobody needed is disabled; one disabled by mistake is enabled again; a role is taken back."""
    first, second = world.people["administrator_1"], world.people["administrator_2"]
    newcomer, evaluator = world.people["newcomer"], world.people["evaluator_5"]
    disable = partial(world.do, first, "access.disable_account", reason="заявку в реестр так и не подал")
    disable(id=newcomer.id)
    _expect_signed_out(world, newcomer)
    world.do(second, "access.enable_account", id=newcomer.id)
    world.refused(first, "access.revoke_role", "role_not_held", id=evaluator.id, role="auditor")
    world.do(first, "access.revoke_role", id=evaluator.id, role="evaluator")


def _new_password(person: Person) -> None:
    person.password = secrets.token_urlsafe(12)


def _sign_in(world: World, person: Person) -> str:
    """The id of the session."""
    data: Data = {"id": new_id(), "login": person.login, "password": person.password}
    person.token = world.do(None, "access.sign_in", **data).reply["token"]
    return str(data["id"])


def _expect_signed_out(world: World, person: Person) -> None:
    """The token of before isn't taken any more, once everybody has heard of it."""
    world.settle()
    step = f"what {person.login} asks after being signed out"
    world.expect_code(step, "unauthenticated", world.api.call("access.me", {}, person.token))


def _note_password(world: World, person: Person) -> None:
    """Into the file that people.py made, which keeps its mode."""
    file = world.place.settings.home / "accounts" / f"{person.login}.json"
    file.write_bytes(orjson.dumps({"login": person.login, "password": person.password}) + b"\n")
