"""The journal as plain-text accounting, so that an outside tool (hledger, ledger, beancount's importers) adds it up.

One transaction per event, accounts by their own names (`:` parts a hierarchy there too), debits positive and credits
negative. The text says nothing that isn't in the journal; that it balances is the other tool's finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from services.billing.domain.ledger import CHART

COMMODITY = "RUB"


def journal_to_hledger(rows: Iterable[Mapping[str, Any]]) -> str:
    """The text of `rows`: entries as the query `journal` gives them (`event_id`, `at`, `event`, `postings`)."""
    head = [f"; {kind}: {line.en} / {line.ru}" for kind, line in CHART.items()]
    parts = ["\n".join([*head, "", "decimal-mark .", f"commodity {COMMODITY} 1000.00"])]
    parts += [_transaction(row) for row in rows]
    return "\n\n".join(parts) + "\n"


def _transaction(row: Mapping[str, Any]) -> str:
    about = f" | agreement {row['agreement_id']}" if row.get("agreement_id") else ""
    lines = [f"{row['at'][:10]} * ({row['event_id']}) {row['event']}{about}"]
    for line in row["postings"]:
        amount = line["debit_kopecks"] - line["credit_kopecks"]
        # Two spaces end an account's name.
        lines.append(f"    {line['account']}  {COMMODITY} {_roubles(amount)}")
    return "\n".join(lines)


def _roubles(kopecks: int) -> str:
    sign = "-" if kopecks < 0 else ""
    return f"{sign}{abs(kopecks) // 100}.{abs(kopecks) % 100:02d}"
