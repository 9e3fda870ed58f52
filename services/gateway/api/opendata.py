"""Open data: contracting processes as OCDS 1.1.5. Public, and the same for everybody."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from services.gateway.api.route import PREFIX, area, query

ROUTES = area(
    "opendata",
    query("/ocds/releases", "opendata.ocds_releases", "Лента релизов OCDS", "The feed of OCDS releases"),
    query("/ocds/processes", "opendata.ocds_processes", "Опубликованные процессы", "Processes that are published"),
    query("/ocds/processes/{ocid}/releases", "opendata.ocds_process", "Релизы процесса", "The releases of a process"),
    query("/ocds/processes/{ocid}/record", "opendata.ocds_record", "Запись процесса", "The record of a process"),
)


def add_extensions(app: FastAPI, contracts: Path) -> None:
    """The files of the OCDS extensions that packages name, so that the market's own has an address."""
    files = StaticFiles(directory=contracts / "ocds" / "extensions", check_dir=False)
    app.mount(f"{PREFIX}/ocds/extensions", files, name="ocds-extensions")
