"""A social order: for one service and one year, a volume split by way of execution.

Guarantees: the three ways always add up to the volume and the lots to the competition's way (189-FZ art. 19: volume
given to one way is not spent again by another); who prepared an order or its correction doesn't approve it; a
correction keeps what a living competition offers and what agreements have taken.

`formed → approved → closed`; a correction leads back to `formed`, because the new figures need approval too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field

from kernel.aggregate import NEW, Aggregate, Command, Context, Decision, Event, changed, decided
from kernel.ids import Id
from kernel.money import Kopecks, PositiveKopecks
from kernel.refusal import NOT_YOURS, Refusal, require

LAW = "189-FZ art. 19"
MAX_VOLUME = 10**9
MAX_LOTS = 50  # what an event may hold; a region may allow fewer

SERVICE_UNKNOWN = Refusal(
    "service_unknown",
    "Услуги {code} нет в каталоге на {year} год.",
    "The catalogue for {year} has no service {code}.",
    "442-FZ art. 20",
    kind="invalid",
)
SPLIT_UNEQUAL = Refusal(
    "split_unequal",
    "Задание {by_assignment}, конкурс {by_competition} и сертификаты {by_certificate} в сумме не равны {volume}.",
    "Assignment {by_assignment}, competition {by_competition}, certificates {by_certificate} don't add up to {volume}.",
    LAW,
    kind="invalid",
)
LOTS_UNEQUAL = Refusal(
    "lots_unequal",
    "Объёмы лотов в сумме {lots}, а на конкурс отдано {by_competition}.",
    "The lots add up to {lots}, but {by_competition} is given to the competition.",
    LAW,
    kind="invalid",
)
TOO_MANY_LOTS = Refusal(
    "too_many_lots",
    "Лотов {count}, а в одном заказе их не больше {limit}.",
    "There are {count} lots; an order may have {limit}.",
    "region.toml: limits.lots_per_order",
    kind="invalid",
)
LOT_TWICE = Refusal("lot_twice", "Лот {lot_id} назван дважды.", "Lot {lot_id} is named twice.", LAW, kind="invalid")
LOT_ELSEWHERE = Refusal(
    "lot_elsewhere",
    "Лот с таким номером записи уже есть в другом заказе.",
    "A lot with this id is in another order already.",
    LAW,
)
LIMIT_ABOVE_COST = Refusal(
    "limit_above_cost",
    "Предельная цена лота «{title}» {limit_price_kopecks} коп. выше нормативных затрат {cost_kopecks} коп.",
    "The limit price of the lot “{title}”, {limit_price_kopecks} kopecks, is above the normative cost {cost_kopecks}.",
    "189-FZ art. 20; region/catalogue.toml",
    kind="invalid",
)
OWN_WORK = Refusal(
    "four_eyes",
    "Утверждает не тот, кто готовил.",
    "Who prepared it doesn't approve it.",
    "four eyes",
    kind="forbidden",
)
LOT_LIVES = Refusal(
    "lot_lives",
    "Лот {number} идёт в конкурсе: его объём, цена и название остаются.",
    "Lot {number} is in a living competition: its volume, price and title stay.",
    LAW,
)
LOT_AGREED = Refusal(
    "lot_agreed",
    "По лоту {number} уже заключены соглашения на {agreed_volume}: меньше сделать нельзя.",
    "Agreements have taken {agreed_volume} of lot {number}: it can't become less.",
    LAW,
)


# -- values -----------------------------------------------------------------------------------------------------------


class OrderLot(BaseModel):
    """A part of the volume that is offered by competition; `limit_price_kopecks` is per unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    lot_id: Id
    title: str = Field(min_length=3, max_length=300)
    volume: int = Field(gt=0, le=MAX_VOLUME)
    limit_price_kopecks: PositiveKopecks


class NumberedLot(OrderLot):
    """A lot as the order holds it: its number in the order stays, whatever is added or taken out."""

    number: int


@dataclass(frozen=True)
class LotNow:
    """What the lot's row says under its lock: whether a competition lives on it, how much agreements have taken."""

    lot_id: str
    number: int
    title: str
    volume: int
    limit_price_kopecks: int
    living: bool
    agreed_volume: int


