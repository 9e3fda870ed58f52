"""Terms and grounds of the register's decisions: on which paragraph, on which day, until when, and how that was counted.

A region's files name the grounds and the working days. An event carries the ground's law and words as they were, the
last day of the term that it begins with the explanation of that day, and of the term that it answers whether it kept it.
So nothing of a decision changes when the files do, and a replay counts every day again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, StringConstraints

from kernel.aggregate import Context
from kernel.instants import Instant
from kernel.refusal import Refusal, require

if TYPE_CHECKING:
    from services.registry.rules import Rules

TermKind = Literal[
    "decision", "correction", "remedy", "remedy_decision", "appeal", "proposal_decision", "proposal_correction"
]
Verdict = Literal[
    "returned", "included", "refused", "suspended", "upheld", "restored", "excluded", "withdrawn",
    "proposal_returned", "proposal_approved", "proposal_refused",
]  # fmt: skip

DAYS: Mapping[TermKind, str] = {
    "decision": "application_decision_working_days",
    "correction": "application_correction_working_days",
    "remedy": "remedy_working_days",
    "remedy_decision": "remedy_decision_working_days",
    "appeal": "appeal_working_days",
    "proposal_decision": "proposal_decision_working_days",
    "proposal_correction": "proposal_correction_working_days",
}
"""How many working days a term has: the name in the region's [days]."""

AFTER_THE_LAST_SECOND = timedelta(seconds=1)
GroundCode = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]

GROUND_UNKNOWN = Refusal(
    "ground_unknown",
    "Основания «{given}» для этого решения нет в настройках региона. Есть: {known}.",
    "The region's configuration has no ground “{given}” for this decision. There are: {known}.",
    "region/grounds.toml",
    kind="invalid",
)
GROUND_NEEDED = Refusal(
    "ground_needed",
    "Назовите основание решения. Есть: {known}.",
    "Name the ground of the decision. There are: {known}.",
    "region/grounds.toml",
    kind="invalid",
)
TERM_RUNS = Refusal(
    "term_still_runs",
    "Это основание действует, только когда срок пропущен. Срок: {last_day}.",
    "This ground holds only after the term was missed. The term: {last_day}.",
    "region/grounds.toml",
)


@dataclass(frozen=True)
class Ground:
    """A ground of `region/grounds.toml`. `after`: the term that must have been missed first; "" for none."""

    code: str
    verdicts: frozenset[str]
    law: str
    words: Mapping[str, str]
    after: str = ""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Dated(_Part):
    """`day`: when it was done, by the region's own calendar."""

    day: str = ""


class Grounded(Dated):
    """A decision's ground: its code, its law and its words in both languages, of this version of the region's files."""

    ground_code: str = ""
    ground: str = ""
    ground_words: dict[str, str] = {}
    region_version: str = ""


class Opens(_Part):
    """The term that begins: until the last second of its last day; `deadline_explanation` counts it
    (kernel.calendar.Deadline), `explained` says that in both languages."""

    term: TermKind | None = None
    until: Instant | None = None
    deadline_explanation: dict[str, Any] | None = None
    explained: dict[str, str] = {}


class Answers(_Part):
    """The term that is answered: its last day, and whether it was kept."""

    answers: TermKind | None = None
    asked_by: str = ""
    in_time: bool | None = None


class Waiting(Protocol):
    """What of an entry's state says which term runs. `term`: "" for none; `missed`: the term that was missed."""

    @property
    def term(self) -> str: ...
    @property
    def last_day(self) -> str: ...
    @property
    def missed(self) -> str: ...


def local_day(now: datetime, zone: str) -> str:
    return now.astimezone(ZoneInfo(zone)).date().isoformat()


def grounded(state: Waiting, verdict: Verdict, code: str | None, context: Context) -> dict[str, Any]:
    """The fields of Grounded. A ground left out is the region's only one for this verdict; else it must be named."""
    rules: Rules = context.rules
    known = {ground.code: ground for ground in rules.grounds.values() if verdict in ground.verdicts}
    listed = ", ".join(sorted(known))
    if code is None:
        require(len(known) == 1, GROUND_NEEDED, known=listed)
    else:
        require(code in known, GROUND_UNKNOWN, given=code, known=listed)
    ground = known[code] if code else next(iter(known.values()))
    require(not ground.after or state.missed == ground.after, TERM_RUNS, last_day=state.last_day or "—")
    return {
        "day": local_day(context.now, rules.zone),
        "ground_code": ground.code,
        "ground": ground.law,
        "ground_words": dict(ground.words),
        "region_version": rules.version,
    }


def opened(kind: TermKind, context: Context) -> dict[str, Any]:
    """The fields of Opens: the region's working days of that term, counted from now."""
    rules: Rules = context.rules
    deadline = rules.calendar.add_working_days(context.now, rules.days[DAYS[kind]], rules.zone)
    return {
        "term": kind,
        "until": deadline.at,
        "deadline_explanation": deadline.to_json(),
        "explained": {"ru": deadline.explain("ru"), "en": deadline.explain("en")},
    }


def answered(state: Waiting, day: str, kind: TermKind) -> dict[str, Any]:
    """The fields of Answers: nothing where no such term runs."""
    if state.term != kind:
        return {"answers": None, "asked_by": "", "in_time": None}
    return {"answers": kind, "asked_by": state.last_day, "in_time": day <= state.last_day}
