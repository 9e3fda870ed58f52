"""Documents of a card: their bytes are read, looked at and kept under their hash, in the command's transaction."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from sqlalchemy import Connection

from kernel import documents
from kernel.service import Surroundings
from services.registry.domain.register_entry.dossier import MARKS, MOST_BYTES, AttachDocument, Kept


def kept_document(connection: Connection, command: AttachDocument, state: Any, at: Surroundings) -> Kept:
    """Kept only where it is what it should be; the decision says what else is wrong with it."""
    try:
        content = base64.b64decode(command.content, validate=True)
    except (binascii.Error, ValueError):
        return Kept()
    is_of_type = content.startswith(MARKS[command.media_type])
    if not (0 < len(content) <= MOST_BYTES and is_of_type):
        return Kept("", len(content), is_of_type)
    return Kept(documents.keep(connection, content, command.media_type), len(content), True)
