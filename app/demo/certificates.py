"""Social certificates: one used up with a change of provider and an offline record sent twice, one expires, one is annulled.

The season's beneficiary makes records with a key of her own, as her card does beside a provider's device.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.demo.agreements import staff_of
from app.demo.world import Contest, Data, Person, World, text_of
from kernel.ids import derived_id, new_id
from kernel.instants import from_text
from services.orders.domain.certificate.redeeming import record_text
from services.orders.domain.competition.closing import GRACE

ORDER = "O02"
USED, EXPIRING = 12, 10
ADDED_KOPECKS = 2_000_000
DEARER_KOPECKS = 5_000  # by which the second provider's price is above the norm


class Holder:
    """A beneficiary's certificate with its key."""

    def __init__(self, world: World, contest: Contest, name: str) -> None:
        self.world, self.contest = world, contest
        self.id = derived_id("demo-certificate", name)
        self.beneficiary = world.people["beneficiary_1"]
        self.officers = tuple(world.people[f"{contest.order.body}_{n}"] for n in (1, 2))
        self._key = Ed25519PrivateKey.generate()

    def request(self, volume: int, days: int) -> Data:
        """What a command to request the certificate holds; it is good for `days` after today."""
        last = (self.world.now + timedelta(days=days)).astimezone(self.world.zone).date()
        return {
            "id": self.id,
            "order_id": self.contest.order_id,
            "beneficiary_id": self.beneficiary.organisation,
            "programme_id": derived_id("demo-programme", "1"),
            "volume": volume,
            "valid_until": last.isoformat(),
            "public_key": b64encode(self._key.public_key().public_bytes_raw()).decode(),
        }

    def issue(self, volume: int, days: int) -> None:
        """Requested by one officer, issued by the other, funded by the budget."""
        first, second = self.officers
        self.world.do(first, "orders.request_certificate", **self.request(volume, days))
        self.world.refused(first, "orders.issue_certificate", "four_eyes", id=self.id)
        self.world.do(second, "orders.issue_certificate", id=self.id)
        self.world.settle()
        self.world.expect("the certificate's status", "issued", self.shown()["status"])

    def choose(self, who: Person, staff: Person) -> Data:
        return self.world.do(who, "orders.choose_provider", id=self.id, provider_id=staff.organisation).reply

    def record(self, staff: Person, volume: int, made_at: datetime) -> Data:
        """What the provider's device makes with the holder and sends when it can."""
        redemption_id, provider_id = new_id(), str(staff.organisation)
        signed = self._key.sign(record_text(self.id, provider_id, redemption_id, volume, made_at).encode())
        return {
            "id": self.id,
            "redemption_id": redemption_id,
            "volume": volume,
            "made_at": text_of(made_at),
            "signature": b64encode(signed).decode(),
        }

    def deliver(self, staff: Person, volume: int) -> Data:
        """A record that is made and sent now."""
        return self.send(staff, self.record(staff, volume, self.world.now))

    def send(self, staff: Person, record: Data) -> Data:
        return self.world.do(staff, "orders.redeem_certificate", **record).reply

    def shown(self) -> dict[str, Any]:
        return self.world.ask(self.beneficiary, "orders.certificate", id=self.id)


def play(world: World) -> str:
    """Issue, choose, redeem, change, expire, return; a line that says what came of it."""
    contest = world.contests[ORDER]
    before = _share(world, contest)
    _raise_limit(world, contest)
    first, second = _offering(world, contest)
    used, expiring = Holder(world, contest, "used"), Holder(world, contest, "expiring")
    _refuse_bad_requests(world, used, before["free"])
    used.issue(USED, 60)
    expiring.issue(EXPIRING, 2)
    _annul(world, contest)

    used.choose(used.beneficiary, first)
    expiring.choose(expiring.officers[0], first)  # from a paper application
    used.deliver(first, 3)
    expiring.deliver(first, 2)
    world.refused(first, "orders.redeem_certificate", "redemption_exceeds",
                  **used.record(first, USED, world.now))  # fmt: skip
    world.move(world.now + timedelta(days=1))
    told = used.choose(used.beneficiary, second)
    world.expect("what the beneficiary pays a unit", DEARER_KOPECKS, told["own_price_kopecks"])
    offline, in_time = used.record(second, 4, world.now), expiring.record(first, 1, world.now)
    world.refused(first, "orders.redeem_certificate", "redemption_after_change",
                  **used.record(first, 1, world.now))  # fmt: skip
    world.refused(second, "orders.redeem_certificate", "redemption_not_signed", **{**offline, "volume": 5})

    world.move(world.now + timedelta(days=3))
    taken = [used.send(second, offline)["taken_before"] for _ in range(2)]
    world.expect("an offline record sent twice", [False, True], taken)
    expiring.send(first, in_time)
    world.refused(first, "orders.redeem_certificate", "redemption_after_expiry",
                  **expiring.record(first, 1, world.now))  # fmt: skip
    used.deliver(second, USED - 7)
    _until_returned(world, expiring)
    used.send(second, offline)  # and for ever
    _pay_one(world, used)
    return _told(world, contest, before, used, expiring)


