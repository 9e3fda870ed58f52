"""What the vault's commands read and write beside the log: sealing, opening and destroying happen here.

What a refused command wrote here is undone with it. The commands that the vault gives itself are never refused after
something was destroyed: each function looks at the state before it touches a row.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from kernel.aggregate import SYSTEM
from kernel.service import Surroundings
from services.vault import safe
from services.vault.domain.draft import DestroyDraft, Draft, SaveDraft
from services.vault.domain.person import EraseOrphan, ErasePerson, Person, PutPerson, Standing
from services.vault.domain.reading import Found, ReadPersons, Record
from services.vault.safe import KEY_BYTES, Safe

SOURCES = ("registry", "orders")
DENIAL_COUNTS_FOR = timedelta(hours=24)


def about_person(person_ref: str) -> str:
    return f"person/{person_ref}"


def about_draft(draft_id: str) -> str:
    return f"draft/{draft_id}"


def about_organisation(organisation: str) -> str:
    return f"organisation/{organisation}"


# -- persons ----------------------------------------------------------------------------------------------------------


def keep_person(connection: Connection, command: PutPerson, state: Person, at: Surroundings) -> str:
    """Seal the person under new keys; the commitment for the log."""
    about = about_person(command.id)
    record = {
        "person": command.person.model_dump(mode="json"),
        "purpose": command.purpose,
        "competition_id": command.competition_id,
        "organisation": command.organisation or at.actor.organisation,
    }
    record_key, commitment_key = safe.new_key(), safe.new_key()
    connection.exec_driver_sql(
        "INSERT INTO person_secret (person_ref, keys, sealed) VALUES (%s, %s, %s)",
        (
            command.id,
            Safe.at(at.keys).wrap(record_key + commitment_key, about),
            safe.seal(record_key, record, about),
        ),
    )
    return safe.commitment(commitment_key, about, record)


def rewrap(connection: Connection, old: Safe, new: Safe) -> int:
    """Close the keys of all persons and organisations under `new` instead of `old`; how many there are.

    Safe to run again. Raises CantOpen for one that opens under neither, and nothing is changed by the transaction then.
    """
    count = 0
    for table, id, column, about_of in (
        ("vault.person_secret", "person_ref", "keys", about_person),
        ("vault.organisation_key", "organisation", "key", about_organisation),
    ):
        rows = connection.exec_driver_sql(f"SELECT {id}::text, {column} FROM {table}").all()
        again = [(old.rewrapped(bytes(wrapped), about_of(row_id), new), row_id) for row_id, wrapped in rows]
        if again:
            connection.exec_driver_sql(f"UPDATE {table} SET {column} = %s WHERE {id} = %s", again)
        count += len(rows)
    return count


def open_person(at: Safe, person_ref: str, keys: bytes, sealed: bytes) -> dict[str, Any]:
    """The record of a row. Raises CantOpen."""
    about = about_person(person_ref)
    record: dict[str, Any] = safe.unseal(at.unwrap(keys, about)[:KEY_BYTES], sealed, about)
    return record


def _records(connection: Connection, refs: list[str], at: Surroundings) -> dict[str, dict[str, Any]]:
    rows = connection.exec_driver_sql(
        "SELECT person_ref::text, keys, sealed FROM person_secret WHERE person_ref = ANY(%s::uuid[])", (refs,)
    )
    key = Safe.at(at.keys)
    return {ref: open_person(key, ref, bytes(keys), bytes(sealed)) for ref, keys, sealed in rows}


def found_persons(connection: Connection, command: ReadPersons, state: Any, at: Surroundings) -> Found:
    """The records asked for, opened, with what decides who may read them."""
    records = _records(connection, list(command.person_refs), at)
    competitions = {
        row[0]: (row[1], row[2])
        for row in connection.exec_driver_sql(
            "SELECT id::text, body_id, state FROM competition WHERE id = ANY(%s::uuid[])",
            ([record["competition_id"] for record in records.values() if record["competition_id"]],),
        )
    }
    denied = connection.exec_driver_sql(
        "SELECT EXISTS (SELECT 1 FROM denial WHERE actor = %s AND at > %s)", (at.actor.id, at.now - DENIAL_COUNTS_FOR)
    ).scalar_one()
    found = {}
    for ref, record in records.items():
        body_id, stands = competitions.get(record["competition_id"], (None, ""))
        found[ref] = Record(
            record["purpose"], record["organisation"], body_id or None, stands == "opened", record["person"]
        )
    return Found(found, bool(denied))


def erase_own(connection: Connection, command: ErasePerson, state: Person, at: Surroundings) -> bool:
    """Destroy row and keys, if the actor may: a registrar a head's, staff those of their organisation."""
    record = _records(connection, [command.id], at).get(command.id)
    if record is None or state.status != "kept":
        return False
    own = at.actor.organisation is not None and at.actor.organisation == record["organisation"]
    if not (own or (at.actor.has("registrar") and record["purpose"] == "head")):
        return False
    _destroy_person(connection, command.id)
    return True


