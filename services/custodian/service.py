"""A custodian: holds one of three keys to sealed bids, releases its layers after the closing, and does nothing else.

The package runs three times under different names, each with its own schema, role, key file and clock: the department,
the audit chamber, the providers' association (a region's configuration says who).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from kernel.aggregate import Command
from kernel.ids import derived_id
from kernel.projection import Entry
from kernel.service import On, Reactions, Service, Surroundings, query
from services.custodian.domain.competition_key import (
    OpenKeys,
    PublishBiddingKey,
    ReleaseLayers,
    competition_key,
)
from services.custodian.duty import release_by_itself
from services.custodian.facts import inner_keys, new_key, outer_layers
from services.custodian.tables import Tables
from services.custodian.views import Deadline, bids, competitions, layers, opened

NAMES = ("custodian_1", "custodian_2", "custodian_3")


def service(number: int) -> Service:
    """Custodian 1, 2 or 3: the number is its place in the pairs of `kernel.sealing`."""
    name = NAMES[number - 1]
    tables = Tables(name)
    others = tuple(other for other in NAMES if other != name)
    # The first of the three takes only outer layers off (kernel.sealing.PAIRS): nobody uncovers anything for it.
    uncovered = (layers(tables, name, number, others), opened(tables, name)) if number > 1 else ()
    return Service(
        name=name,
        metadata=tables.metadata,
        aggregates=(competition_key,),
        commands=(
            On(PublishBiddingKey, facts=new_key(name)),
            On(ReleaseLayers, facts=outer_layers(name, number)),
            On(OpenKeys, facts=inner_keys(name)),
        ),
        queries=(competition_keys,),
        projections=(competitions(tables), bids(tables), *uncovered),
        reactions=_reactions(name),
        secrets=(tables.private_key, tables.seen_checkpoint),
        duties=(release_by_itself(name, number),),
        folder=Path(__file__).parent,
    )


def _reactions(name: str) -> Reactions:
    reactions = Reactions()

    @reactions.on("orders", "CompetitionPublished", Deadline)
    def publish_key(connection: Connection, event: Any, entry: Entry) -> Iterable[Command]:
        yield PublishBiddingKey(id=derived_id("custodian", name, entry.stream_id), competition_id=entry.stream_id)

    return reactions


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@query(Nothing)
def competition_keys(connection: Connection, asked: Nothing, at: Surroundings) -> dict[str, Any]:
    """The last 200 competitions that this custodian has a key for: public key, state, layers released."""
    rows = connection.exec_driver_sql("SELECT state FROM competition_key ORDER BY id DESC LIMIT 200").scalars()
    return {"items": [{k: state[k] for k in ("competition_id", "public_key", "status", "released")} for state in rows]}
