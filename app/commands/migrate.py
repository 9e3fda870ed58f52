"""`./market migrate`."""

from __future__ import annotations

from app.commands import run_body


def migrate() -> None:
    """Bring the schemas, roles and grants of all services up to this release; harmless when repeated.

    Example: MARKET_DATABASE_URL=postgresql://postgres@db/market ./market migrate
    """
    run_body("app.migrate:main")
