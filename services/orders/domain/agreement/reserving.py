"""Drafting an agreement from an award, and the reservation of its money and places: decisions until it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from kernel.aggregate import NEW, Context, Decision, Due, decided
from kernel.money import check_bounded
from kernel.refusal import NOT_YOURS, Refusal, require
from services.orders.domain.agreement.events import (
    AgreementDrafted,
    AgreementSent,
    LatePlacesKept,
    PlacesRequested,
    ReservationFailed,
    ReservationRequested,
    ReservationTimedOut,
    Step,
)
from services.orders.domain.agreement.state import (
    BEFORE_ACTIVE,
    BUDGET_LAW,
    LAW,
    AcceptBudget,
    AcceptPlaces,
    Agreement,
    AwardNow,
    DraftAgreement,
    LapseSigning,
    RequestReservation,
    TakeBudgetRefusal,
    TakePlacesRefusal,
    TimeOutReservation,
    agreement,
    of_body,
)
from services.orders.domain.competition.closing import GRACE
from services.orders.rules import Rules

VOLUME_SPENT = Refusal(
    "volume_spent",
    "В лоте осталось {free}, а соглашение берёт {volume}: один объём не тратится дважды.",
    "The lot has {free} left and the agreement takes {volume}: no volume is spent twice.",
    "189-FZ art. 19",
)
ALREADY_DRAFTED = Refusal(
    "award_has_agreement",
    "По этому решению о победителе соглашение уже составлено.",
    "This award has its agreement already.",
    LAW,
)
AWARD_CANCELLED = Refusal(
    "award_cancelled",
    "Конкурс отменён: его победителям соглашения не составляются.",
    "The competition was cancelled: no agreements are drawn up for its winners.",
    LAW,
)
BAD_DATES = Refusal(
    "dates_invalid",
    "Срок {starts} — {ends} не годится: начало не позже конца, оба в {year} году.",
    "The term {starts} to {ends} doesn't do: it starts before it ends, both in {year}.",
    "Budget Code art. 72",
    kind="invalid",
)


@agreement.command(DraftAgreement, roles={"officer"}, states={NEW}, emits=(AgreementDrafted,), ground=LAW)
def draft(state: Agreement, command: DraftAgreement, context: Context) -> Decision:
    award: AwardNow = context.facts
    require(context.actor.organisation == award.body_id, NOT_YOURS)
    require(award.competition_status != "cancelled", AWARD_CANCELLED)
    _check_dates(command.starts, command.ends, award.year)
    require(award.volume <= award.lot_free, VOLUME_SPENT, free=award.lot_free, volume=award.volume)
    event = AgreementDrafted(
        number=award.number,
        competition_id=award.competition_id,
        award_id=command.award_id,
        bid_id=award.bid_id,
        order_id=award.order_id,
        lot_id=award.lot_id,
        body_id=award.body_id,
        provider_id=award.provider_id,
        provider_kind=award.provider_kind,
        territory=award.territory,
        service_code=award.service_code,
        service_kind=award.service_kind,
        form=award.form,
        unit=award.unit,
        volume=award.volume,
        unit_price_kopecks=award.unit_price_kopecks,
        amount_kopecks=price_of(award.volume, award.unit_price_kopecks),
        year=award.year,
        starts=command.starts,
        ends=command.ends,
        places=command.places,
        drafted_by=context.actor.id,
    )
    return decided(event, number=award.number, amount_kopecks=event.amount_kopecks)


def price_of(volume: int, unit_price_kopecks: int) -> int:
    """What `volume` units cost, in kopecks; refused above the bound of all money."""
    return check_bounded(volume * unit_price_kopecks)


@agreement.computes(AgreementDrafted)
def _drafted_again(state: Agreement, event: AgreementDrafted) -> Mapping[str, Any]:
    return {"amount_kopecks": price_of(event.volume, event.unit_price_kopecks)}


@agreement.command(
    RequestReservation, roles={"officer"}, states={"draft"}, emits=(ReservationRequested,), ground=BUDGET_LAW
)
def request_reservation(state: Agreement, command: RequestReservation, context: Context) -> Decision:
    of_body(state, context)
    attempt = state.attempt + 1
    deadline = context.now + timedelta(hours=context.rules.reservation_timeout_hours)
    event = ReservationRequested(
        agreement_id=context.id,
        body_id=state.body_id,
        year=state.year,
        amount_kopecks=state.amount_kopecks,
        provider_id=state.provider_id,
        attempt=attempt,
        deadline=deadline,
    )
    return decided(event, due=(Due(deadline, TimeOutReservation(id=context.id, attempt=attempt)),), attempt=attempt)


@agreement.command(AcceptBudget, roles={"system"}, states={"*"}, emits=(PlacesRequested, AgreementSent))
def accept_budget(state: Agreement, command: AcceptBudget, context: Context) -> Decision:
    if not _awaited(state, "budget", command.attempt):
        return decided()
    if state.places_held:
        return _sent(state, context)
    return decided(
        PlacesRequested(
            agreement_id=context.id,
            provider_id=state.provider_id,
            form=state.form,
            places=state.places,
            attempt=state.attempt,
        )
    )


@agreement.command(TakeBudgetRefusal, roles={"system"}, states={"*"}, emits=(ReservationFailed,))
def take_budget_refusal(state: Agreement, command: TakeBudgetRefusal, context: Context) -> Decision:
    if not _awaited(state, "budget", command.attempt):
        return decided()
    return decided(_failed(state, context, command.reason))


@agreement.command(AcceptPlaces, roles={"system"}, states={"*"}, emits=(AgreementSent, LatePlacesKept))
def accept_places(state: Agreement, command: AcceptPlaces, context: Context) -> Decision:
    if state.places_held or state.status not in BEFORE_ACTIVE:
        return decided()
    if state.waiting_for == "places":
        return _sent(state, context)
    return decided(LatePlacesKept(agreement_id=context.id, provider_id=state.provider_id))


@agreement.command(TakePlacesRefusal, roles={"system"}, states={"*"}, emits=(ReservationFailed,))
def take_places_refusal(state: Agreement, command: TakePlacesRefusal, context: Context) -> Decision:
    if not _awaited(state, "places", command.attempt):
        return decided()
    return decided(_failed(state, context, command.reason))


@agreement.command(TimeOutReservation, roles={"system"}, states={"*"}, emits=(ReservationTimedOut,))
def time_out(state: Agreement, command: TimeOutReservation, context: Context) -> Decision:
    if state.status != "reserving" or state.attempt != command.attempt:
        return decided()
    return decided(
        ReservationTimedOut(
            agreement_id=context.id,
            body_id=state.body_id,
            year=state.year,
            provider_id=state.provider_id,
            attempt=state.attempt,
            step=state.waiting_for,
        )
    )


def _sent(state: Agreement, context: Context) -> Decision:
    """Money and places are held: the provider has the region's days to sign."""
    rules: Rules = context.rules
    until = rules.calendar.add_working_days(context.now, rules.days["agreement_signing_working_days"], rules.zone)
    event = AgreementSent(
        agreement_id=context.id,
        provider_id=state.provider_id,
        sign_by=until.at,
        explanation=until.to_json(),
        explained={"ru": until.explain("ru"), "en": until.explain("en")},
        calendar_version=until.calendar_version,
    )
    return decided(event, due=(Due(until.at + GRACE, LapseSigning(id=context.id, attempt=state.attempt)),))


def _awaited(state: Agreement, step: Step, attempt: int) -> bool:
    return state.waiting_for == step and state.attempt == attempt


def _failed(state: Agreement, context: Context, reason: str) -> ReservationFailed:
    return ReservationFailed(
        agreement_id=context.id,
        body_id=state.body_id,
        year=state.year,
        provider_id=state.provider_id,
        attempt=state.attempt,
        step=state.waiting_for,
        reason=reason,
    )


def _check_dates(starts: str, ends: str, year: int) -> None:
    try:
        first, last = date.fromisoformat(starts), date.fromisoformat(ends)
        fits = first <= last and first.year == last.year == year
    except ValueError:
        fits = False
    # Budget Code art. 72: obligations are taken within the limits of their year.
    require(fits, BAD_DATES, starts=starts, ends=ends, year=year)
