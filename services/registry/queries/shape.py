"""How rows look in answers: JSON's own terms."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field
from sqlalchemy import RowMapping

from kernel.instants import to_text

Limit = Annotated[int, Field(ge=1, le=200)]


def plain(row: RowMapping) -> dict[str, Any]:
    """A row with instants in the project's fixed form, dates in ISO form and ids as text."""
    return {name: _plain(value) for name, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_text(value)
    if isinstance(value, UUID):
        return str(value)
    return value.isoformat() if hasattr(value, "isoformat") else value
