"""Sessions, for their owners and for the list of revoked tokens; failed sign-ins, for the limit."""

from __future__ import annotations

from kernel.projection import Entry, Projection
from kernel.rows import Rows
from services.access.domain.session import SessionRevoked, SessionStarted, SignInFailed
from services.access.tables import session_view, sign_in_failure

sessions = Projection("sessions", (session_view, sign_in_failure))


@sessions.on("access", "SessionStarted", SessionStarted)
def _started(rows: Rows, event: SessionStarted, entry: Entry) -> None:
    fields = {name: value for name, value in entry.data.items() if name != "organisation"}
    rows.insert(session_view, id=entry.stream_id, **fields, started_at=entry.time)


@sessions.on("access", "SessionRevoked", SessionRevoked)
def _revoked(rows: Rows, event: SessionRevoked, entry: Entry) -> None:
    rows.change(session_view, {"id": entry.stream_id}, revoked=True)


@sessions.on("access", "SignInFailed", SignInFailed)
def _failed(rows: Rows, event: SignInFailed, entry: Entry) -> None:
    rows.insert(sign_in_failure, session_id=entry.stream_id, account_id=event.account_id, at=entry.time)
