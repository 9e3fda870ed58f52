"""Which answers are compressed: what everybody may read, and nothing that was asked for with a token.

Text is six to ten times smaller compressed, and a page on a telephone comes that much sooner. But the length of a
compressed answer tells whether a guess in the request stands beside a secret in the answer (BREACH, CVE-2013-3587), so
an answer to somebody, or to a command, goes as it is. Pages hold no secret: they are the same for all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.gzip import GZipMiddleware

App = Callable[..., Awaitable[None]]

SMALLEST_BYTES = 1024
LEVEL = 6
#: Compressed already, by the ending of their address.
COMPRESSED_ALREADY = (".woff2",)


class Compression:
    """ASGI middleware: gzip for public answers, for clients that take it (RFC 9110 12.5.3)."""

    def __init__(self, app: App) -> None:
        self._plain = app
        self._compressing = GZipMiddleware(app, minimum_size=SMALLEST_BYTES, compresslevel=LEVEL)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        chosen = self._compressing if is_public(scope) else self._plain
        await chosen(scope, receive, send)


def is_public(scope: MutableMapping[str, Any]) -> bool:
    """Whether the answer can hold nothing that not everybody may read."""
    return (
        scope["type"] == "http"
        and scope["method"] == "GET"
        and "authorization" not in Headers(scope=scope)
        and not scope["path"].endswith(COMPRESSED_ALREADY)
    )
