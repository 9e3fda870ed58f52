"""Sealed forms of bids that this process sealed, for a while: so that a repetition under the same key is the same."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from kernel import canonical

KEPT_FORMS = 2_000


class KeptForms:
    """Sealed forms by asker, command and key, found again only with the very input they were made of."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)  # a bare hash of a price could be guessed from a memory dump
        self._held: OrderedDict[tuple[str, str, str], tuple[bytes, dict[str, Any]]] = OrderedDict()

    def find(self, place: tuple[str, str, str], sent: Mapping[str, Any]) -> dict[str, Any] | None:
        """The input that was made for `sent` under this key, if it is still known."""
        held = self._held.get(place)
        return held[1] if held and hmac.compare_digest(held[0], self._hash(sent)) else None

    def keep(self, place: tuple[str, str, str], sent: Mapping[str, Any], made: dict[str, Any]) -> None:
        # The first form stays: under one key there is one input, and another one is to be refused as such.
        self._held.setdefault(place, (self._hash(sent), made))
        if len(self._held) > KEPT_FORMS:
            self._held.popitem(last=False)

    def _hash(self, sent: Mapping[str, Any]) -> bytes:
        return hmac.digest(self._secret, canonical.dumps(sent), hashlib.sha256)
