"""Instants: aware UTC datetimes inside, one fixed text form (`2027-01-01T00:00:00.000000Z`) outside.

The fixed form sorts as text and is the same on every machine, which the canonical bytes of events need.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AwareDatetime, PlainSerializer


def to_text(instant: datetime) -> str:
    """`instant` (aware) as text with six digits of the second and `Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """The instant of an ISO 8601 text; raises ValueError without a zone."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"instant without a zone: {text}")
    return instant.astimezone(UTC)


Instant = Annotated[AwareDatetime, PlainSerializer(to_text, return_type=str, when_used="json")]
"""A point in time in events, commands and states: aware, written in the fixed form."""
