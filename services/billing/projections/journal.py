"""The journal and the balances: every entry of every event that moves money, line by line.

Balances only add up, so the order in which streams come changes nothing; an account's row is made by its first line.
"""

from __future__ import annotations

from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.billing.domain import budget_line as b
from services.billing.domain import certificate as c
from services.billing.domain import invoice_events as i
from services.billing.domain.ledger import check_balanced, parse_account
from services.billing.tables import account, posting

journal = Projection("journal", (account, posting))

MOVING: tuple[type[b.Money], ...] = (
    b.LimitSet,
    b.BudgetReserved,
    b.ReservationReleased,
    b.ObligationTaken,
    b.ObligationReleased,
    c.CertificateFunded,
    c.CertificateReleased,
    i.InvoiceRegistered,
    i.PaymentSent,
    i.PaymentSettled,
    i.InvoiceReversed,
    i.ReturnReceived,
)


def book(rows: Rows, event: b.Money, entry: Entry) -> None:
    """Write the event's entry. Unbalanced postings stop it here: they never reach a table."""
    for number, line in enumerate(check_balanced(event.postings), start=1):
        name = parse_account(line.account)
        rows.put(
            account,
            {"account": line.account},
            kind=name.kind,
            body_id=name.body_id,
            year=name.year,
            part=name.part,
            floor_kopecks=name.floor_kopecks,
        )
        rows.add(
            account,
            {"account": line.account},
            debit_kopecks=line.debit_kopecks,
            credit_kopecks=line.credit_kopecks,
            balance_kopecks=line.debit_kopecks - line.credit_kopecks,
        )
        rows.insert(
            posting,
            event_id=entry.event_id,
            line=number,
            at=entry.time,
            event=entry.name,
            body_id=event.body_id,
            year=event.year,
            # What it was posted for: an agreement or a certificate.
            agreement_id=getattr(event, "agreement_id", getattr(event, "certificate_id", None)),
            act_id=getattr(event, "act_id", None),
            **line.model_dump(),
        )


for _event in MOVING:
    journal.on("billing", _event.__name__, _event)(book)
