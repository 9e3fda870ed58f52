"""The read tables of orders: one schema, one file per part. Importing this package has every table in `metadata`."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData(schema="orders")

# The parts put their tables into `metadata`, so they come after it.
from services.orders.tables import agreement, certificate, competition, procedure  # noqa: E402

__all__ = ["agreement", "certificate", "competition", "metadata", "procedure"]
