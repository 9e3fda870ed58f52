"""Every file of deploy/ that is made from the code: path under deploy/ → text."""

from __future__ import annotations

import json
from pathlib import Path

from app.deploy.broker import definitions
from app.deploy.dashboard import dashboard
from app.deploy.kubernetes import manifests
from app.deploy.roles import roles_sql
from app.services import all_services
from kernel.settings import PROJECT

DEPLOY = PROJECT / "deploy"


def deploy_files() -> dict[str, str]:
    """Path under deploy/ → text."""
    services = all_services()
    return {
        "postgres/roles.sql": roles_sql(services),
        "grafana/dashboards/market.json": dashboard(),
        "rabbitmq/definitions.json": json.dumps(definitions(), indent=2) + "\n",
        **{f"kubernetes/base/{name}": text for name, text in manifests(services).items()},
    }


def stale_files(folder: Path = DEPLOY) -> list[str]:
    """Files that are missing or aren't what the code says."""
    return [name for name, text in deploy_files().items() if not _says(folder / name, text)]


def write_files(folder: Path = DEPLOY) -> list[str]:
    """Write what is stale; the names of the files touched."""
    stale, files = stale_files(folder), deploy_files()
    for name in stale:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[name], encoding="utf-8")
    return stale


def _says(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text
