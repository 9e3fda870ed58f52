"""A small HTTP port of a service's process, for Kubernetes and Prometheus: /healthz, /readyz, /metrics.

Alive means that the process answers; nothing else is asked, or a database's pause would restart every replica. Ready
means that it can do its work now.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

Ready = Callable[[], tuple[bool, Mapping[str, Any]]]


class Probes:
    """The port, served by a thread of its own from `start` to `stop`."""

    def __init__(self, port: int, ready: Ready, host: str = "") -> None:
        """`ready()` says whether, and what of; OSError when the port is taken. Port 0: a free one."""
        self._server = ThreadingHTTPServer((host, port), _handler(ready))
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="probes", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _handler(ready: Ready) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 5
        server_version, sys_version = "market", ""

        def do_GET(self) -> None:
            if self.path == "/healthz":
                self._answer(200, {"status": "alive"})
            elif self.path == "/readyz":
                is_ready, parts = _asked(ready)
                said = {"status": "ready" if is_ready else "not ready", "parts": parts}
                self._answer(200 if is_ready else 503, said)
            elif self.path == "/metrics":
                self._send(200, CONTENT_TYPE_LATEST, generate_latest())
            else:
                self._answer(404, {"status": "no such address"})

        def _answer(self, status: int, said: Mapping[str, Any]) -> None:
            self._send(status, "application/json", orjson.dumps(said))

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: who probes does so every few seconds."""

    return Handler


def _asked(ready: Ready) -> tuple[bool, Mapping[str, Any]]:
    try:
        return ready()
    except Exception as problem:  # noqa: BLE001 - whatever it was, it isn't ready, and its text may hold a DSN
        return False, {"problem": type(problem).__name__}
