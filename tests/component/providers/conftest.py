"""A town: `providers` on a real database, with registry and orders that say what a test tells them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from services.providers.service import service
from tests.component.providers.neighbours import Town, orders, registry
from tests.support import market

TODAY = datetime(2027, 3, 10, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def town(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    home = tmp_path_factory.mktemp("home")
    with market([registry(), orders(), service()], module_database, home, sandbox_from=TODAY) as made:
        yield Town(made)
