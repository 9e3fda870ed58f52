"""Holding the vault's secret tables against the log: an auditor's live comparison asks this.

The tables can't be replayed, as what they hold is not in the log. But the log says which rows there must be, and fixes
each person's record by a commitment; a draft is fixed by its own authenticated encryption and its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, RowMapping

from kernel.settings import Settings
from services.vault import safe
from services.vault.facts import about_draft, about_organisation, about_person
from services.vault.safe import KEY_BYTES, CantOpen, Safe

States = Mapping[str, Mapping[str, Any]]
Finding = tuple[str, str, str, str, str]
"""(table, key, field, what the log says, what was found): the fields of a replay's Difference."""

WRITTEN, OTHER = "what was written", "something else"


def check_secrets(connection: Connection, states: States, keys: Path | None = None) -> list[Finding]:
    """What differs from the log; nothing where all is as it was written.

    `states`: {aggregate: {stream id: replayed state}} with `Person` and `Draft`. `keys`: the folder that holds
    `vault.kek`; without it that of the settings. The connection must be able to read the schema `vault`.
    """
    folder = keys or Settings().keys
    if not (folder / "vault.kek").exists():
        # A key made now would open nothing: say what is missing instead of naming every row.
        empty = not connection.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM vault.organisation_key)").scalar_one()
        empty = (
            empty and not connection.exec_driver_sql("SELECT EXISTS (SELECT 1 FROM vault.person_secret)").scalar_one()
        )
        return (
            []
            if empty
            else [("vault", str(folder / "vault.kek"), "(file)", "a key file", "no file, so nothing was checked")]
        )
    box = Safe.at(folder)
    return [*_persons(connection, states.get("Person", {}), box), *_drafts(connection, states.get("Draft", {}), box)]


def _persons(connection: Connection, states: Mapping[str, Any], box: Safe) -> Iterator[Finding]:
    rows = connection.exec_driver_sql("SELECT person_ref::text, keys, sealed FROM vault.person_secret")
    found = {ref: (bytes(keys), bytes(sealed)) for ref, keys, sealed in rows}
    kept = {ref: state for ref, state in states.items() if state.status == "kept"}
    yield from _rows_as_the_log_says("vault.person_secret", kept, found)
    for ref in sorted(kept.keys() & found.keys()):
        wrapped, sealed = found[ref]
        about = about_person(ref)
        try:
            both = box.unwrap(wrapped, about)
        except CantOpen:
            yield "vault.person_secret", ref, "keys", WRITTEN, OTHER
            continue
        try:
            record = safe.unseal(both[:KEY_BYTES], sealed, about)
        except CantOpen:
            yield "vault.person_secret", ref, "sealed", WRITTEN, OTHER
            continue
        if safe.commitment(both[KEY_BYTES:], about, record) != kept[ref].commitment:
            yield "vault.person_secret", ref, "sealed", "what its commitment fixes", OTHER


def _drafts(connection: Connection, states: Mapping[str, Any], box: Safe) -> Iterator[Finding]:
    organisation_keys: dict[str, bytes] = {}
    for organisation, wrapped in connection.exec_driver_sql(
        "SELECT organisation::text, key FROM vault.organisation_key"
    ):
        try:
            organisation_keys[organisation] = box.unwrap(bytes(wrapped), about_organisation(organisation))
        except CantOpen:
            yield "vault.organisation_key", organisation, "key", WRITTEN, OTHER
    rows = connection.exec_driver_sql(
        "SELECT draft_id::text, organisation::text, competition_id::text, lot_id::text, sealed FROM vault.draft_secret"
    ).mappings()
    found = {row["draft_id"]: row for row in rows}
    kept = {draft_id: state for draft_id, state in states.items() if state.status == "kept"}
    yield from _rows_as_the_log_says("vault.draft_secret", kept, found)
    for draft_id in sorted(kept.keys() & found.keys()):
        row, organisation = found[draft_id], kept[draft_id].organisation
        if row["organisation"] != organisation:
            yield "vault.draft_secret", draft_id, "organisation", organisation, row["organisation"]
        elif organisation not in organisation_keys:
            yield "vault.organisation_key", organisation, "(row)", f"a key for the draft {draft_id}", "no key"
        else:
            yield from _draft(draft_id, row, organisation_keys[organisation])


def _draft(draft_id: str, row: RowMapping, key: bytes) -> Iterator[Finding]:
    try:
        contents = safe.unseal(key, bytes(row["sealed"]), about_draft(draft_id))
    except CantOpen:
        yield "vault.draft_secret", draft_id, "sealed", WRITTEN, OTHER
        return
    for field in ("organisation", "competition_id", "lot_id"):
        if contents[field] != row[field]:
            yield "vault.draft_secret", draft_id, field, contents[field], row[field]


def _rows_as_the_log_says(table: str, kept: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Finding]:
    for key in sorted(kept.keys() - found.keys()):
        yield table, key, "(row)", "a row", "no row"
    for key in sorted(found.keys() - kept.keys()):
        yield table, key, "(row)", "no row, or a destroyed one", "a row"
