"""What commands of the catalogue need from tables, read in their transactions: numbers, and what holds on a day."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from kernel.counters import next_number
from kernel.database import lock_key
from kernel.service import Surroundings
from services.registry.domain.catalogue.calculation import CalculateCost, InForce
from services.registry.domain.catalogue.proposal import ProposeService, ServiceProposal
from services.registry.domain.catalogue.values import Norm, Words, service_id


def changing(command: Any) -> list[tuple[str, int]]:
    """A version begins or a service closes: no calculation of it runs meanwhile."""
    return [("exclusive", lock_key("catalogue", command.code))]


def calculating(command: CalculateCost) -> list[tuple[str, int]]:
    return [("shared", lock_key("catalogue", command.code))]


def calculation_basis(
    connection: Connection, command: CalculateCost, state: Any, at: Surroundings
) -> tuple[str, InForce | None]:
    """(the number `НЗ-<year>-000001`, what holds on the day asked for)."""
    return number(connection, "НЗ", "calculation", at), in_force(connection, command.code, command.day)


def proposal_basis(
    connection: Connection, command: ProposeService, state: ServiceProposal, at: Surroundings
) -> tuple[str, bool]:
    """(the number `ПУ-<year>-000001` for a first revision, whether the proposer is in the register now)."""
    status = connection.exec_driver_sql(
        "SELECT status FROM provider WHERE id = %s", (at.actor.organisation,)
    ).scalar()  # fmt: skip
    return state.number or number(connection, "ПУ", "proposal", at), status == "active"


def number(connection: Connection, letters: str, counter: str, at: Surroundings) -> str:
    year = at.now.astimezone(ZoneInfo(at.rules.zone)).year
    return f"{letters}-{year}-{next_number(connection, f'{counter}-{year}'):06d}"


def in_force(connection: Connection, code: str, day: date) -> InForce | None:
    """What holds on `day` by `values.version_on`; None where the service, its standard or its cost doesn't."""
    row = connection.exec_driver_sql(_IN_FORCE, (day, day, service_id(code), day)).one_or_none()
    if row is None:
        return None
    name, unit, standard, standard_to, cost, cost_to, norm = row
    if any(end is not None and day > end for end in (standard_to, cost_to)):
        return None
    return InForce(Words(**name), unit, standard, cost, Norm(**norm))


_IN_FORCE = """
SELECT l.name, l.unit, s.number, s.valid_to, c.number, c.valid_to, c.norm
FROM listed l
JOIN LATERAL (SELECT number, valid_to FROM standard_version WHERE service_id = l.id AND approved_on IS NOT NULL
              AND valid_from <= %s ORDER BY valid_from DESC LIMIT 1) s ON true
JOIN LATERAL (SELECT number, valid_to, norm FROM cost_version WHERE service_id = l.id AND approved_on IS NOT NULL
              AND valid_from <= %s ORDER BY valid_from DESC LIMIT 1) c ON true
WHERE l.id = %s AND (l.closes_on IS NULL OR %s < l.closes_on)
"""
