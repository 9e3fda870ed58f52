"""What a custodian's commands need: a fresh key, or the evidence and the layers that it allows to take off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection

from kernel.sealing import PAIRS, SealError, open_inner, open_outer, to_base64
from kernel.service import Surroundings
from services.custodian import keystore
from services.custodian.domain.competition_key import (
    CompetitionKey,
    Findings,
    Layer,
    OpenedKey,
    PublishBiddingKey,
)
from services.custodian.evidence import missing_evidence


def new_key(name: str) -> Callable[..., tuple[str, str]]:
    """Facts of PublishBiddingKey: (custodian's name, fresh public key in base64)."""

    def facts(
        connection: Connection, command: PublishBiddingKey, state: CompetitionKey, at: Surroundings
    ) -> tuple[str, str]:
        return name, to_base64(keystore.make(connection, at.keys, name, command.competition_id))

    return facts


def outer_layers(name: str, number: int) -> Callable[..., Findings]:
    """Facts of ReleaseLayers: the inner boxes of all standing bids in the pairs whose outer layer is this one's."""

    def facts(connection: Connection, command: Any, state: CompetitionKey, at: Surroundings) -> Findings:
        missing = missing_evidence(connection, at.keys, state.competition_id, at.now)
        if missing:
            return Findings(name, missing)
        private = keystore.private(connection, at.keys, name, state.competition_id)
        layers = []
        for bid in _standing(connection, state.competition_id):
            for outer, inner in PAIRS:
                if outer == number:
                    try:
                        box = open_outer(private, bid[f"wrap_{outer}{inner}"])
                    except SealError:
                        continue  # a spoilt pair is the bidder's own doing: another pair may open
                    layers.append(Layer(bid_id=str(bid["bid_id"]), pair=f"{outer}-{inner}", inner=box))
        return Findings(name, layers=tuple(layers))

    return facts


def inner_keys(name: str) -> Callable[..., Findings]:
    """Facts of OpenKeys: the keys of standing bids whose outer layer another custodian has taken off for this one."""

    def facts(connection: Connection, command: Any, state: CompetitionKey, at: Surroundings) -> Findings:
        missing = missing_evidence(connection, at.keys, state.competition_id, at.now)
        if missing:
            return Findings(name, missing)
        private = keystore.private(connection, at.keys, name, state.competition_id)
        keys: dict[str, OpenedKey] = {}
        rows = connection.exec_driver_sql(
            'SELECT l.bid_id::text, l."inner" FROM layer l JOIN bid b USING (bid_id) '
            "WHERE l.competition_id = %s AND NOT b.withdrawn AND b.standing_version = b.bid_version "
            "ORDER BY l.custodian, l.bid_id",
            (state.competition_id,),
        ).all()
        for bid_id, box in rows:
            if bid_id in keys or bid_id in state.opened:
                continue
            try:
                keys[bid_id] = OpenedKey(bid_id=bid_id, key=to_base64(open_inner(private, box)))
            except SealError:
                continue
        return Findings(name, keys=tuple(keys.values()))

    return facts


def _standing(connection: Connection, competition_id: str) -> list[Any]:
    """Bids in the closing's list whose version is the one that this custodian saw last in the log."""
    return list(
        connection.exec_driver_sql(
            "SELECT bid_id, wrap_12, wrap_13, wrap_23 FROM bid WHERE competition_id = %s "
            "AND NOT withdrawn AND standing_version = bid_version ORDER BY bid_id",
            (competition_id,),
        ).mappings()
    )
