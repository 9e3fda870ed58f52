"""`./market keys`: each key is changed while data live under it; all of it opens and verifies, and the old key is done.

The command runs as an operator runs it, in a process of its own, and is killed in the middle.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.engine import make_url

from app.audit.bundle import VerifyError, verify_bundle
from app.audit.export import export_bundle
from app.failure import Failure
from app.services import all_services, domain_services
from kernel.chain import take_apart
from kernel.database import admin_url
from kernel.identity import SigningKey
from kernel.ids import new_id
from kernel.keys import HalfChanged, PublicKeys, secret_at
from kernel.log_keys import LogKeys
from kernel.note import Verifier
from kernel.receipt import make_receipt_note, receipt_from_note
from kernel.settings import PROJECT, Settings
from services.audit.signer import WrongKey
from services.custodian import keystore
from services.vault.safe import CantOpen, Safe
from tests.component.custodian.test_release import Region, bid, close, opened_for_bids, status, until
from tests.component.custodian.test_release import built as built_region
from tests.component.registry.test_register import card
from tests.support import CUSTODIANS, Market, eventually, person

OPERATOR, CLERK = person("operator"), person("registrar")
STAFF = person("provider", organisation=new_id())
PASSWORD = "a long password"
WRAPPING = ("vault.kek", "access.kek")


class House:
    """An installation with somebody's data, an account and a signed log; and its operator."""

    def __init__(self, url: str, home: Path, people: Iterable[str] = ()) -> None:
        self.url = url
        self.settings = Settings(home=home)
        self.people = list(people)
        self.market = Market(all_services(), url, home, None, made=bool(self.people))

    def move_in(self) -> None:
        account = {"id": new_id(), "login": "petrova", "password": PASSWORD, "display_name": "Petrova"}
        self.market.do("access.bootstrap", account, OPERATOR)
        self.live()

    def live(self) -> None:
        """A person in the vault, an entry with its head, all of it sealed and under a checkpoint."""
        ref = new_id()
        data = {"id": ref, "purpose": "head", "person": {"full_name": f"Примерова {len(self.people)}"}}
        self.market.do("vault.put_person", data, STAFF)
        self.people.append(ref)
        self.market.do("registry.apply_to_register", {"id": new_id(), **card(len(self.people), head_ref=ref)}, CLERK)
        eventually(self.is_signed)

    def is_signed(self) -> bool:
        self.market.work()
        ends = " + ".join(f"(SELECT sequence FROM {service.name}.log_head)" for service in domain_services())
        return bool(self.market.sql(f"SELECT ({ends}) = (SELECT max(size) FROM audit.checkpoint)")[0][0])

    def stop(self) -> None:
        self.market.close()

    def start(self) -> None:
        self.market = Market(all_services(), self.url, self.settings.home, None, made=True)

    def environment(self) -> dict[str, str]:
        return {**os.environ, "MARKET_DATABASE_URL": self.url, "MARKET_HOME": str(self.settings.home)}

    def run(self, *arguments: str, failpoint: str = "", origin: str = "") -> subprocess.CompletedProcess[str]:
        environment = {**self.environment(), "MARKET_FAILPOINT": failpoint}
        if origin:
            environment["MARKET_ORIGIN"] = origin
        command = [sys.executable, "-m", "app", *arguments]
        return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60)

    def rotate(self, name: str) -> dict[str, Any]:
        done = self.run("keys", "rotate", name, "--json")
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def key(self, name: str) -> bytes:
        return (self.settings.keys / name).read_bytes()

    def logkey(self) -> str:
        return str(Verifier(self.settings.origin, self.key("log.pub")))

    def everything_opens(self) -> None:
        """People are read and accounts signed in by the services; then what is secret is held against the log."""
        for number, ref in enumerate(self.people):
            data = {"id": new_id(), "person_refs": [ref], "reason": "проверка жалобы № 12"}
            found = self.market.do("vault.read_persons", data, STAFF)
            assert f"Примерова {number}" in json.dumps(found, ensure_ascii=False)
        signed_in = self.market.do("access.sign_in", {"id": new_id(), "login": "petrova", "password": PASSWORD})
        assert signed_in["reply"]["token"]
        eventually(self.is_signed)
        bundle = self.bundle()
        replayed = self.run("audit", "replay", str(bundle), "--against-live", "--json")
        assert replayed.returncode == 0, replayed.stderr
        assert json.loads(replayed.stdout)["differences"] == []

    def bundle(self) -> Path:
        file = self.settings.home / "bundle.zip"
        done = self.run("audit", "bundle", str(file))
        assert done.returncode == 0, done.stderr
        return file


