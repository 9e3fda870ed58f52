"""The services of the fault tests: box, mirror, clockwork, and the real audit service over the logs of all three."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from kernel.service import Service
from services.audit.service import service as audit
from tests.faults.clockwork import clockwork_service
from tests.toy.services import box_service, mirror_service

TOYS = (box_service, mirror_service, clockwork_service)


def toys(home: Path) -> list[Service]:
    """Every service; the audit's contract of readers lies in `home`: nobody but auditors reads a toy's event."""
    contracts = home / f"contracts-{os.getpid()}"  # each process writes its own
    contracts.mkdir(parents=True, exist_ok=True)
    (contracts / "readers.json").write_text("{}")
    made = [make() for make in TOYS]
    # Custodians, to whom the real one publishes its tree, aren't here.
    return [*made, replace(audit(tuple(service.name for service in made), contracts), published={})]
