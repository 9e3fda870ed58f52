"""Identifiers: UUIDv7 (RFC 9562), so that they sort by the time of their making."""

from __future__ import annotations

import re
import uuid
from typing import Annotated

from pydantic import StringConstraints
from uuid_utils import uuid7

_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

Id = Annotated[str, StringConstraints(pattern=_UUID)]
"""A UUID in its canonical lower-case text form."""


def new_id() -> str:
    """A fresh UUIDv7 as text. Called by the kernel only: the domain takes ids from its context."""
    return str(uuid7())


def derived_id(*parts: str) -> str:
    """The one id that belongs to `parts` (UUIDv5): the same parts give the same id everywhere.

    Used where a stream must be unique by its nature, such as one bid per provider and lot.
    """
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "market:" + "/".join(parts)))


def is_id(text: str) -> bool:
    return re.match(_UUID, text) is not None
