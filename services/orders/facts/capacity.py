"""How much more a provider can do: places that are neither reserved nor promised, told in units of a service.

Places are learnt from providers' events; what was awarded since is not among their reservations until its agreement asks
for places, so it is taken off here. The reservation stays the last word: places may have gone elsewhere meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from services.orders.domain.competition.state import Competition
from services.orders.rules import Rules


def capacity(
    connection: Connection, rules: Rules, state: Competition, competition_id: str, providers: Sequence[str]
) -> Mapping[str, int]:
    """{provider: units of the competition's service} of those that have said their places in its form."""
    service = connection.exec_driver_sql(
        "SELECT service_code, year FROM competitions WHERE competition_id = %s", (competition_id,)
    ).one()
    per_place = _units_per_place(rules, *service)
    places = {
        str(provider_id): maximum - reserved
        for provider_id, maximum, reserved in connection.exec_driver_sql(_PLACES, (state.form, list(providers)))
    }
    for provider_id, code, year, volume in connection.exec_driver_sql(_PROMISED, (state.form, list(places))):
        places[str(provider_id)] -= -(-volume // _units_per_place(rules, code, year))
    return {provider_id: max(0, free) * per_place for provider_id, free in places.items()}


def _units_per_place(rules: Rules, code: str, year: int) -> int:
    """By the version of the catalogue that holds in the order's year; of a service that has left it, by its last one."""
    versions = rules.catalogue.get(code, ())
    valid = [version for version in versions if version.valid_from.year <= year] or list(versions)
    return valid[-1].units_per_place if valid else 1


_PLACES = """
SELECT provider_id, maximum, reserved FROM provider_places WHERE form = %s AND provider_id = ANY(%s::uuid[])
"""
# Awards of this form that hold no places yet: without an agreement, or with one that hasn't got them.
_PROMISED = """
SELECT w.provider_id, k.service_code, k.year, w.volume
FROM award w JOIN competitions k ON k.competition_id = w.competition_id
LEFT JOIN agreements a USING (award_id)
WHERE k.form = %s AND w.provider_id = ANY(%s::uuid[]) AND k.status = 'awarded'
  AND (a.agreement_id IS NULL OR a.status IN ('draft', 'reserving'))
"""
