"""Sealed until the deadline, opened by any two of three: orders, registry, audit and the three custodians together."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.contracts.generate import contract_files
from kernel import canonical
from kernel.ids import derived_id, new_id
from kernel.sealing import PAIRS, Sealed, SealError, from_base64, open_inner, open_outer, seal, unseal
from services.audit.service import service as audit
from services.billing.service import service as billing
from services.custodian import keystore
from services.custodian.evidence import missing_evidence
from services.custodian.service import service as custodian
from services.orders.service import service as orders
from services.providers.service import service as providers
from services.registry.service import service as registry
from tests.support import Market, person

MONDAY = datetime(2027, 1, 18, 9, tzinfo=UTC)
BODY = new_id()
OFFICER, SECOND_OFFICER = person("officer", organisation=BODY), person("officer", organisation=BODY)
CLERK, SECOND_CLERK = person("registrar"), person("registrar")
EVALUATORS = [person("evaluator") for _ in range(3)]
CANARY = 73_519_846_207  # a price that stands nowhere else; searched for in everything that can be read


class Region(Market):
    """The services that a sealed bid meets, and the steps up to its opening."""

    providers: list[str]

    def step(self, name: str, actor: Any = None, **data: Any) -> dict[str, Any]:
        answer = self.do(name, data, actor)
        self.work()
        return answer


def built(url: str, home: Path) -> Region:
    services = [registry(), orders(), providers(), billing(), *(custodian(n) for n in (1, 2, 3))]
    contracts = home / "contracts"
    contracts.mkdir()
    (contracts / "readers.json").write_text(contract_files(services)["readers.json"])
    sources = tuple(s.name for s in services)
    region = Region([*services, audit(sources, contracts)], url, home, MONDAY)
    region.providers = [included(region, serial) for serial in (1, 2)]
    return region


@pytest.fixture
def region(fresh_database: str, tmp_path: Path) -> Iterator[Region]:
    made = built(fresh_database, tmp_path)
    yield made
    made.close()


def included(region: Region, serial: int) -> str:
    provider_id = new_id()
    body = f"0000{serial:05d}"
    weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)
    inn = body + str(sum(w * int(n) for w, n in zip(weights, body, strict=True)) % 11 % 10)
    region.step(
        "registry.apply_to_register", CLERK, id=provider_id, full_name=f"АНО «Дом {serial}»", short_name=f"Дом {serial}",
        legal_form="АНО", kind="npo", inn=inn, ogrn="1260000029431", territory="kem", forms=["home"],
        service_kinds=["domestic"],
    )  # fmt: skip
    checks = [{"requirement": "заявление полно", "met": True}]
    region.step("registry.check_application", SECOND_CLERK, id=provider_id, checks=checks)
    region.step("registry.include_provider", SECOND_CLERK, id=provider_id)
    return provider_id


def opened_for_bids(region: Region) -> tuple[str, str]:
    """(competition, lot) of a competition that takes bids."""
    order_id, competition_id, lot_id = new_id(), new_id(), new_id()
    lot = {"lot_id": lot_id, "title": "Уборка жилья", "volume": 1000, "limit_price_kopecks": 38_500}
    region.step(
        "orders.form_social_order", OFFICER, id=order_id, body_name="Администрация Кеми", year=2027, territory="kem",
        service_code="DOM-02", volume=1000, by_assignment=0, by_competition=1000, by_certificate=0, lots=[lot],
    )  # fmt: skip
    region.step("orders.approve_social_order", SECOND_OFFICER, id=order_id)
    criteria = [{"key": "price", "title": "Цена", "formula": "lowest_price", "weight": 100, "counts": "kopecks"}]
    region.step(
        "orders.draft_competition", OFFICER, id=competition_id, order_id=order_id, lot_ids=[lot_id], title="Уборка",
        criteria=criteria, evaluators=[e.id for e in EVALUATORS],
    )  # fmt: skip
    region.step("orders.publish_competition", OFFICER, id=competition_id)
    assert region.ask("orders.competition", {"id": competition_id})["status"] == "open"
    return competition_id, lot_id


def bid(region: Region, competition_id: str, lot_id: str, provider: str, price: int, command: str, version: int) -> Any:
    keys = region.ask("orders.custodian_keys", {"id": competition_id})["keys"]
    public = [from_base64(keys[f"custodian_{n}"]) for n in (1, 2, 3)]
    where = {
        "bid_version": version, "competition_id": competition_id, "lot_id": lot_id, "provider_id": provider,
    }  # fmt: skip
    content = {"price_kopecks": price, "volume": 600, "values": {}, "text": "", "people": []}
    sealed = seal(canonical.dumps(content), canonical.dumps(where), public)
    data = {**where, "sealed": sealed.to_dict(), "sealed_by": "bidder"}
    return region.step(f"orders.{command}", person("provider", organisation=provider), **data)


def close(region: Region, competition_id: str) -> None:
    deadline = datetime.fromisoformat(region.ask("orders.competition", {"id": competition_id})["deadline"])
    region.move_clock(deadline + timedelta(seconds=11))
    region.work()


def status(region: Region, competition_id: str) -> str:
    return str(region.ask("orders.competition", {"id": competition_id})["status"])


def test_bids_stay_sealed_until_the_deadline_and_open_by_themselves(region: Region, tmp_path: Path) -> None:
    competition_id, lot_id = opened_for_bids(region)
    first, second = region.providers
    bid(region, competition_id, lot_id, first, CANARY, "submit_bid", 1)
    bid(region, competition_id, lot_id, second, 37_000, "submit_bid", 1)
    bid(region, competition_id, lot_id, second, 36_000, "replace_bid", 2)
    assert not canary_found(region)
    nobody_opens_alone(region, competition_id)
    too_early(region, competition_id)
    close(region, competition_id)
    until(region, lambda: status(region, competition_id) == "opened")
    [(state,)] = region.sql("SELECT state FROM orders.competition WHERE id = %s", (competition_id,))
    assert sorted(b["price_kopecks"] for b in state["bids"]) == [36_000, CANARY]
    assert canary_found(region), "the search would have found it before"


@pytest.mark.parametrize("down", [1, 2, 3])
def test_any_two_custodians_open_when_one_is_down(region: Region, down: int) -> None:
    competition_id, lot_id = opened_for_bids(region)
    bid(region, competition_id, lot_id, region.providers[0], 35_000, "submit_bid", 1)
    del region.installation.workers[f"custodian_{down}"]
    close(region, competition_id)
    until(region, lambda: status(region, competition_id) == "opened")


def test_with_two_custodians_down_the_competition_waits_in_closed(region: Region) -> None:
    competition_id, lot_id = opened_for_bids(region)
    bid(region, competition_id, lot_id, region.providers[0], 35_000, "submit_bid", 1)
    for down in (1, 3):
        region.installation.workers.pop(f"custodian_{down}")
    close(region, competition_id)
    until(region, lambda: bool(region.sql("SELECT 1 FROM custodian_2.log WHERE type LIKE '%%LayersReleased%%'")))
    assert status(region, competition_id) == "closed"


def test_a_list_counts_only_when_all_of_its_parts_are_proved(region: Region) -> None:
    competition_id, lot_id = opened_for_bids(region)
    bid(region, competition_id, lot_id, region.providers[0], 35_000, "submit_bid", 1)
    close(region, competition_id)
    until(region, lambda: status(region, competition_id) == "opened")
    assert lacking(region, competition_id) == ""
    # A list of two lines of which one has come; then one whose second part is in no tree.
    region.sql("UPDATE custodian_1.competition SET standing = 2 WHERE competition_id = %s", (competition_id,))
    assert lacking(region, competition_id) == "the closing's list is not whole yet"
    region.sql("INSERT INTO custodian_1.part VALUES (%s, %s, 1)", (competition_id, new_id()))
    assert lacking(region, competition_id) == "the closing is not in a checkpoint yet"


def lacking(region: Region, competition_id: str) -> str:
    host = region.installation.hosts["custodian_1"]
    with host.engine.connect() as connection, connection.begin():
        return missing_evidence(connection, region.settings.keys, competition_id, host.clock.now(connection))


def until(region: Region, check: Any) -> None:
    """Work until `check()` holds: custodians look every tenth of a second."""
    deadline = time.monotonic() + 10
    while not check():
        assert time.monotonic() < deadline, "it didn't come true in time"
        region.work()


def too_early(region: Region, competition_id: str) -> None:
    """A custodian who asks before the closing gets nothing, and the first such asking is a fact."""
    hasty = person("custodian")
    key_id = derived_id("custodian", "custodian_1", competition_id)
    assert region.refused("custodian_1.release_layers", {"id": key_id}, hasty) == "release_too_early"
    assert region.refused("custodian_1.release_layers", {"id": key_id}, hasty) == "release_too_early"
    region.work()
    assert len(region.sql("SELECT 1 FROM custodian_1.log WHERE type LIKE '%%ReleaseRefused%%'")) == 1


def nobody_opens_alone(region: Region, competition_id: str) -> None:
    """All that a role can read, with one custodian's private key besides, opens no bid."""
    forms = []
    for service in region.services:
        for table, column in everything_readable(region, service.name):
            for (value,) in table_values(region, service.name, table, column):
                forms += sealed_forms(value)
    assert forms, "sealed bids are among what can be read"
    for number in (1, 2, 3):
        with region.installation.hosts[f"custodian_{number}"].engine.connect() as connection:
            private = keystore.private(connection, region.settings.keys, f"custodian_{number}", competition_id)
        for form in forms:
            for outer, inner in PAIRS:
                assert not opens(private, form, form.wrap(outer, inner))


