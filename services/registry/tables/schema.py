"""The service's schema, which all its tables are in."""

from __future__ import annotations

from sqlalchemy import MetaData

metadata = MetaData(schema="registry")
