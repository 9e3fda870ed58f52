"""The read tables of orders: one schema, one file per part. Import this package to have every table in `metadata`."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData(schema="orders")
