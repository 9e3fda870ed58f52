"""Months of delivery: acts drafted, returned, accepted, reversed; and the money that follows them.

Acts are made by their providers side by side; each is accepted by an officer of the body, prepared for payment by one
treasurer, approved by another, sent and settled, some days later each.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from app.demo import agreements
from app.demo.agreements import Agreement, drafter_of, signer_of, staff_of
from app.demo.data import pick
from app.demo.world import Data, World
from kernel.ids import derived_id, new_id

MONTHS = (3, 4, 5)
PAYDAYS = 2  # of a month
OF_THE_YEAR = 10  # agreements run from March to December


def deliver(world: World) -> str:
    """Three months; in the second an agreement is suspended, in the third an act is reversed before it is paid."""
    _refuse_bad_acts(world, agreements.active(world)[0])
    lines = []
    for month in MONTHS:
        lines.append(_month(world, month))
    _reverse_paid(world)
    acts = list(world.every(world.people["auditor"], "providers.acts", limit=200))
    world.facts["acts"] = len(acts)
    return "; ".join(lines)


def _month(world: World, month: int) -> str:
    """The acts of a month are made on the first days of the next one, and paid in the days after."""
    suspended = None
    if month == MONTHS[1]:
        suspended = agreements.suspend(world)
    world.move_to(month + 1, 2)
    running = agreements.active(world)
    text = f"{world.season.year}-{month:02d}"
    jobs = [partial(_deliver, world, agreement, text, month) for agreement in running]
    world.each(jobs)
    world.settle()
    if suspended is not None:
        _refuse_while_suspended(world, suspended, month + 1)
        agreements.resume(world, suspended)
    if month == MONTHS[-1]:
        _reverse_unpaid(world, running[1], text)
    paid = _pay(world, month)
    return f"{text}: {len(running)} acts, {paid} paid"


def _deliver(world: World, agreement: Agreement, month: str, number: int) -> None:
    """An act from draft to accepted; every ninth is returned once and corrected."""
    staff, officer = staff_of(world, agreement["provider_id"]), signer_of(world, agreement)
    act_id = _draft(world, agreement, month)
    this: Data = {"id": act_id}
    world.do(staff, "providers.submit_act", **this)
    if pick(9, "returned", agreement["number"], month) == 0:
        world.do(officer, "providers.return_act", **this, reason="не приложен список получателей")
        _draft(world, agreement, month)
        world.do(staff, "providers.submit_act", **this)
    world.do(officer, "providers.confirm_act", **this)


def _draft(world: World, agreement: Agreement, month: str) -> str:
    quantity = max(1, agreement["volume"] * (9 + pick(2, "pace", agreement["number"], month)) // 10 // OF_THE_YEAR)
    line = {"service_code": agreement["service_code"], "unit": agreement["unit"], "quantity": quantity}
    act_id = derived_id("demo-act", agreement["agreement_id"], month)
    staff = staff_of(world, agreement["provider_id"])
    return world.do(staff, "providers.draft_act", id=act_id, agreement_id=agreement["agreement_id"], month=month,
                    lines=[line]).id  # fmt: skip


# -- money ------------------------------------------------------------------------------------------------------------


def _pay(world: World, month: int) -> int:
    """Prepare, approve, send and settle every registered invoice, the later the larger its number of days."""
    first, second = world.people["treasurer_1"], world.people["treasurer_2"]
    invoices = list(world.every(first, "billing.invoices", status="registered", limit=200))
    invoices.sort(key=lambda each: (str(each["provider_kind"]), each["amount_kopecks"], each["invoice_id"]))
    _refuse_bad_payments(world, invoices[0])
    for days, part in enumerate(_in_parts(invoices, PAYDAYS)):
        world.each([partial(_approve, world, each["invoice_id"]) for each in part])
        world.move_to(month + 1, 5 + 3 * days)
        world.each([partial(world.do, second, "billing.send_payment", id=each["invoice_id"]) for each in part])
        world.move_to(month + 1, 6 + 3 * days)
        paid_on = f"{world.season.year}-{month + 1:02d}-{6 + 3 * days:02d}"
        settle = partial(world.do, first, "billing.settle_payment", settled_on=paid_on)
        world.each([partial(settle, id=each["invoice_id"]) for each in part])
    world.settle()
    return len(invoices)


def _in_parts(items: list[Any], number: int) -> list[list[Any]]:
    return [items[start::number] for start in range(number)]


def _approve(world: World, invoice_id: str) -> None:
    world.do(world.people["treasurer_1"], "billing.prepare_invoice", id=invoice_id)
    world.do(world.people["treasurer_2"], "billing.approve_invoice", id=invoice_id)


def _refuse_bad_payments(world: World, invoice: dict[str, Any]) -> None:
    treasurer = world.people["treasurer_1"]
    this: Data = {"id": invoice["invoice_id"]}
    world.refused(treasurer, "billing.send_payment", "wrong_state", **this)
    world.refused(world.people["department_1"], "billing.prepare_invoice", "forbidden_role", **this)
    world.do(treasurer, "billing.prepare_invoice", **this)
    world.refused(treasurer, "billing.approve_invoice", "four_eyes", **this)
    world.do(world.people["treasurer_2"], "billing.return_invoice", **this, reason="уточните реквизиты")


# -- what goes wrong --------------------------------------------------------------------------------------------------


def _refuse_bad_acts(world: World, agreement: Agreement) -> None:
    staff, officer = staff_of(world, agreement["provider_id"]), signer_of(world, agreement)
    line = {"service_code": agreement["service_code"], "unit": agreement["unit"], "quantity": 1}
    good = {"agreement_id": agreement["agreement_id"], "month": f"{world.season.year}-03", "lines": [line]}
    draft = partial(world.refused, staff, "providers.draft_act")
    draft("month_in_future", **{**good, "month": f"{world.season.year}-09"})
    draft("month_out_of_term", **{**good, "month": f"{world.season.year}-02"})
    draft("price_not_agreed", **{**good, "lines": [{**line, "unit_price_kopecks": 1}]})
    draft("service_not_agreed", **{**good, "lines": [{**line, "service_code": "XXX-99"}]})
    draft("agreement_not_active", **{**good, "agreement_id": new_id()})
    world.refused(officer, "providers.draft_act", "forbidden_role", **good)
    stranger = next(p.staff for p in world.providers.values() if p.staff.token and p.staff is not staff)
    world.refused(stranger, "providers.draft_act", "not_yours", **good)
    over = {**good, "lines": [{**line, "quantity": agreement["volume"] + 1}]}
    made = world.do(staff, "providers.draft_act", **over)
    world.refused(staff, "providers.submit_act", "volume_exceeded", id=made.id)
    world.refused(officer, "providers.confirm_act", "wrong_state", id=made.id)
    world.refused(staff, "providers.draft_act", "act_exists", **good)
    world.do(staff, "providers.drop_act", id=made.id)


def _refuse_while_suspended(world: World, agreement: Agreement, month: int) -> None:
    line = {"service_code": agreement["service_code"], "unit": agreement["unit"], "quantity": 1}
    world.refused(staff_of(world, agreement["provider_id"]), "providers.draft_act", "agreement_over",
                  agreement_id=agreement["agreement_id"], month=f"{world.season.year}-{month:02d}",
                  lines=[line])  # fmt: skip


def _reverse_unpaid(world: World, agreement: Agreement, month: str) -> None:
    """An accepted act turns out wrong before it is paid: both sides reverse it, and a right one is made."""
    staff, officer = staff_of(world, agreement["provider_id"]), drafter_of(world, agreement)
    this: Data = {"id": derived_id("demo-act", agreement["agreement_id"], month)}
    world.do(officer, "providers.ask_reversal", **this, reason="учтён выбывший получатель")
    world.refused(officer, "providers.confirm_reversal", "four_eyes", **this)
    world.do(staff, "providers.confirm_reversal", **this)
    world.settle()
    line = {"service_code": agreement["service_code"], "unit": agreement["unit"], "quantity": 1}
    right = world.do(staff, "providers.draft_act", agreement_id=agreement["agreement_id"], month=month, lines=[line])
    world.do(staff, "providers.submit_act", id=right.id)
    world.do(officer, "providers.confirm_act", id=right.id)
    world.settle()


def _reverse_paid(world: World) -> None:
    """An act is reversed after its money left: the provider owes it, and pays it back."""
    treasurer = world.people["treasurer_1"]
    agreement = agreements.active(world)[2]
    staff, officer = staff_of(world, agreement["provider_id"]), drafter_of(world, agreement)
    act_id = derived_id("demo-act", agreement["agreement_id"], f"{world.season.year}-03")
    world.do(staff, "providers.ask_reversal", id=act_id, reason="двойной счёт за март")
    world.do(officer, "providers.confirm_reversal", id=act_id)
    world.settle()
    owed = list(world.every(treasurer, "billing.invoices", status="owed"))
    world.expect("one invoice is owed back", [act_id], [each["act_id"] for each in owed])
    returned_on = world.now.date().isoformat()
    world.do(treasurer, "billing.receive_return", id=owed[0]["invoice_id"], returned_on=returned_on)
    world.settle()
