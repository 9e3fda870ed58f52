"""Runs a tool of the open contracting standard without a network: `python offline.py FOLDER MODULE ARGUMENT…`.

FOLDER stands for the web: `https://host/path` is answered by the file FOLDER/host/path (index.html for a folder) and by
404 where there is none. This file is run by the tools' own Python and imports nothing of the market.
"""

from __future__ import annotations

import io
import runpy
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse


def main() -> None:
    web = Path(sys.argv[1])

    def send(self: HTTPAdapter, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        address = urlsplit(str(request.url))
        path = web / address.netloc / unquote(address.path.lstrip("/"))
        return answer(self, request, path / "index.html" if path.is_dir() else path)

    HTTPAdapter.send = send  # type: ignore[method-assign]
    module = sys.argv[2]
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def answer(adapter: HTTPAdapter, request: requests.PreparedRequest, path: Path) -> requests.Response:
    found = path.is_file()
    raw = HTTPResponse(
        body=io.BytesIO(path.read_bytes() if found else b""),
        headers={"Content-Type": "text/plain; charset=utf-8"},
        status=200 if found else 404,
        reason="OK" if found else "Not Found",
        preload_content=False,
        request_url=str(request.url),
    )
    return adapter.build_response(request, raw)


if __name__ == "__main__":
    main()
