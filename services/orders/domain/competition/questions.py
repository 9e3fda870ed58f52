"""Questions about an announcement: asked by anybody who may bid, answered for all, the asker named to nobody.

Questions are taken until the region's number of working days before the deadline, as it was at publication: a deadline
that moves opens no new round of questions, or it would never come; only an amendment does, since it can be asked about.
A question that is still unanswered shortly before the deadline moves it, visibly and by the calendar (closing.py).
"""

from __future__ import annotations

from dataclasses import dataclass

from kernel.aggregate import Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.instants import to_text
from kernel.refusal import NOT_YOURS, Refusal, require
from services.orders.domain.competition.state import (
    LAW,
    MAX_QUESTIONS,
    Competition,
    Long,
    by_own_officer,
    competition,
)

QUESTIONS_OVER = Refusal(
    "questions_over",
    "Вопросы принимались до {until}.",
    "Questions were taken until {until}.",
    "region.toml question_limit_working_days",
    kind="late",
)
TOO_MANY_QUESTIONS = Refusal(
    "too_many_questions",
    "На конкурс принято {limit} вопросов, больше не принимается.",
    "This competition has taken {limit} questions and takes no more.",
)
QUESTION_UNKNOWN = Refusal(
    "question_unknown",
    "Такого вопроса без ответа нет.",
    "There is no such unanswered question.",
    kind="missing",
)


class QuestionAsked(Event, readers="auditor"):
    """Who asked stands in the envelope alone, which only auditors read."""

    competition_id: Id
    question_id: Id
    text: str


class QuestionAnswered(Event):
    competition_id: Id
    question_id: Id
    text: str
    answer: str


class AskQuestion(Command):
    id: Id
    text: Long


class AnswerQuestion(Command):
    id: Id
    question_id: Id
    answer: Long


@dataclass(frozen=True)
class Asked:
    """The text of the question that is answered, from its row."""

    text: str


@competition.command(AskQuestion, roles={"provider"}, states={"published", "open"}, emits=(QuestionAsked,), ground=LAW)
def ask(state: Competition, command: AskQuestion, context: Context) -> Decision:
    require(context.actor.organisation is not None, NOT_YOURS)
    assert state.questions_until is not None
    # DOMAIN §2: until 3 working days before the deadline (regional), by the instant of receipt.
    require(context.received_at <= state.questions_until, QUESTIONS_OVER, until=to_text(state.questions_until))
    require(state.asked < MAX_QUESTIONS, TOO_MANY_QUESTIONS, limit=MAX_QUESTIONS)
    question_id = context.new_id()
    return decided(
        QuestionAsked(competition_id=context.id, question_id=question_id, text=command.text), question_id=question_id
    )


@competition.command(
    AnswerQuestion, roles={"officer"}, states={"published", "open"}, emits=(QuestionAnswered,), ground=LAW
)
def answer(state: Competition, command: AnswerQuestion, context: Context) -> Decision:
    by_own_officer(state, context)
    asked: Asked | None = context.facts
    require(command.question_id in state.unanswered and asked is not None, QUESTION_UNKNOWN)
    assert asked is not None
    return decided(
        QuestionAnswered(
            competition_id=context.id, question_id=command.question_id, text=asked.text, answer=command.answer
        )
    )


@competition.event(QuestionAsked)
def _asked(state: Competition, event: QuestionAsked) -> Competition:
    return changed(state, asked=state.asked + 1, unanswered=(*state.unanswered, event.question_id))


@competition.event(QuestionAnswered)
def _answered(state: Competition, event: QuestionAnswered) -> Competition:
    return changed(state, unanswered=tuple(q for q in state.unanswered if q != event.question_id))
