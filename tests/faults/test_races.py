"""Races for what only one can have, on the market's own services: a place before the deadline, a room for a night."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from kernel.bus.call import Call
from kernel.calendar import Deadline, Direction, WorkingCalendar
from kernel.chain import event_bytes
from kernel.identity import Actor
from kernel.ids import new_id
from kernel.instants import to_text
from kernel.receipt import verify
from kernel.refusal import TOO_LATE
from services.orders.rules import load_rules
from services.providers.service import service as providers_service
from tests.component.orders.tender import Tender, everybody, providers
from tests.component.providers import neighbours
from tests.component.providers.conftest import TODAY
from tests.component.providers.test_loans import Object, code, day
from tests.faults.book import Answer, Book, Sent, is_final
from tests.faults.checks import check_market
from tests.faults.patience import PATIENCE_S, until
from tests.support import Market, market

pytestmark = pytest.mark.timeout(300)


@dataclass(frozen=True)
class Kept:
    """A market, and the book in which every command of its bus is written down."""

    market: Market
    book: Book

    @classmethod
    def of(cls, made: Market) -> Kept:
        book, bus = Book(), made.installation.bus
        carry = bus.command

        def command(service: str, name: str, data: Mapping[str, Any], call: Call) -> dict[str, Any]:
            sent = Sent(call.correlation_id, f"{service}.{name}", dict(data))
            return book.send(sent, lambda _: carry(service, name, data, call))

        bus.command = command  # type: ignore[method-assign]
        return cls(made, book)


def all_at_once(work: Callable[[Any], Any], things: list[Any], threads: int) -> list[Any]:
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, things))


# -- the deadline -----------------------------------------------------------------------------------------------------

BIDS, CALLERS = 200, 8
SPREAD = timedelta(milliseconds=100)
ENOUGH_S = (5, 20, 60)  # for 200 forms to be sealed before the deadline; more where that was too little


class NoTerms(WorkingCalendar):
    """Every term ends at the instant from which it is counted."""

    def _count(self, origin: datetime, days: int, zone: ZoneInfo | str, direction: Direction) -> Deadline:
        return replace(super()._count(origin, days, zone, direction), at=origin)


@pytest.fixture
def bidding(fresh_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    home = tmp_path_factory.mktemp("home")
    with market(everybody(home / "contracts"), fresh_database, home) as made:
        host = made.installation.hosts["orders"]
        rules = load_rules(made.settings.region)
        host.store.rules = host.rules = replace(rules, calendar=NoTerms(rules.calendar._years.values()))
        kept = Kept.of(made)
        made.installation.start()
        yield kept


def prepared(kept: Kept, staff: list[Actor]) -> tuple[Tender, datetime, list[dict[str, Any]]]:
    """An open competition, its deadline in a moment, and a sealed form of everybody."""
    for seconds in ENOUGH_S:
        tender = Tender(kept.market, 100_000)
        tender.drafted()
        deadline = datetime.now(UTC) + timedelta(seconds=seconds)
        tender.do("publish_competition", tender.officer, deadline=to_text(deadline))
        until(lambda tender=tender: tender.status == "open")
        forms = [tender.sealed(actor, 40_000, 100) for actor in staff]
        if datetime.now(UTC) < deadline - SPREAD:
            return tender, deadline, forms
    raise AssertionError("this machine is too slow to seal the forms")


@pytest.mark.matrix(36, "200 bids in the 50 ms before and after the deadline from 8 callers")
def test_bids_around_the_deadline(bidding: Kept) -> None:
    staff = providers(bidding.market, BIDS)
    tender, deadline, forms = prepared(bidding, staff)
    received = [deadline + SPREAD * (turn / BIDS - 0.5) for turn in range(BIDS)]
    until(lambda: datetime.now(UTC) > deadline - SPREAD)
    calls = [
        bidding.market.call("orders.submit_bid", form, actor, received_at=at)
        for form, actor, at in zip(forms, staff, received, strict=True)
    ]
    command = bidding.market.installation.bus.command

    def submit(turn: int) -> Answer:
        """What comes of one call, sent again where nobody knows, until its deadline."""
        while not is_final(answer := command("orders", "submit_bid", forms[turn], calls[turn])):
            if answer["refused"]["code"] == TOO_LATE.code:
                break
        return answer

    answers = all_at_once(submit, list(range(BIDS)), CALLERS)

    outcome = {str(a.organisation): got.get("refused", {}).get("code") for a, got in zip(staff, answers, strict=True)}
    in_time = {str(a.organisation) for a, at in zip(staff, received, strict=True) if at < deadline}
    accepted = {who for who, why in outcome.items() if why is None}
    # A machine that takes longer than a call's deadline says so, and does nothing.
    dropped = {who for who, why in outcome.items() if why == TOO_LATE.code}
    assert accepted and accepted == in_time - dropped, "whoever was in time is in, and nobody else"
    assert {who for who, why in outcome.items() if why == "bid_late"} == outcome.keys() - in_time - dropped
    bidding.book.sent = {key: sent for key, sent in bidding.book.sent.items() if key in bidding.book.answers}

    until(lambda: tender.status == "opened", 2 * PATIENCE_S)
    events = of_competition(bidding.market, tender)
    [(closing, closed)] = [
        (n, event) for n, event in enumerate(events) if event["type"].split(".")[2] == "BiddingClosed"
    ]
    standing = [e["data"]["provider_id"] for e in events[:closing] if e["type"].split(".")[2] == "BidSubmitted"]
    assert len(standing) == len(accepted) and set(standing) == accepted, "all of them before the closing, once"
    assert [line["provider_id"] for line in closed["data"]["standing"]] == standing, "in the log's order"
    assert "BidSubmitted" not in {e["type"].split(".")[2] for e in events[closing:]}
    assert opened(tender) == sorted(accepted), "opened is what was sealed, and all of it"

    bidding.market.installation.settle(PATIENCE_S)
    for got in answers:
        if "refused" not in got:
            completed = bidding.market.ask("audit.completed_receipt", {"receipt": got["receipt"]})["receipt"]
            assert verify(completed).checkpoint is not None, "everybody accepted holds a proof"
    check_market(bidding, known="tables: orders.provider ")


def of_competition(made: Market, tender: Tender) -> list[dict[str, Any]]:
    """What orders' log has of the competition, in its order."""
    rows = made.sql("SELECT entry FROM orders.log ORDER BY sequence")
    found = [orjson.loads(event_bytes(bytes(entry))) for (entry,) in rows]
    return [event for event in found if event["data"].get("competition_id") == tender.id]


