"""The opening and the formal check: which key counts, what fails with which code, and a reason per requirement."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kernel import canonical
from kernel.ids import new_id
from kernel.sealing import to_base64
from services.orders.domain.competition import admission, closing, opening
from tests.unit.orders.competition_walk import (
    ACTIVE,
    OFFICER,
    PRICE_AND_YEARS,
    SealedBid,
    Walk,
    actor,
    content,
    lot,
)

OTHER_KEY = to_base64(bytes(range(32)))


def test_all_bids_open_by_themselves_when_their_keys_have_come() -> None:
    walk = Walk().open()
    bids = (walk.bid(content(41_000, 300)), walk.bid(content(39_000, 700)))
    walk.closed(*bids)
    open_bids = opening.OpenBids(id=walk.id)
    assert walk.do(open_bids, facts=walk.found(*bids, keys={})) == ()
    some = walk.found(*bids, keys={bids[0].bid_id: (bids[0].key_text,)})
    assert walk.do(open_bids, facts=some) == (), "nobody's price is seen while another's may stay sealed"
    [event] = walk.do(open_bids, facts=walk.found(*bids))
    assert isinstance(event, opening.BidsOpened) and event.failed == ()
    assert [(line.price_kopecks, line.volume) for line in event.bids] == [(41_000, 300), (39_000, 700)]
    assert walk.status == "opened"
    assert walk.do(open_bids, facts=walk.found()) == (), "nothing is left to open"


def test_the_first_key_that_fits_the_commitment_counts() -> None:
    walk = Walk().open()
    bid = walk.bid()
    walk.closed(bid)
    keys = {bid.bid_id: (OTHER_KEY, "not base64!", bid.key_text)}
    [event] = walk.do(opening.OpenBids(id=walk.id), facts=walk.found(bid, keys=keys))
    assert isinstance(event, opening.BidsOpened) and len(event.bids) == 1


def test_a_bid_that_no_key_fits_is_waited_for_and_then_named() -> None:
    walk = Walk().open()
    good, bad = walk.bid(), walk.bid()
    walk.closed(good, bad)
    open_bids = opening.OpenBids(id=walk.id)
    found = walk.found(good, bad, keys={good.bid_id: (good.key_text,), bad.bid_id: (OTHER_KEY,)})
    assert walk.do(open_bids, facts=found) == ()
    over = walk.state.closed_at + opening.PATIENCE
    alone = walk.found(good, bad, keys=found.keys, acting=("custodian_1",))
    assert walk.do(open_bids, facts=alone, now=over) == (), "two custodians down: nothing is given up"
    assert walk.dues[-1] == (over + opening.PATIENCE, open_bids), "whenever they are back, somebody looks"
    [event] = walk.do(open_bids, facts=found, now=over)
    assert isinstance(event, opening.BidsOpened)
    assert [line.bid_id for line in event.bids] == [good.bid_id]
    assert [(line.bid_id, line.code) for line in event.failed] == [(bad.bid_id, "no_key")]


@pytest.mark.parametrize(
    ("plain", "code"),
    [
        (b"not json", "malformed_bid"),
        (canonical.dumps({"price_kopecks": 1}), "malformed_bid"),
        (canonical.dumps({"price_kopecks": 0, "volume": 1, "values": {}, "text": "", "people": []}), "malformed_bid"),
        (canonical.dumps({"price_kopecks": -5, "volume": 1, "values": {}, "text": "", "people": []}), "malformed_bid"),
        (canonical.dumps({"price_kopecks": "5", "volume": 1, "values": {}, "text": "", "people": []}), "malformed_bid"),
        (canonical.dumps({"price_kopecks": 5, "volume": 1, "values": {}, "text": "", "more": 1}), "malformed_bid"),
        (content(years="Иванов Иван"), "malformed_bid"),
        (b'{"volume":1,"price_kopecks":5}', "malformed_bid"),
        (b'{"price_kopecks":5,"price_kopecks":6,"volume":1}', "malformed_bid"),
    ],
)
def test_content_out_of_form_fails_with_a_code_and_holds_up_nobody(plain: bytes, code: str) -> None:
    walk = Walk().open()
    good, bad = walk.bid(), walk.bid(plain)
    walk.opened(good, bad)
    event = walk.events[-1]
    assert isinstance(event, opening.BidsOpened)
    assert [line.bid_id for line in event.bids] == [good.bid_id]
    assert [(line.bid_id, line.code) for line in event.failed] == [(bad.bid_id, code)]


def test_a_bid_sealed_for_another_place_does_not_open() -> None:
    walk = Walk().open()
    bid = walk.bid()
    shown_again = SealedBid(walk, walk.lots[0].lot_id, bid.line.provider_id, content(), version=2)
    shown_again.sealed = bid.sealed
    walk.closed(shown_again)
    found = walk.found(bid, shown_again, keys={bid.bid_id: (bid.key_text, shown_again.key_text)})
    [event] = walk.do(opening.OpenBids(id=walk.id), facts=found, now=walk.state.closed_at + opening.PATIENCE)
    assert isinstance(event, opening.BidsOpened) and [line.code for line in event.failed] == ["no_key"]


def test_tampered_bytes_under_the_right_key_fail_as_tampered() -> None:
    walk = Walk().open()
    bid, other = walk.bid(), walk.bid()
    walk.closed(bid)
    mixed = {**bid.sealed.to_dict(), "ciphertext": other.sealed.to_dict()["ciphertext"]}
    [event] = walk.do(opening.OpenBids(id=walk.id), facts=walk.found(bid, sealed={bid.bid_id: mixed}))
    assert isinstance(event, opening.BidsOpened) and [line.code for line in event.failed] == ["tampered"]


def test_with_custodians_down_the_bidders_own_keys_open() -> None:
    walk = Walk().open()
    first, second = walk.bid(content(41_000)), walk.bid(content(42_000))
    walk.closed(first, second)
    nothing = walk.found(first, second, keys={}, acting=())
    give = opening.ProvideBidKey(id=walk.id, bid_id=first.bid_id, key=first.key_text)
    assert walk.refused(give, actor("provider", second.line.provider_id), nothing) == "not_yours"
    wrong = opening.ProvideBidKey(id=walk.id, bid_id=first.bid_id, key=second.key_text)
    assert walk.refused(wrong, actor("provider", first.line.provider_id), nothing) == "wrong_commitment"
    [given] = walk.do(give, actor("provider", first.line.provider_id), nothing)
    assert isinstance(given, opening.BidKeyGiven) and walk.status == "closed"
    last = opening.ProvideBidKey(id=walk.id, bid_id=second.bid_id, key=second.key_text)
    events = walk.do(last, actor("provider", second.line.provider_id), nothing)
    assert [type(event) for event in events] == [opening.BidKeyGiven, opening.BidsOpened]
    assert [bid.price_kopecks for bid in walk.state.bids] == [41_000, 42_000]


def test_a_failed_bid_is_opened_by_its_bidders_key_before_evaluation() -> None:
    walk = Walk().open()
    good, bad = walk.bid(), walk.bid()
    walk.closed(good, bad)
    found = walk.found(good, bad, keys={good.bid_id: (good.key_text,)})
    walk.do(opening.OpenBids(id=walk.id), facts=found, now=walk.state.closed_at + opening.PATIENCE)
    walk.check(good)
    begin = admission.BeginEvaluation(id=walk.id)
    assert walk.refused(begin, OFFICER) == "bid_keys_awaited"
    give = opening.ProvideBidKey(id=walk.id, bid_id=bad.bid_id, key=bad.key_text)
    walk.do(give, actor("provider", bad.line.provider_id), found)
    assert walk.state.bid(bad.bid_id).status == "opened"
    assert walk.refused(give, actor("provider", bad.line.provider_id), found) == "bid_open_already"
    walk.check(bad)
    walk.do(begin, OFFICER)
    assert walk.status == "evaluation"


def test_a_replay_opens_the_same_content() -> None:
    walk = Walk().open()
    bid = walk.bid(content(12_345, 6, years="7/2"))
    associated = opening.associated_data(walk.id, walk.lots[0].lot_id, bid.line.provider_id, 1)
    opened = opening.open_bid(bid.key_text, bid.sealed.to_dict(), associated)
    assert (opened.price_kopecks, opened.volume, opened.values, opened.text) == (
        12_345,
        6,
        {"years": "7/2"},
        "Наш опыт",
    )


def test_many_bids_open_in_entries_that_fit() -> None:
    values = {f"criterion_with_a_rather_long_name_{n:02d}": "123456789.123456" for n in range(20)}
    walk = Walk().open()
    bids = [walk.bid(content(40_000, 1, **values)) for _ in range(60)]
    walk.opened(*bids)
    events = [event for event in walk.events if isinstance(event, opening.BidsOpened)]
    assert sum(len(event.bids) for event in events) == 60 and len(events) == 3


def test_more_bids_than_one_transaction_opens_are_opened_by_several_that_follow_each_other() -> None:
    walk = Walk().open()
    bids = [walk.bid(content(40_000 + n, 1)) for n in range(2 * opening.AT_ONCE + 1)]
    walk.closed(*bids)
    open_bids = opening.OpenBids(id=walk.id)
    keyless = walk.found(*bids, keys={bid.bid_id: (bid.key_text,) for bid in bids[:-1]})
    assert walk.do(open_bids, facts=keyless) == (), "the last one's key isn't there, so nobody's price is seen"
    for opened in (opening.AT_ONCE, 2 * opening.AT_ONCE):
        following = opening.opened_next(walk.state)
        forms = {bid.bid_id: bid.sealed.to_dict() for bid in bids if bid.bid_id in {each.bid_id for each in following}}
        walk.do(open_bids, facts=walk.found(*bids, sealed=forms))
        assert walk.dues[-1] == (walk.now, open_bids)
        assert [bid.status for bid in walk.state.bids].count("opened") == opened
    assert walk.refused(admission.BeginEvaluation(id=walk.id), OFFICER) == "bids_unchecked"
    give = opening.ProvideBidKey(id=walk.id, bid_id=bids[-1].bid_id, key=bids[-1].key_text)
    walk.do(give, actor("provider", bids[-1].line.provider_id), walk.found(*bids))
    assert walk.do(open_bids, facts=walk.found(*bids)) == (), "the bidder was first"
    assert [bid.price_kopecks for bid in walk.state.bids] == [40_000 + n for n in range(len(bids))]


def reasons(walk: Walk, bid: SealedBid, bidder: admission.Bidder = ACTIVE, met: bool = True) -> list[str]:
    [event] = walk.check(bid, met, bidder)
    assert isinstance(event, admission.BidAdmitted | admission.BidRejected)
    assert all(check.reason for check in event.checks)
    failed = [check.requirement for check in event.checks if not check.met]
    assert isinstance(event, admission.BidRejected if failed else admission.BidAdmitted)
    return failed


def test_every_requirement_is_checked_with_a_reason() -> None:
    walk = Walk(lots=(lot(volume=500),)).open()
    good, dear, greedy = walk.bid(content(50_000, 500)), walk.bid(content(50_001, 500)), walk.bid(content(1, 501))
    walk.opened(good, dear, greedy)
    assert reasons(walk, good) == []
    assert reasons(walk, dear) == ["auto_price"]
    assert reasons(walk, greedy) == ["auto_volume"]
    assert reasons(walk, good, met=False) == ["no_debts"]
    gone = admission.Bidder("suspended", "№ 8", ("residential",), ("legal",))
    assert reasons(walk, good, gone) == ["auto_register", "auto_form", "auto_service_kind"]
    assert reasons(walk, good) == [], "until evaluation begins a check may be made again"


def test_the_officer_checks_all_announced_requirements_and_only_those() -> None:
    walk = Walk().open()
    bid = walk.bid()
    walk.opened(bid)
    for checks in ((), (admission.Check(requirement="beauty", met=True, reason="красиво"),)):
        command = admission.CheckBid(id=walk.id, bid_id=bid.bid_id, checks=checks)
        assert walk.refused(command, OFFICER, ACTIVE) == "checks_unlike_requirements"
    line = admission.Check(requirement="no_debts", met=True, reason="справка")
    unknown = admission.CheckBid(id=walk.id, bid_id=new_id(), checks=(line,))
    assert walk.refused(unknown, OFFICER, ACTIVE) == "bid_unknown"
    own = admission.CheckBid(id=walk.id, bid_id=bid.bid_id, checks=(line,))
    assert walk.refused(own, actor("officer", new_id()), ACTIVE) == "not_yours"


def test_values_are_those_of_the_criteria() -> None:
    walk = Walk(criteria=PRICE_AND_YEARS).open()
    good, without, more = walk.bid(content(years=5)), walk.bid(content()), walk.bid(content(years=5, beauty=1))
    walk.opened(good, without, more)
    assert reasons(walk, good) == []
    assert reasons(walk, without) == ["auto_values"]
    assert reasons(walk, more) == ["auto_values"]


def test_evaluation_begins_when_all_are_checked_and_somebody_is_admitted() -> None:
    walk = Walk(lots=(lot(), lot())).open()
    first, second = walk.bid(in_lot=0), walk.bid(in_lot=1)
    walk.opened(first, second)
    begin = admission.BeginEvaluation(id=walk.id)
    assert walk.refused(begin, OFFICER) == "bids_unchecked"
    walk.check(first)
    walk.check(second, met=False)
    events = walk.do(begin, OFFICER)
    assert [type(event) for event in events] == [closing.LotsUnsuccessful, admission.EvaluationBegan]
    assert walk.status == "evaluation" and walk.state.failed_lots == (walk.lots[1].lot_id,)


def test_nobody_admitted_is_unsuccessful() -> None:
    walk = Walk().open()
    bid = walk.bid()
    walk.opened(bid)
    walk.check(bid, met=False)
    [event] = walk.do(admission.BeginEvaluation(id=walk.id), OFFICER)
    assert isinstance(event, closing.CompetitionUnsuccessful) and event.reason == "none_admitted"
    assert walk.status == "unsuccessful"


def test_failed_bids_leave_a_day_for_their_keys() -> None:
    walk = Walk().open()
    bid = walk.bid(b"broken")
    walk.opened(bid)
    begin = admission.BeginEvaluation(id=walk.id)
    assert walk.refused(begin, OFFICER) == "bid_keys_awaited"
    walk.do(begin, OFFICER, now=walk.now + timedelta(hours=24))
    assert walk.status == "unsuccessful"