def _raise_limit(world: World, contest: Contest) -> None:
    """Agreements may have taken the year's limit: the treasurer adds what the certificates need."""
    treasurer, year = world.people["treasurer_1"], world.season.year
    body_id = world.season.body_id(contest.order.body)
    [line] = world.ask(treasurer, "billing.budget_lines", body_id=body_id, year=year)["items"]
    world.do(treasurer, "billing.set_limit", body_id=body_id, year=year, reason="средства на социальные сертификаты",
             amount_kopecks=line["limit_kopecks"] + ADDED_KOPECKS)  # fmt: skip


def _share(world: World, contest: Contest) -> dict[str, Any]:
    shares = world.every(None, "orders.certificate_shares", year=world.season.year)
    return next(each for each in shares if each["order_id"] == contest.order_id)


def _offering(world: World, contest: Contest) -> tuple[Person, Person]:
    """Two providers on the open list: one at the norm, one above it."""
    order = world.ask(None, "orders.social_order", id=contest.order_id)
    first, second = _two_providers(world)
    for staff, price in ((first, order["cost_kopecks"]), (second, order["cost_kopecks"] + DEARER_KOPECKS)):
        line: Data = {"provider_id": staff.organisation, "service_code": order["service_code"]}
        world.do(staff, "orders.offer_for_certificates", **line, unit_price_kopecks=price)
    world.refused(first, "orders.offer_for_certificates", "not_yours", **line, unit_price_kopecks=1)
    return first, second


def _two_providers(world: World) -> tuple[Person, Person]:
    """The first two by number that the register still has as active and that somebody acts for."""
    found = []
    for _, each in sorted(world.providers.items()):
        if each.staff.token and each.is_included and len(found) < 2:
            entry = world.ask(None, "registry.provider", id=each.id)
            found += [each.staff] if entry["status"] == "active" else []
    return found[0], found[1]


def _refuse_bad_requests(world: World, holder: Holder, free: int) -> None:
    officer, good = holder.officers[0], holder.request(USED, 60)
    request = "orders.request_certificate"
    world.refused(officer, request, "certificate_share_spent", **{**good, "volume": free + 1})
    world.refused(officer, request, "certificate_term", **{**good, "valid_until": f"{world.season.year + 1}-01-31"})
    world.refused(holder.beneficiary, request, "forbidden_role", **good)


def _annul(world: World, contest: Contest) -> None:
    """Asked for by mistake, with nobody chosen: everything goes back at once."""
    holder = Holder(world, contest, "annulled")
    holder.issue(1, 30)
    world.refused(holder.beneficiary, "orders.annul_certificate", "forbidden_role", id=holder.id, reason="не нужен")
    world.do(holder.officers[1], "orders.annul_certificate", id=holder.id, reason="выписан по ошибке")
    world.expect("what of it came back", (1, True), (holder.shown()["returned_volume"], holder.shown()["closed"]))


def _until_returned(world: World, holder: Holder) -> None:
    shown = holder.shown()
    world.expect("after the term", ("expired", False), (shown["status"], shown["closed"]))
    staff = staff_of(world, shown["provider_id"])
    late = holder.record(staff, 1, world.now - timedelta(days=2, hours=12))
    world.move(from_text(shown["closes_at"]) + GRACE)
    shown = holder.shown()
    world.expect("after the last records", (EXPIRING - 3, True), (shown["returned_volume"], shown["closed"]))
    world.refused(staff, "orders.redeem_certificate", "redemption_came_late", **late)


def _pay_one(world: World, holder: Holder) -> None:
    """The dearest redemption is paid as any act is: prepared, approved by another, sent, settled."""
    first, second = world.people["treasurer_1"], world.people["treasurer_2"]
    invoices = list(world.every(first, "billing.invoices", agreement_id=holder.id))
    world.expect("redemptions that are to be paid", 3, len(invoices))
    this: Data = {"id": max(invoices, key=lambda each: int(each["amount_kopecks"]))["invoice_id"]}
    world.do(first, "billing.prepare_invoice", **this)
    world.do(second, "billing.approve_invoice", **this)
    world.do(second, "billing.send_payment", **this)
    world.do(first, "billing.settle_payment", **this, settled_on=world.now.date().isoformat())


def _told(world: World, contest: Contest, before: dict[str, Any], used: Holder, expiring: Holder) -> str:
    world.settle()
    after = _share(world, contest)
    world.expect("one is used up", "used", used.shown()["status"])
    world.expect("the share holds what was redeemed", before["free"] - USED - 3, after["free"])
    world.expect("what the beneficiary paid herself", (USED - 3) * DEARER_KOPECKS, used.shown()["own_kopecks"])
    return f"3 certificates: {after['redeemed']} units redeemed, {after['returned']} returned, one record came twice"
