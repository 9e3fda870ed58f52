"""The cancellation, by the competition's own body and with a reason told to all, as long as nobody has won.

189-FZ art. 19: the lots' volume is free again. What is sealed stays sealed: a custodian releases its layers for a closing
alone, and whatever it has released by then opens nothing any more. Complaints about the result that is no more are
declined with it. Once volume is awarded, agreements are voided one by one instead.
"""

from __future__ import annotations

from kernel.aggregate import Command, Context, Decision, decided
from kernel.ids import Id
from services.orders.domain.competition.announcement import CompetitionCancelled
from services.orders.domain.competition.complaint import ComplaintDeclined, superseded
from services.orders.domain.competition.state import LAW, Competition, Long, by_own_officer, competition


class CancelCompetition(Command):
    id: Id
    reason: Long


@competition.command(
    CancelCompetition,
    roles={"officer"},
    states={"draft", "published", "open", "closed", "opened", "evaluation", "standstill"},
    emits=(ComplaintDeclined, CompetitionCancelled),
    ground=LAW,
)
def cancel(state: Competition, command: CancelCompetition, context: Context) -> Decision:
    by_own_officer(state, context)
    others = superseded(state, context.id, "Конкурс отменён.")
    return decided(*others, CompetitionCancelled(competition_id=context.id, reason=command.reason))