class CatalogueService(Protocol):
    """A service of the region's catalogue in the version that holds for a year."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def form(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def cost_kopecks(self) -> int: ...
    @property
    def standard_version(self) -> str: ...
    @property
    def valid_from(self) -> date: ...


def service_in(catalogue: Mapping[str, Sequence[CatalogueService]], code: str, year: int) -> CatalogueService:
    """The newest version of the service `code` that is valid in `year`; refused where there is none."""
    valid = [version for version in catalogue.get(code, ()) if version.valid_from.year <= year]
    require(bool(valid), SERVICE_UNKNOWN, code=code, year=year)
    return max(valid, key=lambda version: version.valid_from)


# -- events -----------------------------------------------------------------------------------------------------------


class SocialOrderFormed(Event):
    number: str
    body_id: Id
    body_name: str
    year: int
    territory: str
    service_code: str
    service_name: str
    unit: str
    form: str
    service_kind: str
    standard_version: str
    cost_kopecks: Kopecks
    volume: int
    by_assignment: int
    by_competition: int
    by_certificate: int
    lots: tuple[NumberedLot, ...]
    formed_by: str


class SocialOrderApproved(Event):
    approved_by: str


class SocialOrderCorrected(Event):
    volume: int
    by_assignment: int
    by_competition: int
    by_certificate: int
    lots: tuple[NumberedLot, ...]
    reason: str
    corrected_by: str


class SocialOrderClosed(Event):
    reason: str


# -- commands ---------------------------------------------------------------------------------------------------------


class Split(Command):
    """The volume and its three ways, in the service's unit."""

    volume: int = Field(gt=0, le=MAX_VOLUME)
    by_assignment: int = Field(ge=0, le=MAX_VOLUME)
    by_competition: int = Field(ge=0, le=MAX_VOLUME)
    by_certificate: int = Field(ge=0, le=MAX_VOLUME)
    lots: tuple[OrderLot, ...] = Field(max_length=MAX_LOTS)


class FormSocialOrder(Split):
    id: Id
    body_name: str = Field(min_length=2, max_length=300)
    year: int = Field(ge=2000, le=2200)
    territory: str = Field(min_length=1, max_length=100)
    service_code: str = Field(min_length=1, max_length=40)


class ApproveSocialOrder(Command):
    id: Id


class CorrectSocialOrder(Split):
    id: Id
    reason: str = Field(min_length=5, max_length=1000)


class CloseSocialOrder(Command):
    id: Id
    reason: str = Field(min_length=5, max_length=1000)


# -- state and decisions ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SocialOrder:
    status: str = NEW
    number: str = ""
    body_id: str = ""
    year: int = 0
    service_code: str = ""
    cost_kopecks: int = 0
    volume: int = 0
    by_assignment: int = 0
    by_competition: int = 0
    by_certificate: int = 0
    lots: tuple[NumberedLot, ...] = ()
    last_lot: int = 0
    prepared_by: str = ""


social_order = Aggregate("SocialOrder", SocialOrder)


@social_order.command(FormSocialOrder, roles={"officer"}, states={NEW}, emits=(SocialOrderFormed,), ground=LAW)
def form(state: SocialOrder, command: FormSocialOrder, context: Context) -> Decision:
    """`context.facts` is the number that was drawn."""
    require(context.actor.organisation is not None, NOT_YOURS)
    service = service_in(context.rules.catalogue, command.service_code, command.year)
    check_split(command, service.cost_kopecks, context.rules.limits["lots_per_order"])
    number = str(context.facts)
    event = SocialOrderFormed(
        number=number,
        body_id=str(context.actor.organisation),
        body_name=command.body_name,
        year=command.year,
        territory=command.territory,
        service_code=command.service_code,
        service_name=service.name,
        unit=service.unit,
        form=service.form,
        service_kind=service.kind,
        standard_version=service.standard_version,
        cost_kopecks=service.cost_kopecks,
        formed_by=context.actor.id,
        **_figures(state, command),
    )
    return decided(event, number=number)


@social_order.command(
    ApproveSocialOrder, roles={"officer"}, states={"formed"}, emits=(SocialOrderApproved,), ground=LAW
)
def approve(state: SocialOrder, command: ApproveSocialOrder, context: Context) -> Decision:
    _of_body(state, context)
    require(context.actor.id != state.prepared_by, OWN_WORK)
    return decided(SocialOrderApproved(approved_by=context.actor.id))


@social_order.command(
    CorrectSocialOrder, roles={"officer"}, states={"formed", "approved"}, emits=(SocialOrderCorrected,), ground=LAW
)
def correct(state: SocialOrder, command: CorrectSocialOrder, context: Context) -> Decision:
    """`context.facts` is the lots' rows (`LotNow`), locked."""
    _of_body(state, context)
    check_split(command, state.cost_kopecks, context.rules.limits["lots_per_order"])
    _check_kept(command.lots, context.facts)
    return decided(
        SocialOrderCorrected(reason=command.reason, corrected_by=context.actor.id, **_figures(state, command))
    )


