"""The competition (189-FZ ch. 3), one file per phase, in the order of the procedure.

announcement → publication → amendment, questions → closing → opening → admission, correction → evaluation, low_price,
second_look → ranking (protocol) → complaint, remedy → award; or cancellation. `state` is what they share. Importing this
package declares all of it on `competition`.
"""

from __future__ import annotations

from services.orders.domain.competition import (
    admission,
    amendment,
    announcement,
    award,
    cancellation,
    closing,
    complaint,
    correction,
    evaluation,
    low_price,
    opening,
    protocol,
    publication,
    questions,
    ranking,
    remedy,
    second_look,
)
from services.orders.domain.competition.opening import open_bid
from services.orders.domain.competition.state import Competition, competition

__all__ = [
    "Competition",
    "admission",
    "amendment",
    "announcement",
    "award",
    "cancellation",
    "closing",
    "competition",
    "complaint",
    "correction",
    "evaluation",
    "low_price",
    "open_bid",
    "opening",
    "protocol",
    "publication",
    "questions",
    "ranking",
    "remedy",
    "second_look",
]
