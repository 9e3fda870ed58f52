"""Settings: what an installation may say to the program, all of it from the environment (`MARKET_…`).

Nothing else in the code reads the environment, so this file is the whole list of knobs; OpenTelemetry, where it is
switched on, reads its own (`OTEL_…`). What is secret may stand in
files instead, one each, named as the variable is but in small letters (`market_role_password`), in the folder that
`MARKET_SECRETS_DIR` names: an environment is seen by whoever may look at a process or inspect a container.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

PROJECT = Path(__file__).resolve().parent.parent
SECRETS_DIR = "MARKET_SECRETS_DIR"


class Settings(BaseSettings):
    """One process's settings; every field is an environment variable, with the prefix `MARKET_` unless it says otherwise."""

    model_config = SettingsConfigDict(env_prefix="MARKET_", frozen=True)

    home: Path = Field(default=PROJECT / ".market", description="keys and the embedded database live here")
    database_url: str | None = Field(default=None, description="PostgreSQL; without it the embedded server is used")
    role_password: str | None = Field(default=None, description="password of the service roles, where the server asks")
    role_passwords: dict[str, str] = Field(
        default={}, description="JSON of passwords by service, for who sets roles up or acts as several"
    )
    region: Path = Field(default=PROJECT / "region", description="the region's configuration")
    amqp_url: str | None = Field(default=None, description="RabbitMQ, where services run as processes of their own")
    metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="HTTP port of a service's process: /healthz, /readyz, /metrics"
    )
    origin: str = Field(default="market.example/belomorye", description="name of this log in its checkpoints")
    signed: Path | None = Field(
        default=None, description="file in which audit remembers what it signed last; log.signed beside the keys"
    )
    log_level: str = "INFO"
    otel_exporter_otlp_endpoint: str = Field(
        default="",
        validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT",
        description="where traces are sent, OpenTelemetry's own variable; its others are heard where this is set",
    )
    failpoint: str = Field(default="", description="tests only: `name:exit|raise|stop` at a named point")

    # Limits that every process keeps. A frozen holder of a lock is freed by the idle limit (DESIGN D3).
    pool_size: int = Field(default=5, ge=1, le=20, description="connections per service process")
    statement_timeout_ms: int = 10_000
    lock_timeout_ms: int = 8_000
    idle_in_transaction_timeout_ms: int = 2_000
    call_deadline_s: float = Field(default=10.0, description="the longest that a call may take")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment, then the secrets' files. A folder that is named and isn't there stops the start."""
        folder = os.environ.get(SECRETS_DIR)
        if not folder:
            return init_settings, env_settings
        if not Path(folder).is_dir():
            raise SettingsError(f"{SECRETS_DIR} names {folder}, which is no folder")
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=folder)

    @classmethod
    def variables(cls) -> set[str]:
        """The environment variables that are heard here."""
        return {str(field.validation_alias or f"MARKET_{name.upper()}") for name, field in cls.model_fields.items()}

    def password_of(self, service: str) -> str | None:
        """The database password of `service`'s role, where this process knows one."""
        return self.role_passwords.get(service, self.role_password)

    @cached_property
    def keys(self) -> Path:
        """Folder of this installation's private keys (files 0600)."""
        return self.home / "keys"
