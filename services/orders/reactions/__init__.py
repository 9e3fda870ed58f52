"""What other services' events, and this service's own, make orders do: one file per part, registered on `reactions`."""

from __future__ import annotations

from kernel.service import Reactions

reactions = Reactions()