def opens(private: bytes, form: Sealed, wrap: str) -> bool:
    try:
        box = open_outer(private, wrap)
        unseal(open_inner(private, box), form, b"")
    except SealError:
        return False
    return True


def everything_readable(region: Region, service: str) -> list[tuple[str, str]]:
    """(schema.table, column) of all that a service's role can read, wherever it stands."""
    with region.installation.hosts[service].engine.connect() as connection:
        return [
            (f'"{schema}"."{table}"', column)
            for schema, table, column in connection.exec_driver_sql(
                "SELECT DISTINCT table_schema, table_name, column_name FROM information_schema.column_privileges "
                "WHERE privilege_type = 'SELECT' AND grantee = current_user"
            )
        ]


def table_values(region: Region, service: str, table: str, column: str) -> list[tuple[Any]]:
    with region.installation.hosts[service].engine.connect() as connection:
        return list(connection.exec_driver_sql(f'SELECT "{column}" FROM {table}').all())


def sealed_forms(value: Any) -> list[Sealed]:
    """Sealed bids anywhere inside a stored value."""
    if isinstance(value, bytes | memoryview):
        try:
            return sealed_forms(json.loads(bytes(value)))
        except ValueError:
            return []
    if isinstance(value, dict):
        if "ciphertext" in value and "commitment" in value:
            return [Sealed.from_dict(value)]
        return [form for inner in value.values() for form in sealed_forms(inner)]
    return [form for inner in value for form in sealed_forms(inner)] if isinstance(value, list) else []


def canary_found(region: Region) -> bool:
    """Whether the price stands in any table of any schema, or in any file of the server (tables, WAL, logs)."""
    needles = (str(CANARY).encode(), str(CANARY).encode().hex().encode())
    return any(needle in blob for blob in [*dumped_tables(region), *server_files(region)] for needle in needles)


def dumped_tables(region: Region) -> Iterator[bytes]:
    with psycopg.connect(region.url.replace("+psycopg", "")) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^(pg_|information_)'"
        ).fetchall()
        for (table,) in tables:
            with connection.cursor().copy(f"COPY {table} TO STDOUT") as copy:  # type: ignore[arg-type]
                yield b"".join(bytes(block) for block in copy)


def server_files(region: Region) -> Iterator[bytes]:
    """The server's own files, where this account may read them: what the operating system's root would see."""
    region.sql("CHECKPOINT")
    [(folder,)] = region.sql("SHOW data_directory")
    [(database,)] = region.sql("SELECT oid FROM pg_database WHERE datname = current_database()")
    for part in (f"base/{database}", "pg_wal", "log"):
        place = Path(folder, part)
        if not os.access(place, os.R_OK | os.X_OK):
            continue
        for path in place.iterdir():
            if path.is_file():
                yield path.read_bytes()
