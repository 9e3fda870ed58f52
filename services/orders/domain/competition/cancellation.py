"""The cancellation, by the competition's own body and with a reason told to all: at every stage before the agreements.

189-FZ art. 19: the lots' volume is free again. What is sealed stays sealed: a custodian releases its layers for a closing
alone, and whatever it has released by then opens nothing any more. Complaints about the result that is no more are
declined with it. Winners that have no agreement yet lose their award; where one is drawn up it has to be voided first, so
that nobody is left holding money or places for nothing.
"""

from __future__ import annotations

from kernel.aggregate import Command, Context, Decision, decided
from kernel.ids import Id
from kernel.refusal import Refusal, require
from services.orders.domain.competition.announcement import CompetitionCancelled
from services.orders.domain.competition.complaint import ComplaintDeclined, superseded
from services.orders.domain.competition.state import LAW, Competition, Long, by_own_officer, competition

AGREEMENTS_LIVE = Refusal(
    "agreements_live",
    "По конкурсу составлены соглашения: {count}. Сначала признайте их незаключёнными.",
    "Agreements of the competition have been drawn up: {count}. Void them first.",
    LAW,
)


class CancelCompetition(Command):
    id: Id
    reason: Long


@competition.command(
    CancelCompetition,
    roles={"officer"},
    states={"draft", "published", "open", "closed", "opened", "evaluation", "standstill", "awarded"},
    emits=(ComplaintDeclined, CompetitionCancelled),
    ground=LAW,
)
def cancel(state: Competition, command: CancelCompetition, context: Context) -> Decision:
    """`context.facts`: how many agreements of the competition live, with the lots of its awards locked."""
    by_own_officer(state, context)
    require(not context.facts, AGREEMENTS_LIVE, count=context.facts)
    others = superseded(state, context.id, "Конкурс отменён.")
    return decided(*others, CompetitionCancelled(competition_id=context.id, reason=command.reason))
