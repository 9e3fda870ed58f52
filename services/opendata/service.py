"""The open data service: makes OCDS releases of what everybody may read, keeps them, answers for them."""

from __future__ import annotations

from pathlib import Path

from kernel.service import Service
from services.opendata.maker import ReleaseMaker
from services.opendata.queries.ocds import ocds_process, ocds_processes, ocds_record, ocds_releases
from services.opendata.rules import load_rules
from services.opendata.tables import metadata


def service() -> Service:
    return Service(
        name="opendata",
        metadata=metadata,
        queries=(ocds_releases, ocds_processes, ocds_process, ocds_record),
        load_rules=load_rules,
        # The audit service's leaves, read by SQL: one order over all logs, which nobody can change.
        duties=(ReleaseMaker(),),
        folder=Path(__file__).parent,
    )
