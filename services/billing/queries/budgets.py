"""Budget lines with what is free, reserved, obliged, accrued and paid of them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import key_of, page_of
from kernel.service import Surroundings, query
from services.billing.queries.common import Filters, texts, where


class BudgetLines(Filters):
    body_id: Id | None = None
    year: int | None = None


@query(BudgetLines)
def budget_lines(connection: Connection, asked: BudgetLines, at: Surroundings) -> dict[str, Any]:
    """A page of budget lines, sums in kopecks; `limit` = the sum of all the others."""
    filters, after = asked.given(), key_of(asked.cursor, (str,))
    rows = connection.exec_driver_sql(
        f"""
        SELECT budget_id, body_id, year, limit_kopecks, refusals, s.free_kopecks, s.reserved_kopecks,
               s.obliged_kopecks, s.certificates_kopecks, s.accrued_kopecks, s.transit_kopecks, s.paid_kopecks,
               s.owed_kopecks
        FROM budget b CROSS JOIN LATERAL ({_SUMS}) s
        {where(filters, "budget_id > %(after)s" if after else "")} ORDER BY budget_id LIMIT %(limit)s
        """,
        {**filters, "after": after[0] if after else None, "limit": asked.limit + 1},
    ).mappings()
    return page_of(texts(rows), asked.limit, ("budget_id",))


def _sum(kind: str, name: str) -> str:
    return f"coalesce(sum(balance_kopecks) FILTER (WHERE kind = '{kind}'), 0)::bigint AS {name}_kopecks"


_SUMS = "SELECT {} FROM account a WHERE a.body_id = b.body_id AND a.year = b.year".format(
    ", ".join(
        _sum(kind, name)
        for kind, name in (
            ("limit", "free"),
            ("reserved", "reserved"),
            ("obliged", "obliged"),
            ("certificates", "certificates"),
            ("accrued", "accrued"),
            ("transit", "transit"),
            ("paid", "paid"),
            ("owed", "owed"),
        )
    )
)
