"""The ledger as it is: accounts, the journal entry by entry, the trial balance."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from kernel.ids import Id
from kernel.paging import key_of, page_of
from kernel.service import Surroundings, query
from services.billing.domain.ledger import CHART
from services.billing.queries.common import Filters, page, texts, where

AccountKind = Literal["grant", "limit", "reserved", "obliged", "accrued", "transit", "paid", "owed"]


class Accounts(Filters):
    kind: AccountKind | None = None
    body_id: Id | None = None
    year: int | None = None
    part: str | None = Field(None, max_length=36, description="the agreement or provider of the account")


@query(Accounts)
def accounts(connection: Connection, asked: Accounts, at: Surroundings) -> dict[str, Any]:
    """A page of accounts by name, with turnovers and balance in kopecks."""
    columns = "account, kind, body_id, year, part, debit_kopecks, credit_kopecks, balance_kopecks"
    return page(connection, columns, "account", "account", asked)


class Journal(Filters):
    body_id: Id | None = None
    year: int | None = None
    agreement_id: Id | None = None
    act_id: Id | None = None
    account: str | None = Field(None, max_length=120)


@query(Journal)
def journal(connection: Connection, asked: Journal, at: Surroundings) -> dict[str, Any]:
    """A page of entries in the order of their events, each with all its postings; an entry is never cut in two."""
    filters, after = asked.given(), key_of(asked.cursor, (str,))
    clause = where(filters, "event_id > %(after)s" if after else "")
    rows = connection.exec_driver_sql(
        f"""
        SELECT p.event_id, min(p.at) AS at, min(p.event) AS event, min(p.body_id::text) AS body_id,
               min(p.year) AS year, min(p.agreement_id::text) AS agreement_id, min(p.act_id::text) AS act_id,
               jsonb_agg(jsonb_build_object('account', p.account, 'debit_kopecks', p.debit_kopecks,
                                            'credit_kopecks', p.credit_kopecks) ORDER BY p.line) AS postings
        FROM posting p
        WHERE p.event_id IN (SELECT DISTINCT event_id FROM posting {clause} ORDER BY event_id LIMIT %(limit)s)
        GROUP BY p.event_id ORDER BY p.event_id
        """,
        {**filters, "after": after[0] if after else None, "limit": asked.limit + 1},
    ).mappings()
    return page_of(texts(rows), asked.limit, ("event_id",))


class TrialBalance(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    body_id: Id | None = None
    year: int | None = None


@query(TrialBalance)
def trial_balance(connection: Connection, asked: TrialBalance, at: Surroundings) -> dict[str, Any]:
    """Turnovers and balances by kind of account; `balanced`: debits equal credits in journal and accounts alike."""
    filters = asked.model_dump(exclude_none=True)
    found = connection.exec_driver_sql(
        "SELECT kind, sum(debit_kopecks)::bigint AS debit_kopecks, sum(credit_kopecks)::bigint AS credit_kopecks, "
        f"sum(balance_kopecks)::bigint AS balance_kopecks FROM account {where(filters)} GROUP BY kind",
        filters,
    ).mappings()
    by_kind = {row["kind"]: dict(row) for row in found}
    [(debit, credit)] = connection.exec_driver_sql(
        "SELECT coalesce(sum(debit_kopecks), 0)::bigint, coalesce(sum(credit_kopecks), 0)::bigint "
        f"FROM posting {where(filters)}",
        filters,
    ).all()
    turnovers = [sum(row[side] for row in by_kind.values()) for side in ("debit_kopecks", "credit_kopecks")]
    return {
        "kinds": [
            {**by_kind[kind], "name": {"ru": line.ru, "en": line.en}} for kind, line in CHART.items() if kind in by_kind
        ],
        "debit_kopecks": debit,
        "credit_kopecks": credit,
        "balanced": debit == credit and turnovers == [debit, credit],
    }
