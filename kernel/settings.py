"""Settings: what an installation may say to the program, all of it from the environment (`MARKET_…`).

Nothing else in the code reads the environment, so this file is the whole list of knobs.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """One process's settings; every field is an environment variable with the prefix `MARKET_`."""

    model_config = SettingsConfigDict(env_prefix="MARKET_", frozen=True)

    home: Path = Field(default=PROJECT / ".market", description="keys and the embedded database live here")
    database_url: str | None = Field(default=None, description="PostgreSQL; without it the embedded server is used")
    role_password: str | None = Field(default=None, description="password of the service roles, where the server asks")
    region: Path = Field(default=PROJECT / "region", description="the region's configuration")
    origin: str = Field(default="market.example/belomorye", description="name of this log in its checkpoints")
    log_level: str = "INFO"
    failpoint: str = Field(default="", description="tests only: `name:exit|raise|stop` at a named point")

    # Limits that every process keeps. A frozen holder of a lock is freed by the idle limit (DESIGN D3).
    pool_size: int = Field(default=5, ge=1, le=20, description="connections per service process")
    statement_timeout_ms: int = 10_000
    lock_timeout_ms: int = 8_000
    idle_in_transaction_timeout_ms: int = 2_000
    call_deadline_s: float = Field(default=10.0, description="the longest that a call may take")

    @cached_property
    def keys(self) -> Path:
        """Folder of this installation's private keys (files 0600)."""
        return self.home / "keys"