@social_order.command(
    CloseSocialOrder, roles={"officer"}, states={"formed", "approved"}, emits=(SocialOrderClosed,), ground=LAW
)
def close(state: SocialOrder, command: CloseSocialOrder, context: Context) -> Decision:
    """`context.facts` is the lots' rows (`LotNow`), locked."""
    _of_body(state, context)
    for lot in context.facts:
        require(not lot.living, LOT_LIVES, number=lot.number)
    return decided(SocialOrderClosed(reason=command.reason))


def check_split(split: Split, cost_kopecks: int, max_lots: int) -> None:
    """Refuse a split that doesn't add up, too many lots, one named twice, or a price above the normative cost."""
    require(len(split.lots) <= max_lots, TOO_MANY_LOTS, count=len(split.lots), limit=max_lots)
    # 189-FZ art. 19: volume given to the assignment is not spent again.
    ways = split.by_assignment + split.by_competition + split.by_certificate
    require(
        ways == split.volume,
        SPLIT_UNEQUAL,
        volume=split.volume,
        by_assignment=split.by_assignment,
        by_competition=split.by_competition,
        by_certificate=split.by_certificate,
    )
    lots = sum(lot.volume for lot in split.lots)
    require(lots == split.by_competition, LOTS_UNEQUAL, lots=lots, by_competition=split.by_competition)
    seen: set[str] = set()
    for lot in split.lots:
        require(lot.lot_id not in seen, LOT_TWICE, lot_id=lot.lot_id)
        seen.add(lot.lot_id)
        require(
            lot.limit_price_kopecks <= cost_kopecks,
            LIMIT_ABOVE_COST,
            title=lot.title,
            limit_price_kopecks=lot.limit_price_kopecks,
            cost_kopecks=cost_kopecks,
        )


def _check_kept(lots: Sequence[OrderLot], now: Iterable[LotNow]) -> None:
    wanted = {lot.lot_id: lot for lot in lots}
    for row in now:
        lot = wanted.get(row.lot_id)
        if row.living:
            same = lot is not None and (lot.volume, lot.limit_price_kopecks, lot.title) == (
                row.volume,
                row.limit_price_kopecks,
                row.title,
            )
            require(same, LOT_LIVES, number=row.number)
        enough = row.agreed_volume == 0 or (lot is not None and lot.volume >= row.agreed_volume)
        require(enough, LOT_AGREED, number=row.number, agreed_volume=row.agreed_volume)


def _figures(state: SocialOrder, split: Split) -> dict[str, Any]:
    known = {lot.lot_id: lot.number for lot in state.lots}
    fresh = itertools.count(state.last_lot + 1)
    lots = [
        NumberedLot(number=known[lot.lot_id] if lot.lot_id in known else next(fresh), **lot.model_dump())
        for lot in split.lots
    ]
    return {
        "volume": split.volume,
        "by_assignment": split.by_assignment,
        "by_competition": split.by_competition,
        "by_certificate": split.by_certificate,
        "lots": tuple(lots),
    }


def _of_body(state: SocialOrder, context: Context) -> None:
    require(context.actor.organisation == state.body_id, NOT_YOURS)


# -- what events change -----------------------------------------------------------------------------------------------


@social_order.event(SocialOrderFormed, to="formed")
def _formed(state: SocialOrder, event: SocialOrderFormed) -> SocialOrder:
    return changed(
        state,
        number=event.number,
        body_id=event.body_id,
        year=event.year,
        service_code=event.service_code,
        cost_kopecks=event.cost_kopecks,
        volume=event.volume,
        by_assignment=event.by_assignment,
        by_competition=event.by_competition,
        by_certificate=event.by_certificate,
        lots=event.lots,
        last_lot=max([state.last_lot, *(lot.number for lot in event.lots)]),
        prepared_by=event.formed_by,
    )


@social_order.event(SocialOrderApproved, to="approved")
def _approved(state: SocialOrder, event: SocialOrderApproved) -> SocialOrder:
    return state


@social_order.event(SocialOrderCorrected, to="formed")
def _corrected(state: SocialOrder, event: SocialOrderCorrected) -> SocialOrder:
    return changed(
        state,
        volume=event.volume,
        by_assignment=event.by_assignment,
        by_competition=event.by_competition,
        by_certificate=event.by_certificate,
        lots=event.lots,
        last_lot=max([state.last_lot, *(lot.number for lot in event.lots)]),
        prepared_by=event.corrected_by,
    )


@social_order.event(SocialOrderClosed, to="closed")
def _closed(state: SocialOrder, event: SocialOrderClosed) -> SocialOrder:
    return state
