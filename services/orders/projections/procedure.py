"""What happened on the way of a competition, as its page tells it: amendments, moved deadlines, complaints."""

from __future__ import annotations

from kernel.instants import to_text
from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.orders.domain.competition import amendment as amending
from services.orders.domain.competition import closing, complaint, remedy
from services.orders.tables.procedure import amendment, complaint_row, deadline_move

procedure_projection = Projection("procedure", (amendment, deadline_move, complaint_row))
on = procedure_projection.on


@on("orders", "CompetitionAmended", amending.CompetitionAmended)
def _amended(rows: Rows, event: amending.CompetitionAmended, entry: Entry) -> None:
    rows.insert(
        amendment,
        competition_id=entry.stream_id,
        number=event.amendment,
        amended_at=entry.time,
        reason=event.reason,
        parts=list(event.parts),
        confirm_until=to_text(event.confirm_until),
        confirm_explained=event.confirm_explained,
    )


@on("orders", "DeadlineMoved", closing.DeadlineMoved)
def _moved(rows: Rows, event: closing.DeadlineMoved, entry: Entry) -> None:
    rows.insert(
        deadline_move,
        competition_id=entry.stream_id,
        version=entry.version,
        moved_at=entry.time,
        previous=to_text(event.previous),
        deadline=to_text(event.deadline),
        reason=event.reason,
        explained=event.explained,
    )


# -- complaints -------------------------------------------------------------------------------------------------------


@on("orders", "ComplaintFiled", complaint.ComplaintFiled)
def _filed(rows: Rows, event: complaint.ComplaintFiled, entry: Entry) -> None:
    rows.insert(
        complaint_row,
        complaint_id=event.complaint_id,
        competition_id=entry.stream_id,
        number=event.number,
        lot_id=event.lot_id,
        provider_id=event.provider_id,
        body_id=event.body_id,
        text=event.text,
        status="pending",
        filed_at=entry.time,
        term=to_text(event.accept_by),
    )


def _becomes(rows: Rows, complaint_id: str, status: str, entry: Entry, **values: str | None) -> None:
    rows.change(complaint_row, {"complaint_id": complaint_id}, status=status, changed_at=entry.time, **values)


@on("orders", "ComplaintAccepted", remedy.ComplaintAccepted)
def _accepted(rows: Rows, event: remedy.ComplaintAccepted, entry: Entry) -> None:
    _becomes(rows, event.complaint_id, "accepted", entry, term=to_text(event.decide_by))


@on("orders", "ComplaintDeclined", complaint.ComplaintDeclined)
def _declined(rows: Rows, event: complaint.ComplaintDeclined, entry: Entry) -> None:
    _becomes(rows, event.complaint_id, "declined", entry, decision=event.reason, term=None)


@on("orders", "ComplaintWithdrawn", complaint.ComplaintWithdrawn)
def _withdrawn(rows: Rows, event: complaint.ComplaintWithdrawn, entry: Entry) -> None:
    _becomes(rows, event.complaint_id, "withdrawn", entry, decision=event.reason, term=None)


@on("orders", "ComplaintSatisfied", remedy.ComplaintSatisfied)
def _satisfied(rows: Rows, event: remedy.ComplaintSatisfied, entry: Entry) -> None:
    _becomes(rows, event.complaint_id, "satisfied", entry, decision=event.decision, remedy=event.remedy, term=None)


@on("orders", "ComplaintResolved", remedy.ComplaintResolved)
def _resolved(rows: Rows, event: remedy.ComplaintResolved, entry: Entry) -> None:
    _becomes(rows, event.complaint_id, "resolved", entry)
