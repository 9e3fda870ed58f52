"""What a decision of the register may rest on, and how long everybody has: for whoever fills in a form."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection

from kernel.service import Surroundings, query
from services.registry.domain.terms import DAYS


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


@query(Nothing)
def grounds(connection: Connection, asked: Nothing, at: Surroundings) -> dict[str, Any]:
    """The grounds that decisions may name, the working days of every term, and the version of the region's files."""
    items = [
        {
            "code": ground.code,
            "decisions": sorted(ground.verdicts),
            "law": ground.law,
            "name": dict(ground.words),
            "after": ground.after or None,
        }
        for ground in at.rules.grounds.values()
    ]
    terms = {term: at.rules.days[name] for term, name in DAYS.items()}
    return {"items": items, "terms": terms, "region_version": at.rules.version}
