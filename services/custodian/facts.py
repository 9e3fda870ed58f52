"""What a custodian's commands need: a fresh key, or the evidence and the layers that it allows to take off.

Bids are read in pages: the database takes a session that is silent for two seconds for dead, and boxes take time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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

PAGE = 200


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
        for bid_id, _, *wraps in _pages(connection, _STANDING, state.competition_id):
            for (outer, inner), wrap in zip(PAIRS, wraps, strict=True):
                if outer == number:
                    try:
                        box = open_outer(private, wrap)
                    except SealError:
                        continue  # a spoilt pair is the bidder's own doing: another pair may open
                    layers.append(Layer(bid_id=bid_id, pair=f"{outer}-{inner}", inner=box))
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
        for bid_id, _, box in _pages(connection, _UNCOVERED, state.competition_id):
            if bid_id in keys:
                continue
            try:
                keys[bid_id] = OpenedKey(bid_id=bid_id, key=to_base64(open_inner(private, box)))
            except SealError:
                continue
        return Findings(name, keys=tuple(keys.values()))

    return facts


def _pages(connection: Connection, sql: str, competition_id: str) -> Iterator[Sequence[Any]]:
    """The rows of a query whose first two columns are its order, which takes what they were in the last row."""
    after: tuple[str, str] = (_BEFORE_ALL, "")
    while rows := connection.exec_driver_sql(sql, (competition_id, *after, PAGE)).all():
        yield from rows
        after = (rows[-1][0], rows[-1][1])


_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"
# Bids in the closing's list whose version is the one that this custodian saw last in the log.
_STANDING = """
SELECT bid_id::text, '', wrap_12, wrap_13, wrap_23 FROM bid
WHERE competition_id = %s AND (bid_id, '') > (%s::uuid, %s) AND NOT withdrawn AND standing_version = bid_version
ORDER BY bid_id LIMIT %s
"""
_UNCOVERED = """
SELECT l.bid_id::text, l.custodian, l."inner" FROM layer l JOIN bid b USING (bid_id)
WHERE l.competition_id = %s AND (l.bid_id, l.custodian) > (%s::uuid, %s)
  AND NOT b.withdrawn AND b.standing_version = b.bid_version
  AND NOT EXISTS (SELECT 1 FROM opened o WHERE o.competition_id = l.competition_id AND o.bid_id = l.bid_id)
ORDER BY l.bid_id, l.custodian LIMIT %s
"""