def opened(tender: Tender) -> list[str]:
    """Whose bids were opened, each as often as they have one."""
    rows = tender.market.sql(
        "SELECT o.provider_id::text FROM orders.own_bid o JOIN orders.compared_bid b USING (competition_id, bid_id) "
        "WHERE competition_id = %s AND b.status = 'opened' ORDER BY 1",
        (tender.id,),
    )
    return [provider_id for (provider_id,) in rows]


# -- the room ---------------------------------------------------------------------------------------------------------

REQUESTS = 50


@pytest.fixture
def premises(fresh_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    home = tmp_path_factory.mktemp("home")
    services = [neighbours.registry(), neighbours.orders(), providers_service()]
    with market(services, fresh_database, home, sandbox_from=TODAY) as made:
        yield Kept.of(made)


@pytest.mark.matrix(47, "50 requests for overlapping nights of one room granted by 8 threads at once")
def test_one_room_for_many(premises: Kept) -> None:
    room = Object(neighbours.Town(premises.market))
    loans = [room.request(day(10 + n % 4), day(20 - n % 3)) for n in range(REQUESTS)]
    answers = all_at_once(room.granting, loans, 8)
    assert sorted(map(code, answers)) == ["done"] + ["loan_overlaps"] * (REQUESTS - 1)
    [won] = [loan for loan, answer in zip(loans, answers, strict=True) if code(answer) == "done"]
    assert len(room.living()) == 1
    for answer in answers:
        if "refused" in answer:
            assert answer["refused"]["details"]["loan"] == won, "everybody else is told who has it"
    premises.market.work()
    check_market(premises)


def test_the_book_of_a_market_is_held_against_its_log(premises: Kept) -> None:
    room = Object(neighbours.Town(premises.market))
    loan = room.request(day(1), day(2))
    room.granting(loan)
    premises.market.work()
    check_market(premises)
    key = next(key for key, sent in premises.book.sent.items() if sent.name == "providers.grant_loan")
    premises.book.answers[key] = {"events": [new_id()]}
    with pytest.raises(AssertionError, match=f"accepted: {key} was told"):
        check_market(premises)
