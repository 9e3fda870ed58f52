"""The people of a season: accounts by two administrators, and everybody signing in for themselves."""

from __future__ import annotations

import os
import secrets
import shutil
from functools import partial

import orjson

from app.administrator import first_account
from app.demo.world import Data, Person, Unexpected, World
from kernel.ids import derived_id, new_id

BODIES_WITH_ORDERS = ("belomorsk", "department", "monchegorsk", "youth")
EVALUATORS = 5
CUSTODIANS = ("department", "audit_chamber", "association")


def settle_in(world: World) -> str:
    """The first account is made from the installation's own machine, all others over HTTP by who it is for."""
    first = _bootstrap(world)
    second = Person("administrator_2", ("administrator",), name="Администратор 2")
    _create(world, first, second)
    _sign_in(world, second)
    people = _cast(world)
    for person in people:
        _create(world, first, person)
    _refuse_one_alone(world, first, people[0])
    for person in people:
        for role in person.roles:
            if role in world.facts["waiting"][person.login]:
                world.do(second, "access.grant_role", id=person.id, role=role)
    world.each([partial(_sign_in, world, person) for person in people])
    _refuse_strangers(world, first, people[0])
    world.people |= {person.login: person for person in (first, second, *people)}
    _keep_passwords(world)
    roles = {role for person in world.people.values() for role in person.roles}
    return f"{len(world.people)} accounts in {len(roles)} roles"


def _keep_passwords(world: World) -> None:
    """What each of them signs in with, a file each, so that a visitor can go on as any of them: `<home>/accounts/`."""
    folder = world.place.settings.home / "accounts"
    shutil.rmtree(folder, ignore_errors=True)  # of a former season: those people are gone
    folder.mkdir(mode=0o700)
    for person in world.people.values():
        with os.fdopen(os.open(folder / f"{person.login}.json", os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
            file.write(orjson.dumps({"login": person.login, "password": person.password}) + b"\n")


def _cast(world: World) -> list[Person]:
    """Everybody who acts: two officers a body, so that nobody approves what they prepared."""
    body_id = world.season.body_id
    found = [Person(f"registrar_{n}", ("registrar",)) for n in (1, 2)]
    for body in BODIES_WITH_ORDERS:
        found += [Person(f"{body}_{n}", ("officer",), body_id(body), world.season.bodies[body]) for n in (1, 2)]
    found += [Person(f"evaluator_{n}", ("evaluator",)) for n in range(1, EVALUATORS + 1)]
    found += [Person(f"treasurer_{n}", ("treasurer",), body_id("treasury")) for n in (1, 2)]
    found += [Person(f"custodian_{n}", ("custodian",), body_id(body)) for n, body in enumerate(CUSTODIANS, start=1)]
    found += [
        Person("property_1", ("premises_owner",), body_id("property")),
        Person("auditor", ("auditor",), body_id("audit_chamber")),
        Person("beneficiary_1", ("beneficiary",), derived_id("demo-beneficiary", "1"), "Получатель услуг 1"),
        Person("newcomer", ("provider",), derived_id("demo-provider", "newcomer")),
    ]
    for organisation in world.season.organisations:
        if not organisation.is_real:
            provider_id = derived_id("demo-provider", organisation.inn)
            found.append(Person(f"provider_{organisation.number}", ("provider",), provider_id))
    return found


def _bootstrap(world: World) -> Person:
    """The first administrator, with a token that only who holds the installation's keys can make."""
    first = Person("administrator_1", ("administrator",), name="Администратор 1")
    first.id, first.password = _account_id(first), secrets.token_urlsafe(12)
    data = {"id": first.id, "login": first.login, "password": first.password, "display_name": first.name}
    answer = first_account(world.place.url, world.place.settings, data)
    if "refused" in answer:
        raise Unexpected("access.bootstrap", "the first account", answer["refused"]["en"])
    _sign_in(world, first)
    return first


def _account_id(person: Person) -> str:
    return derived_id("demo-account", person.login)


def _create(world: World, administrator: Person, person: Person) -> None:
    """An account with roles; those that decide wait for the other administrator."""
    person.id, person.password = _account_id(person), secrets.token_urlsafe(12)
    made = world.do(administrator, "access.create_account", **_account(person))
    world.facts.setdefault("waiting", {})[person.login] = made.reply["waiting"]


def _account(person: Person) -> Data:
    return {
        "id": person.id,
        "login": person.login,
        "password": person.password,
        "display_name": person.name or person.login,
        "organisation": person.organisation,
        "roles": list(person.roles),
    }


def _sign_in(world: World, person: Person) -> None:
    answer = world.do(None, "access.sign_in", id=new_id(), login=person.login, password=person.password)
    person.token = answer.reply["token"]


def _refuse_one_alone(world: World, first: Person, person: Person) -> None:
    """Who proposed a role doesn't grant it, and nobody changes their own."""
    world.refused(first, "access.grant_role", "four_eyes", id=person.id, role=person.roles[0])
    world.refused(first, "access.grant_role", "own_roles", id=first.id, role="treasurer")
    world.refused(first, "access.create_account", "login_taken",
                  **{**_account(person), "id": derived_id("demo-account", "twin")})  # fmt: skip


def _refuse_strangers(world: World, first: Person, person: Person) -> None:
    for login in (person.login, "nobody"):
        guessed = secrets.token_urlsafe(12)
        world.refused(None, "access.sign_in", "sign_in_failed", id=new_id(), login=login, password=guessed)
    world.refused(person, "access.create_account", "forbidden_role", **_account(person))
    forged = Person("forged", ("administrator",), token=first.token[:-4] + "AAAA")
    world.refused(forged, "access.grant_role", "unauthenticated", id=person.id, role="auditor")
