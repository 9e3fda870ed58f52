"""The vault on a real database: what a dump tells, what erasing leaves, when an orphan goes, when a draft does."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine

from kernel.database import admin_url
from kernel.ids import new_id
from services.registry.service import service as registry
from services.vault.domain.draft import draft
from services.vault.domain.person import person as person_aggregate
from services.vault.service import service
from services.vault.verify import check_secrets
from tests.component.registry.test_register import CHECKS, card
from tests.component.vault.market import orders
from tests.support import Market, market, person

BEGAN = datetime(2027, 1, 15, 9, tzinfo=UTC)
CLERK, SECOND, AUDITOR = person("registrar"), person("registrar"), person("auditor")
PROVIDER, BODY = new_id(), new_id()
STAFF, OFFICER = person("provider", organisation=PROVIDER), person("officer", organisation=BODY)
CANARY, PRICE = "Канарейкина Аврора Ильинична", 987654321
LONG = "проверка жалобы № 12"
GROUND = "152-ФЗ ст. 21: обращение от 1 марта"


@pytest.fixture
def region(fresh_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    services = [registry(), orders(), service()]
    with market(services, fresh_database, tmp_path_factory.mktemp("home"), BEGAN) as made:
        yield made


def head(region: Market, name: str = CANARY, actor: Any = STAFF) -> str:
    ref = new_id()
    region.do("vault.put_person", {"id": ref, "purpose": "head", "person": {"full_name": name}}, actor)
    return ref


def read(region: Market, ref: str, actor: Any, reason: str = LONG) -> dict[str, Any]:
    return region.answer("vault.read_persons", {"id": new_id(), "person_refs": [ref], "reason": reason}, actor)


def published(region: Market) -> str:
    competition = new_id()
    region.do("orders.publish", {"id": competition, "body_id": BODY}, OFFICER)
    return competition


def bidder(region: Market, competition: str) -> str:
    ref = new_id()
    data = {"id": ref, "purpose": "bid", "competition_id": competition, "person": {"full_name": CANARY}}
    region.do("vault.put_person", data, STAFF)
    return ref


def saved(region: Market, competition: str, lot: str, actor: Any = STAFF, price: int = PRICE) -> str:
    draft_id = new_id()
    data = {"id": draft_id, "competition_id": competition, "lot_id": lot, "content": {"price_kopecks": price}}
    region.do("vault.save_draft", data, actor)
    return draft_id


def status(region: Market, ref: str) -> str:
    return str(region.sql("SELECT state->>'status' FROM vault.person WHERE id = %s", (ref,))[0][0])


def events(region: Market, name: str) -> int:
    return int(region.sql("SELECT count(*) FROM vault.log WHERE type = %s", (f"market.vault.{name}.v1",))[0][0])


def everything(region: Market) -> str:
    """Every row of every table of the database as text, bytes in hexadecimal and as the text that they may be."""
    tables = region.sql(
        "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables "
        "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    rows = [str(row[0]) for (name,) in tables for row in region.sql(f"SELECT t::text FROM {name} t")]
    text = "\n".join(rows)
    readable = [bytes.fromhex(found).decode("utf-8", "replace") for found in re.findall(r"\\x((?:[0-9a-f]{2})+)", text)]
    return "\n".join([text, *readable])


def differences(region: Market, edit: str = "SELECT 1") -> list[str]:
    """What check_secrets says after a superuser's `edit`, which is undone; states are the live ones (which the
    comparison of states holds against the log)."""
    states = {
        aggregate.name: {
            row[0]: aggregate.load(row[1]) for row in region.sql(f"SELECT id::text, state FROM vault.{aggregate.table}")
        }
        for aggregate in (person_aggregate, draft)
    }
    with region._admin.connect() as connection:
        connection.exec_driver_sql(edit)
        return [" ".join(found) for found in check_secrets(connection, states, region.settings.keys)]


# -- secrecy ----------------------------------------------------------------------------------------------------------


def test_a_dump_of_the_database_tells_neither_name_nor_price(region: Market) -> None:
    ref = head(region)
    assert read(region, ref, STAFF)["reply"]["persons"][ref]["full_name"] == CANARY
    competition, lot = published(region), new_id()
    saved(region, competition, lot)
    region.ask("vault.read_draft", {"lot_id": lot}, STAFF)
    region.work()
    dump = everything(region)
    assert "DraftSaved" in dump and ref in dump
    for secret in (CANARY, str(PRICE)):
        assert secret not in dump and secret.encode().hex() not in dump
    kek = region.settings.keys / "vault.kek"
    assert kek.read_bytes().hex() not in dump and os.stat(kek).st_mode & 0o777 == 0o600


def test_a_stored_answer_holds_no_personal_data_and_its_key_no_guessable_hash(region: Market) -> None:
    ref = head(region)
    data = {"id": new_id(), "person_refs": [ref], "reason": LONG}
    first = region.do("vault.read_persons", data, STAFF, key="k")
    again = region.do("vault.read_persons", data, STAFF, key="k")
    assert first["reply"]["persons"] and again["reply"] == {} and again["replayed"]
    assert (again["id"], again["events"]) == (first["id"], first["events"])
    assert region.refused("vault.read_persons", {**data, "reason": LONG + "!"}, STAFF, key="k") == (
        "idempotency_key_reused"
    )
    from kernel.store import body_hash

    hashes = [bytes(row[0]) for row in region.sql("SELECT input_hash FROM vault.reply")]
    assert body_hash(data) not in hashes and len(hashes) == 2


# -- reading ----------------------------------------------------------------------------------------------------------


def test_every_reading_is_an_event_and_a_denied_one_is_once_a_day(region: Market) -> None:
    ref = head(region)
    stranger = person("provider", organisation=new_id())
    for _ in range(3):
        assert read(region, ref, stranger)["refused"]["code"] == "personal_data_denied"
    for actor in (CLERK, STAFF, AUDITOR):
        assert read(region, ref, actor)["reply"]["persons"][ref]["full_name"] == CANARY
    assert read(region, ref, AUDITOR, "надо")["refused"]["code"] == "reason_needed"
    assert read(region, ref, person("administrator"))["refused"]["code"] == "forbidden_role"
    assert read(region, ref, None)["refused"]["code"] == "unauthenticated"
    region.work()
    assert (events(region, "PersonalDataRead"), events(region, "PersonalDataDenied")) == (3, 1)
    region.move_clock(BEGAN + timedelta(hours=25))
    read(region, ref, stranger)
    region.work()
    assert events(region, "PersonalDataDenied") == 2


def test_an_officer_reads_people_of_opened_bids_of_its_own_body(region: Market) -> None:
    competition = published(region)
    ref = bidder(region, competition)
    region.work()
    assert read(region, ref, OFFICER)["refused"]["code"] == "personal_data_denied"
    region.do("orders.close", {"id": competition}, OFFICER)
    region.do("orders.open_bids", {"id": competition, "people": [ref]}, OFFICER)
    region.work()
    assert read(region, ref, OFFICER)["reply"]["persons"][ref]["full_name"] == CANARY
    assert read(region, ref, person("officer", organisation=new_id()))["refused"]["code"] == "personal_data_denied"


def test_the_name_of_a_head_is_public_while_its_organisation_is_in_the_register(region: Market) -> None:
    ref, provider = head(region), PROVIDER
    region.do("registry.apply_to_register", {"id": provider, **card(700, head_ref=ref)}, STAFF)
    region.work()

    def names() -> dict[str, Any]:
        found: dict[str, Any] = region.ask("vault.published_names", {"person_refs": [ref, new_id()]})["names"]
        return found

    assert names() == {}
    region.do("registry.check_application", {"id": provider, "checks": CHECKS}, SECOND)
    region.do("registry.include_provider", {"id": provider}, SECOND)
    region.work()
    assert names() == {ref: {"full_name": CANARY, "position": ""}}
    region.do("registry.exclude_provider", {"id": provider, "reason": "ликвидация", "ground": "activity_ended"}, SECOND)
    region.work()
    assert names() == {}


# -- erasing ----------------------------------------------------------------------------------------------------------


def test_erasing_takes_row_and_keys_and_leaves_an_event(region: Market) -> None:
    ref = head(region)
    erase = {"id": ref, "ground": GROUND}
    assert region.refused("vault.erase_person", erase, person("provider", organisation=new_id())) == "not_yours"
    assert region.refused("vault.erase_person", erase, person("officer")) == "forbidden_role"
    assert region.sql("SELECT count(*) FROM vault.person_secret") == [(1,)]
    region.do("vault.erase_person", erase, STAFF)
    assert region.sql("SELECT count(*) FROM vault.person_secret") == [(0,)]
    assert read(region, ref, STAFF)["refused"]["code"] == "personal_data_denied"
    assert read(region, ref, CLERK)["refused"]["code"] == "not_found"
    region.work()
    assert events(region, "PersonErased") == 1 and differences(region) == []


def test_who_no_event_refers_to_is_erased_after_a_day(region: Market) -> None:
    orphan, named, drafted = head(region), head(region), head(region)
    region.do("registry.apply_to_register", {"id": PROVIDER, **card(710, head_ref=named)}, STAFF)
    region.work()
    region.do("registry.change_card", {"id": PROVIDER, "head_ref": drafted}, STAFF)
    region.work()
    region.move_clock(BEGAN + timedelta(hours=23))
    region.work()
    assert status(region, orphan) == "kept"
    region.move_clock(BEGAN + timedelta(hours=24))
    region.work()
    assert [status(region, ref) for ref in (orphan, named, drafted)] == ["erased", "kept", "kept"]
    assert region.sql("SELECT count(*) FROM vault.person_secret") == [(2,)]
    assert events(region, "PersonErased") == 1


def test_an_event_that_is_on_its_way_saves_who_it_refers_to(region: Market) -> None:
    ref = head(region)
    region.do("registry.apply_to_register", {"id": PROVIDER, **card(720, head_ref=ref)}, STAFF)
    # The installation sleeps for two days: the register has sealed, the vault has not read.
    region.installation.workers["registry"].sealer.seal()
    region.move_clock(BEGAN + timedelta(hours=48))
    region.installation.workers["vault"].schedule.fire()
    assert status(region, ref) == "kept"
    region.work()
    region.move_clock(BEGAN + timedelta(hours=50))
    region.work()
    assert status(region, ref) == "kept" and events(region, "PersonReferred") == 1


def test_people_of_a_sealed_bid_are_held_until_the_opening(region: Market) -> None:
    competition, cancelled, empty = published(region), published(region), published(region)
    chosen, left = bidder(region, competition), bidder(region, competition)
    gone, unsent, unknown = bidder(region, cancelled), bidder(region, empty), bidder(region, new_id())
    region.work()
    region.move_clock(BEGAN + timedelta(days=2))
    region.work()
    assert [status(region, ref) for ref in (chosen, left, gone, unsent, unknown)] == ["kept"] * 4 + ["erased"]
    region.do("orders.cancel", {"id": cancelled}, OFFICER)
    region.do("orders.close", {"id": empty, "standing": []}, OFFICER)
    region.do("orders.close", {"id": competition}, OFFICER)
    region.do("orders.open_bids", {"id": competition, "people": [chosen]}, OFFICER)
    region.work()
    region.move_clock(BEGAN + timedelta(days=4))
    region.work()
    assert [status(region, ref) for ref in (chosen, left, gone, unsent)] == ["kept"] + ["erased"] * 3


# -- drafts -----------------------------------------------------------------------------------------------------------


def test_a_draft_is_its_organisations_alone(region: Market) -> None:
    competition, lot = published(region), new_id()
    draft_id = saved(region, competition, lot)
    again = {"id": draft_id, "competition_id": competition, "lot_id": lot, "content": {"price_kopecks": 1}}
    region.do("vault.save_draft", again, STAFF)
    stranger = person("provider", organisation=new_id())
    assert region.refused("vault.save_draft", {**again, "content": {}}, stranger) == "not_yours"
    told = region.ask("vault.read_draft", {"lot_id": lot}, person("provider", organisation=PROVIDER))
    assert told == {"id": draft_id, "competition_id": competition, "lot_id": lot, "content": {"price_kopecks": 1}}
    assert region.asked("vault.read_draft", {"lot_id": lot}, stranger)["refused"]["code"] == "not_found"
    assert region.asked("vault.read_draft", {"lot_id": lot}, OFFICER)["refused"]["code"] == "forbidden_role"
    assert region.ask("vault.drafts", {}, stranger) == {"items": []}
    assert region.refused("vault.save_draft", {**again, "id": new_id()}, STAFF) == "draft_exists"
    region.work()
    assert events(region, "DraftSaved") == 1 and differences(region) == []


def test_many_first_drafts_at_once_share_the_organisations_key(region: Market) -> None:
    competition, lots = published(region), [new_id() for _ in range(8)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda lot: saved(region, competition, lot), lots))
    for lot in lots:
        assert region.ask("vault.read_draft", {"lot_id": lot}, STAFF)["content"] == {"price_kopecks": PRICE}


def test_a_draft_ends_with_its_bid_with_the_bidding_or_by_hand(region: Market) -> None:
    competition, cancelled = published(region), published(region)
    sealed, unsent, by_hand, other = (new_id() for _ in range(4))
    saved(region, competition, sealed)
    saved(region, competition, unsent)
    saved(region, cancelled, other)
    hand = saved(region, competition, by_hand)
    region.do("vault.destroy_draft", {"id": hand}, STAFF)
    region.do("orders.submit", {"id": new_id(), "lot_id": sealed, "provider_id": PROVIDER}, STAFF)
    region.work()

    def left() -> set[str]:
        return {item["lot_id"] for item in region.ask("vault.drafts", {}, STAFF)["items"]}

    assert left() == {unsent, other}
    region.do("orders.close", {"id": competition}, OFFICER)
    region.work()
    assert left() == {other}
    region.do("orders.cancel", {"id": cancelled}, OFFICER)
    region.work()
    assert left() == set() and events(region, "DraftDestroyed") == 4 and differences(region) == []


@pytest.fixture(scope="module")
def kept(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Market, dict[str, str]]]:
    """A market with one of each secret, and their keys by table."""
    services = [registry(), orders(), service()]
    with market(services, module_database, tmp_path_factory.mktemp("home"), BEGAN) as made:
        keys = {"person_secret": head(made), "draft_secret": saved(made, published(made), new_id())}
        yield made, {**keys, "organisation_key": PROVIDER}


# -- the auditor's comparison -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        ("UPDATE vault.person_secret SET keys = set_byte(keys, 20, get_byte(keys, 20) # 1)", " keys what was written"),
        (
            "UPDATE vault.person_secret SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)",
            " sealed what was written",
        ),
        ("DELETE FROM vault.person_secret", " a row no row"),
        ("UPDATE vault.person_secret SET person_ref = gen_random_uuid()", "no row, or a destroyed one"),
        ("UPDATE vault.draft_secret SET lot_id = gen_random_uuid()", " lot_id "),
        ("UPDATE vault.draft_secret SET competition_id = gen_random_uuid()", " competition_id "),
        ("UPDATE vault.draft_secret SET organisation = gen_random_uuid()", " organisation "),
        ("UPDATE vault.draft_secret SET sealed = sealed || 'x'", " sealed what was written"),
        ("UPDATE vault.organisation_key SET key = substr(key, 2)", " key what was written"),
        ("DELETE FROM vault.organisation_key", " no key"),
        ("DELETE FROM vault.draft_secret", " a row no row"),
    ],
)
def test_an_edited_secret_is_named_by_table_key_and_field(
    kept: tuple[Market, dict[str, str]], edit: str, said: str
) -> None:
    region, keys = kept
    assert differences(region) == []
    table = edit.split("vault.")[1].split()[0]
    named = [line for line in differences(region, edit) if said in line and line.startswith(f"vault.{table} ")]
    assert named and (keys[table] in named[0] or "destroyed" in said)


def test_a_record_changed_with_every_key_at_hand_differs_from_the_logs_commitment(region: Market) -> None:
    """A thief of the key file seals another name into the row: the ciphertext opens, the log disagrees."""
    from services.vault import safe
    from services.vault.facts import about_person
    from services.vault.safe import KEY_BYTES, Safe

    ref = head(region)
    [(wrapped, sealed)] = region.sql("SELECT keys, sealed FROM vault.person_secret")
    record_key = Safe.at(region.settings.keys).unwrap(bytes(wrapped), about_person(ref))[:KEY_BYTES]
    record = safe.unseal(record_key, bytes(sealed), about_person(ref))
    record["person"]["full_name"] = "Другая"
    forged = safe.seal(record_key, record, about_person(ref))
    region.sql("UPDATE vault.person_secret SET sealed = %s", (forged,))
    assert differences(region) == [f"vault.person_secret {ref} sealed what its commitment fixes something else"]


def test_without_the_key_file_nothing_is_claimed(region: Market, tmp_path: Any) -> None:
    head(region)
    engine = create_engine(admin_url(region.url))
    with engine.connect() as connection:
        [found] = check_secrets(connection, {}, tmp_path)
    engine.dispose()
    assert found[1:3] == (str(tmp_path / "vault.kek"), "(file)") and not (tmp_path / "vault.kek").exists()