@dataclass(frozen=True)
class Moved:
    """A house that somebody lives in, to be copied: its database, its keys, who is in its vault."""

    database: str
    home: Path
    people: list[str]


@pytest.fixture(scope="module")
def moved(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Moved:
    made = House(module_database, tmp_path_factory.mktemp("home"))
    made.move_in()
    made.stop()
    return Moved(str(make_url(module_database).database), made.settings.home, made.people)


@pytest.fixture
def house(new_database: Callable[[str | None], str], moved: Moved, tmp_path: Path) -> Iterator[House]:
    shutil.copytree(moved.home, tmp_path / "home")
    copy = House(new_database(moved.database), tmp_path / "home", moved.people)
    yield copy
    copy.stop()


def vault_opens_under(house: House, key: bytes) -> set[bool]:
    """Whether the rows of the vault open under this key: one answer where it is the same for all of them."""
    found = set()
    for ref, wrapped in house.market.sql("SELECT person_ref::text, keys FROM vault.person_secret"):
        try:
            Safe(key).unwrap(bytes(wrapped), f"person/{ref}")
            found.add(True)
        except CantOpen:
            found.add(False)
    return found


def test_keys_that_encrypt_are_changed_and_what_was_under_them_opens(house: House) -> None:
    old = {name: house.key(name) for name in WRAPPING}
    house.stop()
    for name in WRAPPING * 2:  # a second change is one more
        assert house.rotate(name)["keys"] >= 1
    house.start()
    assert all(house.key(name) != old[name] for name in WRAPPING)
    assert vault_opens_under(house, old["vault.kek"]) == {False}
    assert vault_opens_under(house, house.key("vault.kek")) == {True}
    house.everything_opens()
    house.live()
    house.everything_opens()


@pytest.mark.parametrize("name", WRAPPING)
def test_the_old_key_opens_nothing_any_more(house: House, name: str) -> None:
    old = house.key(name)
    house.stop()
    house.rotate(name)
    (house.settings.keys / name).chmod(0o600)
    (house.settings.keys / name).write_bytes(old)
    house.start()
    data = {"id": new_id(), "person_refs": house.people, "reason": "проверка жалобы № 12"}
    if name == "vault.kek":
        answer = house.market.answer("vault.read_persons", data, STAFF)
    else:
        answer = house.market.answer("access.sign_in", {"id": new_id(), "login": "petrova", "password": PASSWORD})
    assert answer["refused"]["code"] == "internal_error"


@pytest.mark.parametrize("name", WRAPPING)
def test_a_service_that_runs_is_not_changed_under(house: House, name: str) -> None:
    before = house.key(name)
    refused = house.run("keys", "rotate", name)
    assert refused.returncode == 1 and f"{name.split('.')[0]} is running" in refused.stderr
    assert house.key(name) == before and not list(house.settings.keys.glob("*.next"))
    house.everything_opens()


@pytest.mark.parametrize("point", ["keys.begun", "keys.done"])
@pytest.mark.parametrize("name", WRAPPING)
def test_a_change_that_was_cut_off_stops_the_service_until_it_is_ended(house: House, name: str, point: str) -> None:
    before = house.key(name)
    house.stop()
    killed = house.run("keys", "rotate", name, failpoint=f"{point}:exit")
    assert killed.returncode == -signal.SIGKILL
    new = house.key(f"{name}.next")
    listed = json.loads(house.run("keys", "list", "--json").stdout)
    assert [key["name"] for key in listed if key["cut_off"]] == [name]
    house.start()
    if name == "vault.kek":
        answer = house.market.answer(
            "vault.put_person", {"id": new_id(), "purpose": "head", "person": {"full_name": "Примерова"}}, STAFF
        )
    else:
        answer = house.market.answer("access.sign_in", {"id": new_id(), "login": "petrova", "password": PASSWORD})
    assert answer["refused"]["code"] == "internal_error"
    house.stop()
    house.rotate(name)
    house.start()
    assert house.key(name) == new != before and not list(house.settings.keys.glob("*.next"))
    house.everything_opens()


def test_a_key_that_is_not_the_databases_is_refused_and_changes_nothing(house: House) -> None:
    right = house.key("vault.kek")
    house.stop()
    (house.settings.keys / "vault.kek").write_bytes(bytes(32))
    refused = house.run("keys", "rotate", "vault.kek")
    assert refused.returncode == 1 and "does not open what is in the database" in refused.stderr
    assert not list(house.settings.keys.glob("*.next")), "the right file is enough to go on"
    (house.settings.keys / "vault.kek").write_bytes(right)
    assert vault_opens_under(house, right) == {True}
    house.rotate("vault.kek")
    house.start()
    house.everything_opens()


def test_the_logs_key_is_changed_while_the_log_goes_on(house: House, tmp_path: Path) -> None:
    first = house.logkey()
    second = house.rotate("log.key")["public"]
    assert second == house.logkey() != first
    house.live()
    house.rotate("log.key")
    house.live()
    house.everything_opens()
    bundle = house.bundle()
    for trusted in (first, second, house.logkey()):
        report = verify_bundle(bundle, trusted)
        assert report.trusted and str(report.key) == house.logkey() and report.handovers == 2
    with pytest.raises(VerifyError, match="from the trusted key"):
        verify_bundle(bundle, str(Verifier(house.settings.origin, SigningKey.at(tmp_path / "other").public)))
    tree = house.market.ask("audit.tree")
    assert LogKeys(Verifier.parse(first), tree["handovers"]).open_checkpoint(tree["checkpoint"]).size == tree["size"]


@pytest.mark.parametrize("point", ["keys.begun", "keys.done"])
def test_a_change_of_the_logs_key_that_was_cut_off_is_ended_by_the_same_command(house: House, point: str) -> None:
    first = house.logkey()
    assert house.run("keys", "rotate", "log.key", failpoint=f"{point}:exit").returncode == -signal.SIGKILL
    new = house.key("log.key.next")
    if point == "keys.done":  # committed, and the file still the old one: nothing is signed by the wrong key
        house.market.do("registry.apply_to_register", {"id": new_id(), **card(99, head_ref=house.people[0])}, CLERK)
        with pytest.raises(WrongKey, match="finish a change"):
            eventually(house.is_signed)
    house.rotate("log.key")
    assert house.key("log.key") == new and not list(house.settings.keys.glob("*.next"))
    house.live()
    assert verify_bundle(house.bundle(), first).handovers == 1


def test_a_process_with_a_copy_of_the_old_key_signs_nothing(house: House) -> None:
    old = {name: house.key(name) for name in ("log.key", "log.pub")}
    house.rotate("log.key")
    for name, content in old.items():
        (house.settings.keys / name).write_bytes(content)
    with pytest.raises(WrongKey, match="give this process the present key"):
        house.live()
    with pytest.raises(Failure, match="but the log is signed by"):
        export_bundle(house.url, house.settings, house.settings.home / "bundle.zip")
    refused = house.run("keys", "rotate", "log.key")
    assert refused.returncode == 1 and "was replaced by" in refused.stderr


def test_another_logs_name_or_key_is_refused_before_anything_is_written(house: House) -> None:
    before = {path.name: path.read_bytes() for path in house.settings.keys.iterdir()}
    refused = house.run("keys", "rotate", "log.key", origin="market.example/elsewhere")
    assert refused.returncode == 1 and "is not this log's key" in refused.stderr and "Traceback" not in refused.stderr
    assert {path.name: path.read_bytes() for path in house.settings.keys.iterdir()} == before
    assert house.market.ask("audit.tree")["handovers"] == []


def test_two_changes_at_once_are_one_after_the_other(house: House) -> None:
    environment = {**house.environment(), "MARKET_FAILPOINT": "keys.begun:stop"}
    first = subprocess.Popen(
        [sys.executable, "-m", "app", "keys", "rotate", "gateway.key"], cwd=PROJECT, env=environment
    )
    eventually((house.settings.keys / "gateway.key.next").exists, 30)
    second = house.run("keys", "rotate", "log.key")
    assert second.returncode == 1 and "is being changed" in second.stderr
    first.send_signal(signal.SIGCONT)
    assert first.wait(30) == 0
    house.rotate("log.key")


def receipt_of(house: House, service: str) -> dict[str, Any]:
    """The receipt that `service` gives for the first event in its log."""
    [(entry,)] = house.market.sql(f"SELECT entry FROM {service}.log ORDER BY sequence LIMIT 1")
    event = take_apart(bytes(entry)).event
    said = json.loads(event)
    key = SigningKey.at(house.settings.keys / f"service-{service}.key")
    name = PublicKeys.signer_name(service)
    note = make_receipt_note(service, said["id"], event, said["receivedat"], name, key)
    return receipt_from_note(note, Verifier(name, key.public))


def test_receipts_of_a_services_old_keys_can_still_be_completed(house: House) -> None:
    name, public, retired = "service-registry.key", "service-registry.pub", "service-registry.retired.pub"
    receipts, keys = [], []
    for point in ("keys.begun", "keys.done"):
        receipts.append(receipt_of(house, "registry"))
        keys.append(house.key(public))
        assert house.run("keys", "rotate", name, failpoint=f"{point}:exit").returncode == -signal.SIGKILL
        house.rotate(name)
        assert house.key(public) == SigningKey.at(house.settings.keys / name).public
    assert house.key(retired) == keys[1] + keys[0]
    for receipt in (*receipts, receipt_of(house, "registry")):
        assert "entry" in house.market.ask("audit.completed_receipt", {"receipt": receipt})["receipt"]


@pytest.mark.parametrize("name", ["access.key", "gateway.key"])
def test_tokens_and_stamps_of_the_old_key_are_nobodys_any_more(house: House, name: str) -> None:
    asked = {"id": new_id(), "person_refs": house.people, "reason": "проверка жалобы № 12"}
    house.market.do("vault.read_persons", asked, STAFF)
    house.rotate(name)
    stranger = house.market  # its caller and issuer hold the old keys, as a thief would
    stranger.installation.stop()
    house.start()
    stranger.installation = house.market.installation
    assert stranger.refused("vault.read_persons", {**asked, "id": new_id()}, STAFF) == "unauthenticated"
    house.everything_opens()
    stranger._admin.dispose()


def test_custodians_open_bids_that_were_sealed_before_their_keys_and_the_logs_were_changed(
    fresh_database: str, tmp_path: Path
) -> None:
    region = built_region(fresh_database, tmp_path)
    house = House.__new__(House)
    house.url, house.settings = fresh_database, region.settings
    competition_id, lot_id = opened_for_bids(region)
    bid(region, competition_id, lot_id, region.providers[0], 36_000, "submit_bid", 1)
    old = {name: house.key(f"{name}.kek") for name in CUSTODIANS}
    region.close()
    first = house.key("log.pub")
    for name in CUSTODIANS:  # each by its own owner, who has no other account at the database
        house.url = make_url(fresh_database).set(username=f"market_{name}").render_as_string(hide_password=False)
        assert house.rotate(f"{name}.kek")["keys"] == 1
    house.url = fresh_database
    house.rotate("log.key")
    (region.settings.keys / "log.pub").write_bytes(first)  # a custodian elsewhere trusts the key that it was given
    again = Region(region.services, fresh_database, tmp_path, None, made=True)
    try:
        close(again, competition_id)
        until(again, lambda: status(again, competition_id) == "opened")
        with create_engine(admin_url(fresh_database)).connect() as connection:
            for name in CUSTODIANS:
                with pytest.raises(keystore.CantOpen):
                    keystore.rewrap(connection, name, old[name], bytes(32))
    finally:
        again.close()


def test_half_changed_is_said_by_whoever_reads_the_key(tmp_path: Path) -> None:
    secret_at(tmp_path / "vault.kek")
    (tmp_path / "vault.kek.next").touch()
    with pytest.raises(HalfChanged, match="keys rotate vault"):
        secret_at(tmp_path / "vault.kek")


def test_a_name_that_is_no_key_and_one_that_is_elsewhere(house: House) -> None:
    assert "there is no key nobody.kek" in house.run("keys", "rotate", "nobody.kek").stderr
    (house.settings.keys / "custodian_1.kek").unlink(missing_ok=True)
    refused = house.run("keys", "rotate", "custodian_1.kek")
    assert refused.returncode == 1 and "where custodian_1 keeps it" in refused.stderr


def test_the_list_shows_every_key_with_its_public_half_and_no_private_one(house: House) -> None:
    shown = house.run("keys", "list")
    assert shown.returncode == 0
    listed = {key["name"]: key for key in json.loads(house.run("keys", "list", "--json").stdout)}
    assert {"log.key", "access.key", "gateway.key", *WRAPPING} <= listed.keys()
    assert listed["log.key"]["public"] == house.logkey() and listed["vault.kek"]["public"] is None
    for name in listed:
        assert house.key(name).hex() not in shown.stdout
