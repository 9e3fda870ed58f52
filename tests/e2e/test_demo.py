"""`./market demo`: the season has all that it promises, comes out the same twice, and replaces nothing but a sandbox."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from app.demo.generator import BEGINS, fill_database
from app.demo.place import fresh_installation
from app.failure import Failure
from app.replay.fold import Fold
from app.replay.live import Live
from app.services import all_services
from kernel.database import admin_url
from kernel.keys import make_keys
from kernel.settings import PROJECT, Settings
from services.registry.service import service as registry
from tests.e2e.conftest import PLAYS_S, PlayedSeason
from tests.support import market

pytestmark = pytest.mark.timeout(2 * PLAYS_S)

EVERY_STEP = {
    "access": {"sign_in_failed", "own_roles", "four_eyes", "login_taken", "unauthenticated", "forbidden_role"},
    "the edge": {"malformed_json", "body_too_large", "idempotency_key_missing", "idempotency_key_reused"},
    "registry": {
        "inn_check_digits",
        "inn_taken",
        "territory_unknown",
        "check_needed",
        "check_not_met",
        "stale_version",
    },
    "orders": {"split_unequal", "lots_unequal", "limit_above_cost", "order_not_approved", "lot_in_competition"},
    "bidding": {"bid_standing", "bid_late", "bid_change_late", "bid_version_wrong", "provider_not_active"},
    "evaluation": {
        "bids_unchecked",
        "declare_conflicts_first",
        "conflict_of_interest",
        "not_in_commission",
        "no_quorum",
    },
    "amendments": {"nothing_amended", "nothing_to_confirm", "confirmed_late"},
    "corrections": {"corrections_awaited", "correction_not_asked"},
    "low prices": {"justification_awaited", "justified_late", "low_prices_undecided"},
    "second looks": {"second_look_needed", "second_look_awaited", "no_spread_alarm"},
    "complaints": {"no_bidder_of_lot", "complaint_state"},
    "signing": {"signed_late"},
    "agreements": {"dates_invalid", "limit_short", "not_enough", "not_yours", "wrong_state", "limit_below_taken"},
    "delivery": {"month_in_future", "price_not_agreed", "volume_exceeded", "act_exists", "agreement_over"},
    "certificates": {
        "certificate_share_spent",
        "redemption_exceeds",
        "redemption_after_change",
        "redemption_after_expiry",
        "redemption_came_late",
        "redemption_not_signed",
    },
    "premises": {"loan_overlaps", "loan_in_past", "loan_out_of_window", "ad_quota_exceeded", "premises_not_offered"},
}


@pytest.fixture(scope="module")
def counts(season: PlayedSeason) -> dict[str, Any]:
    found: dict[str, Any] = season.report["counts"]
    return found


def test_the_season_is_as_large_as_promised(counts: dict[str, Any]) -> None:
    assert sum(counts["providers"].values()) >= 40 and len(counts["providers"]) == 4
    assert (counts["orders"], counts["lots"]) == (12, 25)
    assert counts["bids"]["submitted"] >= 120
    assert counts["bids"]["replaced"] >= 1 and counts["bids"]["withdrawn"] >= 1
    assert counts["awards"]["npo"] >= 1 and counts["awards"]["budget_institution"] >= 1
    assert counts["agreements"]["active"] >= 25 and counts["agreements"]["void"] == 2
    assert counts["premises"]["loans"] >= 50


@pytest.mark.parametrize("step", EVERY_STEP)
def test_refusals_come_at_every_step(counts: dict[str, Any], step: str) -> None:
    assert not EVERY_STEP[step] - counts["refusals"].keys()


def test_of_fifty_collisions_each_is_lost_by_one(counts: dict[str, Any]) -> None:
    assert counts["refusals"]["loan_overlaps"] == 50


def test_money_adds_up_and_arrived_in_days(counts: dict[str, Any]) -> None:
    money = dict(counts["money_kopecks"])
    limit = money.pop("limit")
    assert sum(money.values()) == limit and money["paid"] > 0
    assert {"npo", "budget_institution"} <= counts["days_to_money"].keys()


def test_every_bid_that_was_opened_is_opened_again(season: PlayedSeason, counts: dict[str, Any]) -> None:
    assert season.report["bids_opened_again"] == counts["bids"]["opened"] > 100


def test_another_run_has_the_same_outcome(
    season: PlayedSeason, fresh_database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = PlayedSeason(fresh_database, tmp_path_factory.mktemp("again"), {})
    played = other.market("demo", "--json", timeout_s=PLAYS_S)
    assert played.returncode == 0, played.stderr[-4000:]
    again = json.loads(played.stdout)
    assert again["outcome"] == season.report["outcome"]
    assert again["counts"] == season.report["counts"]
    assert again["state"] != season.report["state"], "ids and keys are other ones"


@pytest.mark.needs("rabbitmq")
def test_over_rabbitmq_with_processes_killed_and_frozen_the_outcome_is_the_same(
    season: PlayedSeason, fresh_database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("rabbit")
    played = PlayedSeason(fresh_database, home, {}).market("demo", "--rabbit", "--json", timeout_s=PLAYS_S)
    said = (home / "demo.log").read_text()
    assert played.returncode == 0, played.stderr[-4000:] + said[-4000:]
    over_rabbitmq = json.loads(played.stdout)
    assert over_rabbitmq["outcome"] == season.report["outcome"]
    assert over_rabbitmq["counts"] == season.report["counts"]
    assert said.count("ended by SIGKILL") == len(all_services())


# -- whose place it takes ---------------------------------------------------------------------------------------------


def test_a_production_installation_is_left_alone(fresh_database: str, tmp_path: Path) -> None:
    with market([registry()], fresh_database, tmp_path / "production"):
        settings = Settings(home=tmp_path / "demo", database_url=fresh_database)
        with pytest.raises(Failure, match="no sandbox"), fresh_installation(settings, BEGINS, say=print):
            pass
    assert _schemas(fresh_database) >= {"market", "registry"}


def test_a_sandbox_in_use_is_left_alone(fresh_database: str, tmp_path: Path) -> None:
    with market([registry()], fresh_database, tmp_path / "running", sandbox_from=BEGINS) as running:
        running.ask("registry.figures")
        settings = Settings(home=tmp_path / "demo", database_url=fresh_database)
        with pytest.raises(Failure, match="another process"), fresh_installation(settings, BEGINS, say=print):
            pass
    assert "registry" in _schemas(fresh_database)


def test_keys_that_no_demonstration_made_are_left_alone(fresh_database: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=fresh_database)
    make_keys(settings.keys, ("registry",))
    before = (settings.keys / "log.key").read_bytes()
    with pytest.raises(Failure, match="holds keys"), fresh_installation(settings, BEGINS, say=print):
        pass
    assert (settings.keys / "log.key").read_bytes() == before


def test_a_former_demonstration_makes_room(fresh_database: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, database_url=fresh_database)
    said: list[str] = []
    keys = []
    for _ in range(2):
        with fresh_installation(settings, BEGINS, said.append) as installation:
            installation.settle()
            keys.append((settings.keys / "log.key").read_bytes())
    assert len(said) == 1 and "former" in said[0]
    assert keys[0] != keys[1], "a new log begins under a new key"


def test_a_demonstration_that_can_not_play_says_why(tmp_path: Path) -> None:
    nowhere = {"MARKET_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing", "MARKET_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "app", "demo"],
        cwd=PROJECT,
        env={**os.environ, **nowhere},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and "MARKET_DATABASE_URL" in done.stderr and "Traceback" not in done.stderr


# -- any size of region -----------------------------------------------------------------------------------------------


def test_a_filled_register_is_what_its_log_says_and_goes_on(
    new_database: Callable[[str | None], str], tmp_path: Path
) -> None:
    url = new_database(None)
    with market([registry()], url, tmp_path) as filled:
        assert fill_database(url, filled.settings, 700) == 2_100
        found = filled.ask("registry.providers", {"q": "маяк", "limit": 5})["items"]
        assert found and all("маяк" in provider["short_name"] for provider in found)
        assert sum(row["providers"] for row in filled.ask("registry.figures")["items"]) == 700
        service = registry()
        fold, live = Fold([service]), Live(url, [service])
        for sequence, entry in live.entries_after("registry", 0):
            fold.feed("registry", sequence, entry)
        assert (list(live.compare(fold)), fold.counts) == ([], {"registry": 2_100})
        live.close()
        with pytest.raises(ValueError, match="history already"):
            fill_database(url, filled.settings, 1)


def _schemas(url: str) -> set[str]:
    engine = create_engine(admin_url(url))
    try:
        with engine.connect() as connection:
            return set(connection.exec_driver_sql("SELECT nspname FROM pg_namespace").scalars())
    finally:
        engine.dispose()
