"""The competition (189-FZ ch. 3), one file per phase, in the order of the procedure.

announcement → publication → questions → closing → opening → admission → evaluation → ranking (protocol) → award;
`state` is what they share. Importing this package declares all of it on `competition`.
"""

from __future__ import annotations

from services.orders.domain.competition import (
    admission,
    announcement,
    award,
    closing,
    evaluation,
    opening,
    protocol,
    publication,
    questions,
    ranking,
)
from services.orders.domain.competition.opening import open_bid
from services.orders.domain.competition.state import Competition, competition

__all__ = [
    "Competition",
    "admission",
    "announcement",
    "award",
    "closing",
    "competition",
    "evaluation",
    "open_bid",
    "opening",
    "protocol",
    "publication",
    "questions",
    "ranking",
]
