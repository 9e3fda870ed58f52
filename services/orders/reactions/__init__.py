"""What other services' events, and this service's own, make orders do: one file per part, registered on `reactions`."""

from __future__ import annotations

from kernel.service import Reactions

reactions = Reactions()

# The parts register themselves on `reactions`, so they come after it.
from services.orders.reactions import agreement, certificate, competition  # noqa: E402

__all__ = ["agreement", "certificate", "competition", "reactions"]
