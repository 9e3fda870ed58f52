"""What is said about an act of delivery: its commands, its events, its refusals. What they mean is in act.py."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from kernel.aggregate import Command, Event
from kernel.ids import Id
from kernel.money import PositiveKopecks
from kernel.refusal import Refusal

Month = Annotated[str, StringConstraints(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")]
Reason = Annotated[str, StringConstraints(min_length=3, max_length=1000, strip_whitespace=True)]
Side = Literal["provider", "body"]
MAX_QUANTITY = 1_000_000_000
MAX_LINES = 100

AGREEMENT_LAW = "189-FZ art. 22"  # the agreement's parties, price, volume and the order of acceptance
FOUR_EYES_RULE = "four eyes: who made it does not approve it"

AGREEMENT_UNKNOWN = Refusal(
    "agreement_not_active",
    "Соглашение {id} ещё не действует, актов по нему быть не может.",
    "The agreement {id} is not in force yet, so there can be no acts under it.",
    rule=AGREEMENT_LAW,
)
AGREEMENT_OVER = Refusal(
    "agreement_over",
    "Соглашение не действует с {since}: за {month} акт составить нельзя.",
    "The agreement has not been in force since {since}: no act can be made for {month}.",
    rule=AGREEMENT_LAW,
)
OUT_OF_TERM = Refusal(
    "month_out_of_term",
    "Месяц {month} вне срока соглашения ({starts} – {ends}).",
    "The month {month} is outside the agreement's term ({starts} – {ends}).",
    rule=AGREEMENT_LAW,
    kind="invalid",
)
IN_FUTURE = Refusal(
    "month_in_future",
    "Месяц {month} ещё не наступил.",
    "The month {month} has not begun yet.",
    rule="an act states what was delivered",
    kind="invalid",
)
WRONG_SERVICE = Refusal(
    "service_not_agreed",
    "По соглашению оказывается {service_code} ({unit}), а в строке {given}.",
    "The agreement is for {service_code} ({unit}); the line says {given}.",
    rule=AGREEMENT_LAW,
    kind="invalid",
)
WRONG_PRICE = Refusal(
    "price_not_agreed",
    "Цена единицы по соглашению {agreed_kopecks} коп., а в строке {given_kopecks} коп.",
    "The agreement's unit price is {agreed_kopecks} kopecks; the line says {given_kopecks}.",
    rule=AGREEMENT_LAW,
    kind="invalid",
)
VOLUME_EXCEEDED = Refusal(
    "volume_exceeded",
    "Объём соглашения превышен{by}: акты вместе не могут быть больше него.",
    "The agreement's volume is exceeded{by}: its acts together can't be more.",
    rule="189-FZ art. 19: no volume is spent twice",
    details={"by": ""},
)
ACT_EXISTS = Refusal(
    "act_exists",
    "За этот месяц по соглашению уже есть акт; исправить можно только его.",
    "There is an act of this agreement for this month already; only that one can be corrected.",
    rule="one living act per agreement and month",
)
OTHER_ACT = Refusal(
    "act_of_other_month",
    "Этот акт составлен по соглашению {agreement_id} за {month}; для другого нужен новый акт.",
    "This act belongs to the agreement {agreement_id} and the month {month}; another one needs a new act.",
    rule="one living act per agreement and month",
)
FOUR_EYES = Refusal(
    "four_eyes",
    "Подтвердить должен другой человек с другой стороны соглашения.",
    "Somebody else, of the agreement's other side, must approve this.",
    rule=FOUR_EYES_RULE,
    kind="forbidden",
)


class ActLine(BaseModel):
    """A line of an act as it was drafted: `amount_kopecks` = quantity × unit price."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    service_code: str
    unit: str
    quantity: int
    unit_price_kopecks: int
    amount_kopecks: int


class ActDrafted(Event):
    agreement_id: Id
    provider_id: Id
    provider_kind: str
    body_id: Id
    year: int
    month: str
    service_code: str
    form: str
    unit: str
    lines: tuple[ActLine, ...]
    quantity: int
    amount_kopecks: int


class ActSubmitted(Event):
    """`by` is the account that submitted: another one confirms."""

    agreement_id: Id
    quantity: int
    by: str


class ActReturned(Event):
    agreement_id: Id
    quantity: int
    reason: str


class ActDropped(Event):
    agreement_id: Id


class ActConfirmed(Event):
    act_id: Id
    agreement_id: Id
    provider_id: Id
    provider_kind: str
    body_id: Id
    year: int
    month: str
    service_code: str
    form: str
    unit: str
    quantity: int
    amount_kopecks: int
    by: str


class ReversalAsked(Event):
    side: Side
    by: str
    reason: str


class ReversalDeclined(Event):
    reason: str


class ActReversed(Event):
    act_id: Id
    agreement_id: Id
    provider_id: Id
    provider_kind: str
    body_id: Id
    year: int
    month: str
    service_code: str
    quantity: int
    amount_kopecks: int
    reason: str


class NewLine(BaseModel):
    """A line as it is asked for. The price may be left out; where it is given it must be the agreement's."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    service_code: str = Field(min_length=1, max_length=60)
    unit: str = Field(min_length=1, max_length=60)
    quantity: int = Field(ge=1, le=MAX_QUANTITY)
    unit_price_kopecks: PositiveKopecks | None = None


class DraftAct(Command):
    """A new act, or other lines for one that is a draft or was returned."""

    id: Id
    agreement_id: Id
    month: Month
    lines: list[NewLine] = Field(min_length=1, max_length=MAX_LINES)


class SubmitAct(Command):
    id: Id


class ConfirmAct(Command):
    id: Id


class ReturnAct(Command):
    id: Id
    reason: Reason


class DropAct(Command):
    """Give up a draft or a returned act, so that the month is free for another."""

    id: Id


class AskReversal(Command):
    id: Id
    reason: Reason


class ConfirmReversal(Command):
    id: Id


class DeclineReversal(Command):
    id: Id
    reason: Reason
