"""An auditor with a bundle: verifies, replays, compares with the live system; and whoever changes anything is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import Engine

from app.audit.bundle import VerifyError, open_bundle, verify_bundle
from app.replay.fold import Difference, Fold
from app.replay.live import Live
from app.services import domain_services
from kernel.identity import SigningKey
from kernel.note import Signer
from kernel.settings import Settings
from tests.e2e.conftest import PlayedSeason
from tests.e2e.tampering import one_field_changed

pytestmark = pytest.mark.timeout(600)  # the season is played within the first test
SERVICES = domain_services()
TABLES = {
    table.fullname: table for service in SERVICES for table in (*service.state_tables.values(), *service.read_tables())
}


def vkey(season: PlayedSeason) -> str:
    settings = Settings(home=season.home)
    return str(Signer(settings.origin, SigningKey.at(settings.keys / "log.key").private).verifier)


def test_bundle_verify_and_replay_by_the_command_line(season: PlayedSeason, bundle: Path) -> None:
    verified = season.market("audit", "verify", str(bundle), "--trust", vkey(season))
    assert verified.returncode == 0 and "trusted key" in verified.stdout, verified.stderr
    replayed = season.market("audit", "replay", str(bundle), "--against-live", "--json")
    assert replayed.returncode == 0, replayed.stderr
    found = json.loads(replayed.stdout)
    assert found["differences"] == [] and found["bids_opened"] >= 120 and found["deadlines_counted"] > 0


def test_a_replay_up_to_an_instant_is_a_beginning_of_the_whole(season: PlayedSeason, bundle: Path) -> None:
    half = season.market("audit", "replay", str(bundle), "--at", "2027-02-01T00:00:00Z", "--json")
    assert half.returncode == 0, half.stderr
    whole = json.loads(season.market("audit", "replay", str(bundle), "--json").stdout)
    assert 0 < json.loads(half.stdout)["entries"] < whole["entries"]
    assert json.loads(half.stdout)["outcome"] != whole["outcome"]


def test_another_key_is_refused_under_trust(bundle: Path) -> None:
    other = str(Signer.generate(Settings().origin).verifier)
    with pytest.raises(VerifyError):
        verify_bundle(bundle, other)


def test_bytes_changed_anywhere_are_found_with_their_place(bundle: Path, tmp_path: Path) -> None:
    size = bundle.stat().st_size
    changed = tmp_path / "changed.zip"
    shutil.copy(bundle, changed)
    for position in range(0, size, max(1, size // 40)):
        with changed.open("r+b") as file:
            file.seek(position)
            old = file.read(1)
            file.seek(position)
            file.write(bytes([old[0] ^ 0x20]))
        with pytest.raises(VerifyError) as found:
            verify_bundle(changed)
        assert found.value.place and found.value.what, position
        with changed.open("r+b") as file:
            file.seek(position)
            file.write(old)
    verify_bundle(changed)


def test_the_season_fills_every_table(superuser: Engine) -> None:
    """Otherwise the next test would say nothing of those left empty."""
    with superuser.connect() as connection:
        empty = [
            name
            for name, table in TABLES.items()
            if not connection.exec_driver_sql(
                f'SELECT EXISTS (SELECT 1 FROM "{table.schema}"."{table.name}")'
            ).scalar_one()
        ]
    assert empty == []


@pytest.fixture(scope="module")
def fold(season: PlayedSeason, bundle: Path) -> Fold:
    """The season's log folded once, as far as the live system has gone."""
    live = Live(season.url, SERVICES)
    folded = Fold(SERVICES, live.standing.limits, frozenset(live.standing.parked))
    with open_bundle(bundle) as opened:
        numbers: dict[str, int] = {}
        for source, entry in opened.in_tree_order():
            numbers[source] = numbers.get(source, 0) + 1
            folded.feed(source, numbers[source], entry)
    assert all(live.standing.heads[source] == number for source, number in numbers.items())
    live.close()
    return folded


def differences(season: PlayedSeason, fold: Fold, table: str) -> list[Difference]:
    live = Live(season.url, SERVICES)
    try:
        return list(live.compare(fold, only=table))
    finally:
        live.close()


@pytest.mark.parametrize("name", sorted(TABLES))
def test_one_field_changed_in_any_table_is_named(
    season: PlayedSeason, fold: Fold, superuser: Engine, name: str
) -> None:
    assert differences(season, fold, name) == []
    with one_field_changed(superuser, TABLES[name]) as changed:
        assert changed is not None, f"{name} is empty"
        key, column = changed
        found = differences(season, fold, name)
    # A changed key makes a row that no event made; any other field is named itself.
    is_key = column in TABLES[name].primary_key.columns
    named = {d.field.split(".")[0] for d in found if d.key == key}
    assert named == ({"(row)"} if is_key else {column}), (key, column, found)
    assert differences(season, fold, name) == [], "put right again"


def test_the_command_line_names_what_was_changed(season: PlayedSeason, bundle: Path, superuser: Engine) -> None:
    with one_field_changed(superuser, TABLES["billing.account"]) as changed:
        done = season.market("audit", "replay", str(bundle), "--against-live")
    assert changed is not None and done.returncode == 1
    assert f"billing.account {changed[0]}: {changed[1]}" in done.stderr


def test_the_bundle_holds_every_service_and_the_region(bundle: Path) -> None:
    with open_bundle(bundle) as opened:
        assert set(opened.sources) == {service.name for service in SERVICES}
        assert "region.toml" in opened.region_files()
