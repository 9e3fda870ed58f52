"""The bodies of `./market export …`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.postgres import database_url
from kernel.bus.call import Caller
from kernel.host import Host
from kernel.identity import SigningKey
from kernel.settings import Settings
from kernel.store import body_hash
from services.billing.export import journal_to_hledger
from services.billing.service import service as billing

PAGE = 200


def journal(file: Path) -> int:
    """Write the ledger's journal to `file`, which appears whole or not at all."""
    settings = Settings()
    host = Host(billing(), database_url(settings), settings)
    try:
        rows = list(_journal(host, Caller(SigningKey.at(settings.keys / "gateway.key"), settings.call_deadline_s)))
    finally:
        host.close()
    temporary = file.with_name(f".{file.name}.part")
    temporary.write_text(journal_to_hledger(rows), encoding="utf-8")
    os.replace(temporary, file)
    print(f"{file}: {len(rows):,} entries")
    return 0


def _journal(host: Host, caller: Caller) -> Iterator[dict[str, Any]]:
    """Every entry, page by page, as anybody may ask for it."""
    cursor = None
    while True:
        params: dict[str, Any] = {"limit": PAGE} | ({"cursor": cursor} if cursor else {})
        answer = host.query("journal", params, caller.call("billing.journal", body_hash(params), token=None))
        page = answer["reply"]
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return
