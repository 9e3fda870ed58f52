"""The read tables of registry: of the register and its imports, and of the catalogue."""

from __future__ import annotations

from services.registry.tables import catalogue, consortium, dossier, register
from services.registry.tables.schema import metadata

__all__ = ["catalogue", "consortium", "dossier", "metadata", "register"]
