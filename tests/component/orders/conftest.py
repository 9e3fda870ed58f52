"""Orders and its neighbours on one real database, with a sandbox's clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.component.orders.country import BEGAN, neighbours
from tests.support import Market, market


@pytest.fixture(scope="module")
def country(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    with market(neighbours(), module_database, tmp_path_factory.mktemp("home"), BEGAN) as made:
        yield made
