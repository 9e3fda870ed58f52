"""Documents by hash: bytes kept once under their SHA-256, so that an event names exactly what was meant."""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection

from kernel.refusal import Refusal, require

SIZE_LIMIT = 5 * 1024 * 1024
MEDIA_TYPES = frozenset({"application/pdf", "text/html", "text/plain", "application/json", "image/png", "image/jpeg"})

TOO_LARGE = Refusal(
    "document_too_large",
    "Документ больше {limit_mb} МБ.",
    "The document is larger than {limit_mb} MB.",
    kind="invalid",
)
WRONG_TYPE = Refusal(
    "document_type",
    "Такой вид документа не принимается: {type}.",
    "Documents of this type are not accepted: {type}.",
    kind="invalid",
)


def keep(connection: Connection, content: bytes, media_type: str) -> str:
    """Keep `content` in the service's own store; its SHA-256 in hex. Twice the same bytes are kept once."""
    require(0 < len(content) <= SIZE_LIMIT, TOO_LARGE, limit_mb=SIZE_LIMIT // 1024 // 1024)
    require(media_type in MEDIA_TYPES, WRONG_TYPE, type=media_type)
    digest = hashlib.sha256(content).hexdigest()
    connection.exec_driver_sql(
        "INSERT INTO document (hash, media_type, content) VALUES (%s, %s, %s) ON CONFLICT (hash) DO NOTHING",
        (digest, media_type, content),
    )
    return digest


def find(connection: Connection, digest: str) -> tuple[str, bytes] | None:
    """(media type, content) of a hash; None where it isn't kept here. Raises ValueError if the bytes were changed."""
    row = connection.exec_driver_sql(
        "SELECT media_type, content FROM document WHERE hash = %s", (digest,)
    ).one_or_none()
    if row is None:
        return None
    content = bytes(row[1])
    if hashlib.sha256(content).hexdigest() != digest:
        raise ValueError(f"document {digest} is not what was kept under its hash")
    return row[0], content