def erase_if_orphan(connection: Connection, command: EraseOrphan, state: Person, at: Surroundings) -> Standing | None:
    """Destroy row and keys of a person that nothing refers to; None where there is nothing to decide."""
    if state.status != "kept" or state.referred:
        return None
    if not _has_read_everything(connection):
        return "behind"
    record = _records(connection, [command.id], at).get(command.id)
    if record is not None and _bidding_goes_on(connection, record["competition_id"]):
        return "held"
    _destroy_person(connection, command.id)
    return "orphan"


def _destroy_person(connection: Connection, person_ref: str) -> None:
    connection.exec_driver_sql("DELETE FROM person_secret WHERE person_ref = %s", (person_ref,))


def _bidding_goes_on(connection: Connection, competition_id: str | None) -> bool:
    if competition_id is None:
        return False
    state = connection.exec_driver_sql("SELECT state FROM competition WHERE id = %s", (competition_id,)).scalar()
    return state in ("drafted", "bidding", "closed")


def _has_read_everything(connection: Connection) -> bool:
    """Whether the vault has handled all that its sources have logged: an event that refers may be on its way.

    After the installation has slept, what is due fires before the logs are read.
    """
    for source in SOURCES:
        behind = connection.exec_driver_sql(
            f"SELECT s.sequence < h.sequence OR EXISTS (SELECT 1 FROM parked p WHERE p.source = s.source) "
            f'FROM subscription s, "{source}".log_head h WHERE s.source = %s',
            (source,),
        ).scalar()
        if behind:
            return False
    return True


# -- drafts -----------------------------------------------------------------------------------------------------------


def keep_draft(connection: Connection, command: SaveDraft, state: Draft, at: Surroundings) -> None:
    """Seal the draft under its organisation's key, in place of what was there."""
    organisation = at.actor.organisation
    if organisation is None or state.organisation not in ("", organisation):
        return
    place = (organisation, command.competition_id, command.lot_id)
    sealed = safe.seal(
        _key_of(connection, organisation, at), _contents(place, command.content), about_draft(command.id)
    )
    connection.exec_driver_sql(
        "INSERT INTO draft_secret (draft_id, organisation, competition_id, lot_id, sealed) VALUES (%s, %s, %s, %s, %s) "
        "ON CONFLICT (draft_id) DO UPDATE SET "
        "competition_id = excluded.competition_id, lot_id = excluded.lot_id, sealed = excluded.sealed",
        (command.id, *place, sealed),
    )


def _contents(place: tuple[str, str, str], content: dict[str, Any]) -> dict[str, Any]:
    organisation, competition_id, lot_id = place
    return {"organisation": organisation, "competition_id": competition_id, "lot_id": lot_id, "content": content}


def _key_of(connection: Connection, organisation: str, at: Surroundings) -> bytes:
    """The organisation's key, made on first use; of two at once the first stays."""
    about = about_organisation(organisation)
    box = Safe.at(at.keys)
    connection.exec_driver_sql(
        "INSERT INTO organisation_key (organisation, key) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (organisation, box.wrap(safe.new_key(), about)),
    )
    wrapped = connection.exec_driver_sql(
        "SELECT key FROM organisation_key WHERE organisation = %s", (organisation,)
    ).scalar_one()
    return box.unwrap(bytes(wrapped), about)


def destroy_draft(connection: Connection, command: DestroyDraft, state: Draft, at: Surroundings) -> None:
    if state.status == "kept" and (at.actor.has(SYSTEM) or at.actor.organisation == state.organisation):
        connection.exec_driver_sql("DELETE FROM draft_secret WHERE draft_id = %s", (command.id,))
