"""Settings come from MARKET_… alone, are typed and bounded, and can't be changed while the program runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

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
