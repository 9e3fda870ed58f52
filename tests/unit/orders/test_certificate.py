"""A certificate's own decisions: who may issue, choose, redeem, annul, and what each redemption is answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kernel.ids import new_id
from services.orders.domain.certificate import events as e
from services.orders.domain.certificate import redeeming
from services.orders.domain.certificate import state as s
from services.orders.domain.certificate.choosing import OfferNow
from services.orders.domain.certificate.state import MAX_REFUSED
from tests.unit.orders.certificate_walk import (
    COST,
    FIRST,
    HOLDER,
    ID,
    ISSUED,
    SECOND,
    SHARE,
    Device,
    Paper,
)
from tests.unit.orders.competition_walk import OFFICER, SECOND_OFFICER, actor

EXPIRED = datetime(2027, 6, 30, 21, tzinfo=UTC)  # midnight in Moscow after 30 June


# -- issuing ----------------------------------------------------------------------------------------------------------


def test_from_a_programme_to_an_issued_certificate() -> None:
    paper = Paper().issued()
    assert paper.state.status == "issued" and paper.state.amount_kopecks == ISSUED * COST
    assert paper.state.valid_until == EXPIRED
    assert paper.names == ["CertificateRequested", "CertificateFundsRequested", "CertificateIssued"]


@pytest.mark.parametrize(
    ("share", "changes", "code"),
    [
        ({"body_id": new_id()}, {}, "not_yours"),
        ({"status": "formed"}, {}, "order_not_approved"),
        ({"status": "closed"}, {}, "order_not_approved"),
        ({"free": ISSUED - 1}, {}, "certificate_share_spent"),
        ({}, {"limit_price_kopecks": COST + 1}, "certificate_limit_above_norm"),
        ({}, {"valid_until": "2028-01-01"}, "certificate_term"),
        ({}, {"valid_until": "2027-01-01"}, "certificate_term"),
        ({}, {"valid_until": "2027-02-30"}, "certificate_term"),
    ],
)
def test_what_is_not_issued(share: dict[str, Any], changes: dict[str, Any], code: str) -> None:
    refusal = Paper().requested(replace(SHARE, **share), **changes).refusal
    assert refusal is not None and refusal.code == code


def test_who_requested_it_does_not_issue_it() -> None:
    paper = Paper().requested()
    assert paper.code(s.IssueCertificate(id=ID), OFFICER) == "four_eyes"
    assert paper.code(s.IssueCertificate(id=ID), actor("officer", new_id())) == "not_yours"
    assert paper.code(s.IssueCertificate(id=ID), actor("provider", FIRST)) == "forbidden_role"


def test_without_money_it_is_asked_for_again_and_old_answers_change_nothing() -> None:
    paper = Paper().requested()
    paper.do(s.IssueCertificate(id=ID), SECOND_OFFICER)
    paper.do(s.TakeFundsRefusal(id=ID, attempt=1, reason="short"))
    assert paper.state.status == "requested"
    paper.do(s.IssueCertificate(id=ID), SECOND_OFFICER)
    paper.do(s.AcceptCertificateFunds(id=ID, attempt=1))
    assert paper.state.status == "funding", "that was the answer to the first asking"
    paper.after(hours=25)
    assert paper.state.status == "requested" and paper.names[-1] == "CertificateFundsTimedOut"
    paper.do(s.AcceptCertificateFunds(id=ID, attempt=2))
    assert paper.state.status == "requested", "billing lets go what it held for an asking that was given up"


# -- the provider -----------------------------------------------------------------------------------------------------


def test_the_choice_is_the_holder_s_or_the_body_s() -> None:
    paper, choose = Paper().issued(), s.ChooseProvider(id=ID, provider_id=FIRST)
    offer = paper.offer(FIRST)
    assert paper.code(choose, actor("beneficiary", new_id()), offer) == "not_yours"
    assert paper.code(choose, actor("officer", new_id()), offer) == "not_yours"
    assert paper.code(choose, actor("provider", FIRST), offer) == "forbidden_role"
    assert paper.code(choose, HOLDER, OfferNow("npo", True, None)) == "provider_not_on_list"
    assert paper.code(choose, HOLDER, OfferNow("npo", False, COST)) == "provider_not_on_list"
    assert paper.code(choose, OFFICER, offer) == "done"
    assert paper.code(choose, HOLDER, offer) == "provider_same"


def test_the_difference_in_price_is_the_beneficiary_s_own() -> None:
    paper = Paper().chosen(SECOND)
    assert paper.deliver(3, SECOND) == "taken"
    taken = paper.events[-1]
    assert isinstance(taken, e.CertificateRedeemed)
    assert (taken.amount_kopecks, taken.own_kopecks) == (3 * COST, 3 * 5_000)
    assert paper.state.left_kopecks == (ISSUED - 3) * COST


def test_where_no_difference_is_allowed_a_dear_provider_is_not_chosen() -> None:
    paper = Paper().issued()
    paper.rules = replace(paper.rules, difference_allowed=False)
    choose = s.ChooseProvider(id=ID, provider_id=SECOND)
    assert paper.code(choose, HOLDER, paper.offer(SECOND)) == "price_above_limit"
    assert paper.code(s.ChooseProvider(id=ID, provider_id=FIRST), HOLDER, paper.offer(FIRST)) == "done"


def test_another_provider_gets_the_unused_balance() -> None:
    paper = Paper().chosen(FIRST).after(hours=1)
    early = paper.device.record(FIRST, 4, paper.now)
    paper.after(hours=1).chosen(SECOND).after(hours=1)
    late = paper.device.record(FIRST, 4, paper.now)
    before = paper.device.record(SECOND, 1, paper.now - timedelta(hours=2))
    assert paper.redeem(late) == "redemption_after_change"
    assert paper.redeem(before, SECOND) == "redemption_before_choice"
    assert paper.redeem(early) == "taken", "it was made while the first provider was the chosen one"
    assert paper.state.status == "in_use" and paper.state.left_volume == ISSUED - 4
    assert paper.deliver(ISSUED - 4, SECOND) == "taken" and paper.state.status == "used"
    paper.check()


def test_a_provider_that_is_chosen_again_delivers_again_and_not_in_between() -> None:
    paper = Paper().chosen(FIRST).after(hours=1).chosen(SECOND).after(hours=1)
    between = paper.device.record(FIRST, 1, paper.now)
    paper.after(hours=1).chosen(FIRST).after(hours=1)
    assert paper.redeem(between) == "redemption_after_change"
    assert paper.deliver(1) == "taken"


# -- redemption -------------------------------------------------------------------------------------------------------


def test_a_record_is_taken_once_and_answered_the_same_for_ever() -> None:
    paper = Paper().chosen()
    record = paper.device.record(FIRST, 5, paper.now)
    assert paper.redeem(record) == "taken"
    assert paper.redeem(record) == "again"
    assert paper.redeem({**record, "volume": 6}) == "redemption_id_reused"
    paper.do(s.AnnulCertificate(id=ID, reason="moved to another region"), OFFICER)
    assert paper.redeem(record) == "again"
    paper.wait(datetime(2027, 12, 31, 12, tzinfo=UTC))
    assert paper.state.closed and paper.redeem(record) == "again"
    assert paper.names.count("CertificateRedeemed") == 1
    paper.check()


def test_the_text_of_a_record_is_what_devices_were_told() -> None:
    """docs/api.md: a device that signs another text is refused, so the form never changes."""
    made_at = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
    text = redeeming.record_text("certificate", "provider", "redemption", 3, made_at)
    assert text == "market redemption v1\ncertificate\nprovider\nredemption\n3\n2027-03-01T09:30:00.000000Z\n"


def test_only_the_holder_s_key_makes_records() -> None:
    paper = Paper().chosen()
    forged = Device().record(FIRST, 1, paper.now)
    assert paper.redeem(forged) == "redemption_not_signed"
    honest = paper.device.record(FIRST, 1, paper.now)
    assert paper.redeem({**honest, "volume": 2}) == "redemption_not_signed"
    assert paper.redeem(honest, SECOND) == "redemption_not_signed", "a record names its provider"
    assert paper.redeem(paper.device.record(FIRST, 1, paper.now + timedelta(hours=1))) == "redemption_in_future"
    assert paper.redeem(honest) == "taken", "what wasn't signed has left no answer"


def test_a_replay_sees_a_signature_that_does_not_hold() -> None:
    paper = Paper().chosen()
    before = paper.state
    assert paper.deliver(1) == "taken"
    forged = paper.events[-1].model_copy(update={"signature": Device().record(FIRST, 1, paper.now)["signature"]})
    assert redeeming.certificate.recomputed["CertificateRedeemed"](before, forged)["signature"] == ""


def test_more_than_is_left_is_refused_and_stays_refused() -> None:
    paper = Paper().chosen()
    assert paper.deliver(ISSUED - 2) == "taken"
    much = paper.device.record(FIRST, 3, paper.now)
    assert paper.redeem(much) == "redemption_exceeds"
    assert paper.redeem(much) == "redemption_exceeds"
    assert paper.names.count("CertificateRedemptionRefused") == 1, "a fact, once"
    assert paper.deliver(2) == "taken" and paper.state.status == "used"
    paper.check()


def test_a_stranger_leaves_no_trace_and_refusals_are_bounded() -> None:
    paper = Paper().chosen()
    stranger = new_id()
    assert paper.redeem(paper.device.record(stranger, 1, paper.now), stranger) == "provider_not_chosen"
    assert "CertificateRedemptionRefused" not in paper.names
    for _ in range(MAX_REFUSED + 5):
        assert paper.deliver(ISSUED + 1) == "redemption_exceeds"
    assert paper.names.count("CertificateRedemptionRefused") == MAX_REFUSED


def test_no_redemption_before_it_is_issued() -> None:
    paper = Paper().requested()
    assert paper.deliver(1) == "provider_not_chosen"


# -- its ends ---------------------------------------------------------------------------------------------------------


def test_expiry_waits_for_records_from_before_it_and_returns_the_rest() -> None:
    paper = Paper().chosen()
    paper.wait(EXPIRED - timedelta(hours=1))
    first, second = (paper.device.record(FIRST, 3, paper.now) for _ in range(2))
    paper.wait(EXPIRED + timedelta(days=1))
    assert paper.state.status == "expired" and not paper.state.closed
    assert paper.redeem(first) == "taken" and paper.state.status == "expired"
    assert paper.redeem(paper.device.record(FIRST, 1, EXPIRED)) == "redemption_after_expiry"
    closes_at = paper.state.closes_at
    assert closes_at is not None and closes_at > paper.now
    paper.wait(closes_at + timedelta(seconds=1))
    assert paper.redeem(second, received=closes_at) == "taken", "it came in time, and is decided within ten seconds"
    third = paper.device.record(FIRST, 1, EXPIRED - timedelta(minutes=1))
    assert paper.redeem(third) == "redemption_came_late"
    paper.after(minutes=1)
    assert paper.names[-1] == "CertificateUnusedReturned"
    assert (paper.state.returned_volume, paper.state.returned_kopecks) == (ISSUED - 6, (ISSUED - 6) * COST)
    paper.check()


def test_what_nobody_was_chosen_for_is_returned_at_once() -> None:
    paper = Paper().issued()
    paper.wait(EXPIRED)
    assert paper.names[-2:] == ["CertificateExpired", "CertificateUnusedReturned"] and paper.state.closed
    paper.check()


def test_an_annulment_holds_for_what_is_made_after_it() -> None:
    paper = Paper().chosen()
    early = paper.device.record(FIRST, 2, paper.now)
    paper.after(hours=1)
    annul = s.AnnulCertificate(id=ID, reason="the programme was ended")
    assert paper.code(annul, actor("officer", new_id())) == "not_yours"
    assert paper.code(annul, HOLDER) == "forbidden_role"
    assert paper.code(annul, OFFICER) == "done"
    assert paper.code(annul, OFFICER) == "wrong_state"
    assert paper.redeem(paper.device.record(FIRST, 1, paper.now)) == "redemption_after_annulment"
    assert paper.redeem(early) == "taken"
    assert paper.code(s.ChooseProvider(id=ID, provider_id=SECOND), HOLDER, paper.offer(SECOND)) == "wrong_state"
    paper.after(days=20)
    assert paper.state.status == "annulled" and paper.state.returned_volume == ISSUED - 2
    paper.after(days=300)
    assert paper.names.count("CertificateUnusedReturned") == 1 and "CertificateExpired" not in paper.names
    paper.check()


def test_one_that_was_never_funded_ends_too() -> None:
    paper = Paper().requested()
    paper.do(s.AnnulCertificate(id=ID, reason="asked for by mistake"), OFFICER)
    back = paper.events[-1]
    assert isinstance(back, e.CertificateUnusedReturned) and (back.attempt, back.volume) == (0, ISSUED)


def test_used_up_below_the_limit_price_it_gives_the_money_back() -> None:
    paper = Paper().issued()
    cheap = OfferNow("npo", True, COST - 1_000)
    paper.do(s.ChooseProvider(id=ID, provider_id=FIRST), HOLDER, cheap)
    assert paper.deliver(ISSUED) == "taken"
    assert paper.names[-2:] == ["CertificateUsed", "CertificateUnusedReturned"]
    assert paper.state.returned_kopecks == ISSUED * 1_000 and paper.state.returned_volume == 0
    paper.check()
