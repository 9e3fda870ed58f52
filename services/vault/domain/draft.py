"""A draft of a bid: kept only encrypted under its organisation's key, destroyed at sealing or when bidding ends.

    new ─▶ kept ─▶ destroyed

An event says that an organisation has a draft: not for which lot, not how long it is, not how often it was changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import Field

from kernel import canonical
from kernel.aggregate import NEW, SYSTEM, Aggregate, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.refusal import NOT_YOURS, Refusal, require

CONTENT_LIMIT = 24 * 1024  # as large as a bid may be (kernel/sealing.py)

TOO_LARGE = Refusal(
    "draft_too_large",
    "Черновик занимает {given} байт, принимается до {limit}.",
    "The draft has {given} bytes; up to {limit} are taken.",
    kind="invalid",
)
DRAFT_EXISTS = Refusal(
    "draft_exists",
    "У вашей организации уже есть черновик по этому лоту: продолжите его.",
    "Your organisation has a draft for this lot already: go on with that one.",
)


class DraftSaved(Event, readers="auditor"):
    organisation: str


class DraftDestroyed(Event, readers="auditor"):
    organisation: str


class SaveDraft(Command):
    """Keep `content` (what the bidder has filled in) as the organisation's one draft for a lot."""

    id: Id
    competition_id: Id
    lot_id: Id
    content: dict[str, Any] = Field(max_length=200)


class DestroyDraft(Command):
    id: Id


@dataclass(frozen=True)
class Draft:
    status: str = NEW
    organisation: str = ""


draft = Aggregate("Draft", Draft)


@draft.command(SaveDraft, roles={"provider"}, states={NEW, "kept"}, emits=(DraftSaved,))
def save(state: Draft, command: SaveDraft, context: Context) -> Decision:
    organisation = context.actor.organisation
    require(organisation is not None and state.organisation in ("", organisation), NOT_YOURS)
    given = len(canonical.dumps(command.content))
    require(given <= CONTENT_LIMIT, TOO_LARGE, given=given, limit=CONTENT_LIMIT)
    assert organisation is not None
    # Only the first saving is a fact: people's autosaves would fill the log and tell when somebody works on a bid.
    return decided(DraftSaved(organisation=organisation)) if state.status == NEW else decided()


@draft.command(DestroyDraft, roles={"provider", SYSTEM}, states={"kept"}, emits=(DraftDestroyed,))
def destroy(state: Draft, command: DestroyDraft, context: Context) -> Decision:
    require(context.actor.has(SYSTEM) or context.actor.organisation == state.organisation, NOT_YOURS)
    return decided(DraftDestroyed(organisation=state.organisation))


@draft.event(DraftSaved, to="kept")
def _saved(state: Draft, event: DraftSaved) -> Draft:
    return changed(state, organisation=event.organisation)


@draft.event(DraftDestroyed, to="destroyed")
def _destroyed(state: Draft, event: DraftDestroyed) -> Draft:
    return state
