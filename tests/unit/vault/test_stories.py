"""Persons, readings and drafts: who may, what becomes a fact, and what is told to nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from kernel.aggregate import SYSTEM
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.keys import secret_at
from services.vault import safe
from services.vault.domain.draft import DestroyDraft, DraftDestroyed, DraftSaved, SaveDraft, draft
from services.vault.domain.person import (
    EraseOrphan,
    ErasePerson,
    PersonErased,
    PersonRecorded,
    PersonReferred,
    PutPerson,
    ReferPerson,
    person,
)
from services.vault.domain.reading import (
    Found,
    PersonalDataDenied,
    PersonalDataRead,
    ReadPersons,
    Record,
    reading,
)
from services.vault.safe import CantOpen, Safe
from tests.story import NOON, Given, given
from tests.support import person as somebody

REF, COMPETITION = new_id(), new_id()
PROVIDER, BODY = new_id(), new_id()
STAFF, CLERK = somebody("provider", organisation=PROVIDER), somebody("registrar")
VAULT = Actor.system("vault")
WHO = {"full_name": "Примерова Анна Ивановна"}
GROUND = "152-ФЗ ст. 21: обращение от 1 марта"


def put(purpose: str = "head", **more: Any) -> PutPerson:
    return PutPerson(id=REF, purpose=purpose, person=WHO, **more)


def kept() -> Given:
    return given(person, id=REF).when(put(), STAFF, facts="commitment").then(PersonRecorded)


# -- persons ----------------------------------------------------------------------------------------------------------


def test_the_event_of_a_person_holds_nothing_of_them() -> None:
    told = given(person, id=REF).when(put(), STAFF, facts="c0ffee")
    assert told.event.model_dump() == {"person_ref": REF, "commitment": "c0ffee", "purpose": "head"}
    [due] = told.decision.due
    assert due.at == NOON + timedelta(hours=24) and due.command == EraseOrphan(id=REF)


def test_who_records_whom() -> None:
    nobody = given(person, id=REF)
    nobody.when(put(), somebody("administrator"), facts="c").refused("forbidden_role")
    nobody.when(put(organisation=new_id()), STAFF, facts="c").refused("not_yours")
    nobody.when(put(organisation=PROVIDER), CLERK, facts="c").then(PersonRecorded)
    nobody.when(put("bid"), STAFF, facts="c").refused("competition_needed")
    nobody.when(put(competition_id=COMPETITION), STAFF, facts="c").refused("competition_needed")
    nobody.when(put("bid", competition_id=COMPETITION), CLERK, facts="c").refused("organisation_needed")
    nobody.when(put("bid", competition_id=COMPETITION), STAFF, facts="c").then(PersonRecorded)


def test_who_is_referred_to_stays_and_is_noted_once() -> None:
    refer = ReferPerson(id=REF, by="registry.ProviderApplied")
    entry = kept().when(refer, VAULT).then(PersonReferred)
    entry.when(refer, VAULT).then()
    entry.when(EraseOrphan(id=REF), VAULT, facts=None).then()
    kept().when(refer, STAFF).refused("forbidden_role")


def test_an_orphan_is_erased_and_who_is_held_is_looked_at_again() -> None:
    look = EraseOrphan(id=REF)
    assert kept().when(look, VAULT, facts="orphan").then(PersonErased).state.commitment == ""
    for standing, pause in (("held", timedelta(hours=24)), ("behind", timedelta(hours=1))):
        told = kept().when(look, VAULT, facts=standing)
        assert told.decision.events == () and told.decision.due[0].at == NOON + pause
    kept().when(look, STAFF, facts="orphan").refused("forbidden_role")


def test_erasing_is_final() -> None:
    erase = ErasePerson(id=REF, ground=GROUND)
    kept().when(erase, STAFF, facts=False).refused("not_yours")
    gone = kept().when(erase, STAFF, facts=True).then(PersonErased)
    gone.when(erase, STAFF, facts=True).refused("wrong_state")
    gone.when(ReferPerson(id=REF, by="x"), VAULT).refused("wrong_state")


# -- readings ---------------------------------------------------------------------------------------------------------


def record(purpose: str = "head", organisation: str | None = PROVIDER, opened: bool = False) -> Record:
    return Record(purpose, organisation, BODY if purpose == "bid" else None, opened, WHO)


HEAD, SEALED, OPENED = record(), record("bid"), record("bid", opened=True)
LONG, SHORT = "проверка жалобы № 12", "надо"


@pytest.mark.parametrize(
    ("actor", "what", "reason", "code"),
    [
        (CLERK, HEAD, SHORT, None),
        (CLERK, OPENED, SHORT, "personal_data_denied"),
        (STAFF, HEAD, SHORT, None),
        (STAFF, SEALED, SHORT, None),
        (somebody("provider", organisation=new_id()), HEAD, SHORT, "personal_data_denied"),
        (somebody("provider"), record(organisation=None), SHORT, "personal_data_denied"),
        (somebody("officer", organisation=BODY), OPENED, SHORT, None),
        (somebody("officer", organisation=BODY), SEALED, SHORT, "personal_data_denied"),
        (somebody("officer", organisation=new_id()), OPENED, SHORT, "personal_data_denied"),
        (somebody("officer", organisation=BODY), HEAD, SHORT, "personal_data_denied"),
        (somebody("auditor"), HEAD, LONG, None),
        (somebody("auditor"), SEALED, LONG, None),
        (somebody("administrator"), HEAD, LONG, "forbidden_role"),
        (somebody("evaluator"), OPENED, LONG, "forbidden_role"),
    ],
)
def test_who_reads_what(actor: Actor, what: Record, reason: str, code: str | None) -> None:
    read = ReadPersons(id=new_id(), person_refs=[REF], reason=reason)
    told = given(reading).when(read, actor, facts=Found({REF: what}, denied_lately=False))
    if code is None:
        told.then(PersonalDataRead)
        assert told.decision.reply == {"persons": {REF: WHO}}
        assert "Примерова" not in told.event.model_dump_json()
    else:
        told.refused(code, *([PersonalDataDenied] if code == "personal_data_denied" else []))


def test_a_denial_is_a_fact_once_and_tells_nothing() -> None:
    stranger = somebody("provider", organisation=new_id())
    read = ReadPersons(id=new_id(), person_refs=[REF], reason=SHORT)
    for found in ({REF: HEAD}, {}):  # a stranger learns no more of what exists than of what doesn't
        given(reading).when(read, stranger, facts=Found(found, False)).refused(
            "personal_data_denied", PersonalDataDenied
        )
        given(reading).when(read, stranger, facts=Found(found, True)).refused("personal_data_denied")
    given(reading).when(read, CLERK, facts=Found({}, False)).refused("not_found")


def test_one_that_may_not_be_read_denies_the_whole_reading() -> None:
    other = new_id()
    read = ReadPersons(id=new_id(), person_refs=[REF, other], reason=SHORT)
    found = Found({REF: HEAD, other: record(organisation=new_id())}, False)
    given(reading).when(read, STAFF, facts=found).refused("personal_data_denied", PersonalDataDenied)


def test_an_auditor_says_why() -> None:
    read = ReadPersons(id=new_id(), person_refs=[REF], reason=SHORT)
    given(reading).when(read, somebody("auditor"), facts=Found({REF: HEAD}, False)).refused("reason_needed")


# -- drafts -----------------------------------------------------------------------------------------------------------


def saving(**content: Any) -> SaveDraft:
    return SaveDraft(id=REF, competition_id=COMPETITION, lot_id=new_id(), content=content or {"price_kopecks": 777})


def test_a_draft_is_one_fact_however_often_it_is_saved() -> None:
    told = given(draft, id=REF).when(saving(), STAFF)
    assert told.event.model_dump() == {"organisation": PROVIDER}
    entry = told.then(DraftSaved)
    entry.when(saving(price_kopecks=1), STAFF).then()
    entry.when(saving(), somebody("provider", organisation=new_id())).refused("not_yours")
    entry.when(DestroyDraft(id=REF), somebody("provider", organisation=new_id())).refused("not_yours")
    for who in (STAFF, VAULT):
        entry.when(DestroyDraft(id=REF), who).then(DraftDestroyed).when(saving(), STAFF).refused("wrong_state")
    given(draft, id=REF).when(saving(), somebody("provider")).refused("not_yours")
    given(draft, id=REF).when(saving(text="я" * 20_000), STAFF).refused("draft_too_large")
    assert SYSTEM in draft.commands[DestroyDraft].roles


# -- the safe ---------------------------------------------------------------------------------------------------------


JSON = st.dictionaries(st.text("abc", min_size=1), st.text(max_size=20) | st.integers(-1000, 1000), max_size=5)


@examples(JSON)
def test_what_is_sealed_opens_as_it_was_and_only_in_its_place(value: dict[str, Any]) -> None:
    key = safe.new_key()
    sealed = safe.seal(key, value, "person/1")
    assert safe.unseal(key, sealed, "person/1") == value
    for attempt in (
        lambda: safe.unseal(key, sealed, "person/2"),
        lambda: safe.unseal(safe.new_key(), sealed, "person/1"),
        lambda: safe.unseal(key, sealed[:-1] + bytes([sealed[-1] ^ 1]), "person/1"),
        lambda: safe.unseal(key, b"", "person/1"),
    ):
        _cant(attempt)


def _cant(attempt: Callable[[], Any]) -> None:
    with pytest.raises(CantOpen):
        attempt()


def test_lengths_are_told_in_steps_only() -> None:
    key = safe.new_key()
    assert len(safe.seal(key, "a", "x")) == len(safe.seal(key, "a" * 3000, "x"))


def test_a_commitment_needs_its_key_its_place_and_its_value() -> None:
    key = safe.new_key()
    made = safe.commitment(key, "person/1", WHO)
    assert made == safe.commitment(key, "person/1", dict(WHO))
    assert len({made, safe.commitment(key, "person/2", WHO), safe.commitment(safe.new_key(), "person/1", WHO)}) == 3


def test_the_key_of_keys_is_a_file_of_ones_own(tmp_path: Path) -> None:
    box = Safe.at(tmp_path)
    file = tmp_path / "vault.kek"
    assert file.stat().st_mode & 0o777 == 0o600 and len(file.read_bytes()) == 32
    wrapped = box.wrap(b"k" * 64, "person/1")
    assert Safe(secret_at(file)).unwrap(wrapped, "person/1") == b"k" * 64
    _cant(lambda: Safe(safe.new_key()).unwrap(wrapped, "person/1"))
    _cant(lambda: box.unwrap(wrapped, "person/2"))
    file.write_bytes(b"short")
    with pytest.raises(ValueError, match="must hold 32 bytes"):
        secret_at(file)
