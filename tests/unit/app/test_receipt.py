"""The receipt: a promise at once, a proof later, and nothing after any change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.audit.container import VerifyError
from app.audit.receipt import describe, verify_receipt
from kernel import merkle
from kernel.identity import SigningKey
from kernel.note import Checkpoint, Signer, sign_checkpoint
from kernel.receipt import ReceiptError, complete, make_receipt_note, receipt_from_note, verify
from tests.unit.app.bundles import ORIGIN, Market, small_market

RECEIVED = "2027-01-05T12:00:00.000001Z"


class Case:
    """A bid received by `orders`, its receipt, and the market in whose log it stands."""

    def __init__(self) -> None:
        self.market: Market = small_market()
        key = SigningKey(Ed25519PrivateKey.generate())
        self.service = Signer("market/orders", key.private).verifier
        self.log = self.market.signer.verifier
        body = self.market.event("orders", {"bid": "sealed"}, RECEIVED)
        self.index = len(self.market.leaves) - 1
        note = make_receipt_note("orders", "orders-9", body, RECEIVED, "market/orders", key)
        self.promise = receipt_from_note(note, self.service)
        self.entry = self.market.logs["orders"][-1]
        self.market.event("registry", {"name": "later"}, RECEIVED)
        self.checkpoint = self.market.checkpoint()
        _, node = self.market.tree()
        self.proof = merkle.inclusion_proof(self.index, len(self.market.leaves), node)
        self.completed = complete(self.promise, self.entry, self.index, self.proof, self.checkpoint, self.log)


@pytest.fixture(scope="module")
def case() -> Case:
    return Case()


def saved(folder: Path, receipt: dict[str, Any]) -> Path:
    path = folder / "receipt.json"
    path.write_text(json.dumps(receipt))
    return path


def test_the_note_says_what_was_received(case: Case) -> None:
    text = case.promise["signature"].split("\n\n")[0].split("\n")
    assert text == ["market receipt", "orders", "orders-9", case.promise["eventhash"], RECEIVED]


def test_a_promise_is_verified_under_its_signer_and_not_under_another(case: Case, tmp_path: Path) -> None:
    path = saved(tmp_path, case.promise)
    report = verify_receipt(path, str(case.service))
    assert report.trusted
    assert report.checkpoint is None
    assert "not completed yet" in describe(report)
    assert "compare its keys" in describe(verify_receipt(path))
    with pytest.raises(VerifyError, match=r"receipt.json, key: .*not the trusted key"):
        verify_receipt(path, str(case.log))


def test_a_completed_receipt_rests_on_the_log_key_alone(case: Case, tmp_path: Path) -> None:
    path = saved(tmp_path, case.completed)
    for trust in (str(case.log), f"{case.service}\n{case.log}\n"):
        report = verify_receipt(path, trust)
        assert (report.trusted, report.sequence, report.leafindex, report.receivedat) == (True, 9, 12, RECEIVED)
    assert "entry 9 of orders" in describe(report)
    with pytest.raises(VerifyError, match=r"logkey: .*not the trusted key"):
        verify_receipt(path, str(case.service))


def test_every_changed_byte_of_a_completed_receipt_is_refused(case: Case, tmp_path: Path) -> None:
    original = json.dumps(case.completed, ensure_ascii=False, separators=(",", ":")).encode()
    path = tmp_path / "receipt.json"
    for at in range(len(original)):
        data = bytearray(original)
        data[at] ^= 0x01 if at % 2 else 0x20
        path.write_bytes(data)
        with pytest.raises(VerifyError, match=r"receipt\.json"):
            verify_receipt(path, str(case.log))


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("format", "market-receipt-2", "not a market-receipt-1"),
        ("event_id", "orders-8", "something else"),
        ("receivedat", "2027-01-05T11:59:59.000000Z", "something else"),
        ("eventhash", "0" * 64, "something else"),
        ("source", "orders\nx", "not one line"),
        ("source", 7, "wrong type"),
        ("leafindex", "12", "wrong type"),
        ("leafindex", True, "wrong type"),
        ("leafindex", 13, "leads to"),
        ("leafindex", 11, "too few"),
        ("leafindex", -1, "not in a tree"),
        ("leafindex", 10**30, "not in a tree"),
        ("proof", [], "too few"),
        ("proof", ["AAAA"], "3 bytes instead of 32"),
        ("proof", ["я"], "not base64"),
        ("proof", [1], "wrong type"),
        ("entry", "{}", "not an entry"),
        ("checkpoint", "", "blank line"),
        ("logkey", "x", "verifier key"),
        ("key", "x", "verifier key"),
        ("extra", 1, "not a member"),
        ("entry", None, "is missing"),
    ],
)
def test_members_that_do_not_fit_are_named(case: Case, member: str, value: Any, message: str) -> None:
    changed = case.completed | {member: value}
    if value is None:
        del changed[member]
    with pytest.raises(ReceiptError, match=message) as refused:
        verify(changed, [case.log])
    assert refused.value.member in (member, "signature", "proof")


def test_another_entry_of_the_log_does_not_complete_it(case: Case) -> None:
    _, node = case.market.tree()
    proof = merkle.inclusion_proof(0, len(case.market.leaves), node)
    with pytest.raises(ReceiptError, match="another event"):
        complete(case.promise, case.market.logs["orders"][0], 0, proof, case.checkpoint, case.log)


def test_a_checkpoint_by_another_key_does_not_complete_it(case: Case) -> None:
    forger = Signer.generate(ORIGIN)
    frontier, _ = case.market.tree()
    forged = sign_checkpoint(Checkpoint(ORIGIN, frontier.size, frontier.root()), forger)
    with pytest.raises(ReceiptError, match="checkpoint: no signature by a known key"):
        complete(case.promise, case.entry, case.index, case.proof, forged, case.log)
    own = complete(case.promise, case.entry, case.index, case.proof, forged, forger.verifier)
    with pytest.raises(ReceiptError, match="not the trusted key"):
        verify(own, [case.log])


def test_what_is_no_receipt_at_all(tmp_path: Path) -> None:
    path = tmp_path / "receipt.json"
    for data in (b"", b"[]", b"{", b'"x"', b"{}", b"x" * 2_000_000):
        path.write_bytes(data)
        with pytest.raises(VerifyError, match=r"receipt\.json"):
            verify_receipt(path)
    with pytest.raises(VerifyError, match="No such file"):
        verify_receipt(tmp_path / "absent.json")
    with pytest.raises(VerifyError, match="the trusted key"):
        verify_receipt(path, "nonsense")
