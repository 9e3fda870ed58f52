"""Settings come from MARKET_… alone, are typed and bounded, and can't be changed while the program runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from kernel.database import service_url
from kernel.settings import PROJECT, Settings


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("MARKET_"):
            monkeypatch.delenv(name)


def test_without_any_setting_everything_is_in_the_projects_own_folder() -> None:
    settings = Settings()
    assert settings.home == PROJECT / ".market" and settings.keys == PROJECT / ".market" / "keys"
    assert settings.region == PROJECT / "region" and settings.database_url is None and settings.failpoint == ""


def test_the_environment_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "HOME": "/srv/market",
        "POOL_SIZE": "7",
        "CALL_DEADLINE_S": "2.5",
        "ROLE_PASSWORD": "p",
    }.items():
        monkeypatch.setenv(f"MARKET_{name}", value)
    settings = Settings()
    assert (settings.home, settings.keys) == (Path("/srv/market"), Path("/srv/market/keys"))
    assert (settings.pool_size, settings.call_deadline_s, settings.role_password) == (7, 2.5, "p")


@pytest.mark.parametrize(
    ("name", "value"), [("POOL_SIZE", "0"), ("POOL_SIZE", "21"), ("POOL_SIZE", "many"), ("LOCK_TIMEOUT_MS", "1.5")]
)
def test_a_value_out_of_bounds_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"MARKET_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_settings_stay_what_they_were_at_the_start() -> None:
    with pytest.raises(ValidationError):
        Settings().pool_size = 3  # type: ignore[misc]


def test_a_frozen_holder_of_a_lock_is_freed_before_those_who_wait_give_up() -> None:
    settings = Settings()
    assert settings.idle_in_transaction_timeout_ms < settings.lock_timeout_ms <= settings.statement_timeout_ms
    assert settings.lock_timeout_ms <= settings.call_deadline_s * 1000


def test_what_is_secret_is_read_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "market_role_password").write_text("from-a-file\n")
    (tmp_path / "market_pool_size").write_text("3")
    monkeypatch.setenv("MARKET_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("MARKET_POOL_SIZE", "4")
    settings = Settings()
    assert settings.role_password == "from-a-file" and settings.pool_size == 4  # the environment goes before files


def test_a_folder_of_secrets_that_is_not_there_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARKET_SECRETS_DIR", "/nowhere/secrets")
    with pytest.raises(SettingsError, match="MARKET_SECRETS_DIR names /nowhere/secrets"):
        Settings()


def test_who_acts_as_several_services_knows_a_password_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "market_role_passwords").write_text('{"orders": "o", "vault": "v"}')
    monkeypatch.setenv("MARKET_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("MARKET_ROLE_PASSWORD", "the others'")
    settings = Settings()
    assert [settings.password_of(name) for name in ("orders", "vault", "audit")] == ["o", "v", "the others'"]
    assert "market_orders:o@db" in service_url("postgresql://owner:secret@db/market", "orders", settings)
