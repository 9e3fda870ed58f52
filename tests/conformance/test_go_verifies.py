"""Go's libraries for transparency logs accept what the market signs, and refuse it with any byte changed.

They are of other hands (golang.org/x/mod, Debian's golang-golang-x-mod-dev) and share no code with the market.
"""

from __future__ import annotations

import json
import os
import subprocess
from base64 import b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kernel import canonical, chain, merkle
from kernel.identity import SigningKey
from kernel.note import Checkpoint, Signer, sign_checkpoint
from kernel.receipt import complete, make_receipt_note, receipt_from_note

pytestmark = [pytest.mark.needs("go"), pytest.mark.timeout(300)]

PROGRAM = Path(__file__).parent / "go" / "verify.go"
RECEIVED = "2027-01-05T12:00:00.000000Z"
SIZE, INDEX = 21, 13


@pytest.fixture(scope="module")
def verify_go(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Go program, built from Debian's sources alone: nothing is fetched."""
    binary = tmp_path_factory.mktemp("go") / "verify"
    environment = os.environ | {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "CGO_ENABLED": "0"}
    environment.setdefault("GOCACHE", str(binary.parent / "cache"))
    built = subprocess.run(
        ["go", "build", "-o", str(binary), str(PROGRAM)], env=environment, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    return binary


class Log:
    """A small log with files that Go reads: checkpoint, entry, proof, receipt."""

    def __init__(self, folder: Path) -> None:
        signer, service = Signer.generate("market.example/log"), SigningKey(Ed25519PrivateKey.generate())
        link, entries = chain.START, []
        for number in range(SIZE):
            event = canonical.dumps({"id": f"e{number}", "source": "/services/orders", "data": {"n": number}})
            entry, link = chain.next_entry(link, event, RECEIVED)
            entries.append(entry)
        nodes = {
            (level, at): value for level, at, value in merkle.nodes_added_by(0, merkle.leaf_hashes(entries), _none)
        }

        def node(level: int, at: int) -> bytes:
            return nodes[level, at]

        note = sign_checkpoint(Checkpoint("market.example/log", SIZE, merkle.root_at(SIZE, node)), signer)
        proof = merkle.inclusion_proof(INDEX, SIZE, node)
        body = chain.event_bytes(entries[INDEX])
        promise = receipt_from_note(
            make_receipt_note("orders", f"e{INDEX}", body, RECEIVED, "market/orders", service),
            Signer("market/orders", service.private).verifier,
        )
        receipt = complete(promise, entries[INDEX], INDEX, proof, note, signer.verifier)
        self.key, self.service_key = str(signer.verifier), str(receipt["key"])
        self.checkpoint, self.entry = folder / "checkpoint", folder / "entry"
        self.proof, self.receipt = folder / "proof", folder / "receipt.json"
        self.checkpoint.write_text(note)
        self.entry.write_bytes(entries[INDEX])
        self.proof.write_text("".join(b64encode(value).decode() + "\n" for value in proof))
        self.receipt.write_text(json.dumps(receipt))


def _none(level: int, index: int) -> bytes:
    raise AssertionError(f"an empty tree has no node {level}/{index}")


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def run(verify_go: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([verify_go, *map(str, arguments)], capture_output=True, text=True)


def flip_and_refuse(verify_go: Path, file: Path, offsets: range, *arguments: object) -> None:
    original = file.read_bytes()
    assert len(offsets) > 5
    for at in offsets:
        changed = bytearray(original)
        changed[at] ^= 4  # in base64's last letter the two lowest bits say nothing, and Go reads them leniently
        file.write_bytes(changed)
        refused = run(verify_go, *arguments)
        assert refused.returncode == 1, f"byte {at} of {file.name}: {refused.stdout}"
        assert refused.stderr.strip()
    file.write_bytes(original)


def test_go_accepts_a_checkpoint(verify_go: Path, log: Log) -> None:
    said = run(verify_go, "checkpoint", log.checkpoint, log.key)
    assert (said.returncode, said.stderr) == (0, "")
    assert f"checkpoint of {SIZE} leaves" in said.stdout
    stranger = str(Signer.generate("market.example/log").verifier)
    assert "no verifiable signatures" in run(verify_go, "checkpoint", log.checkpoint, stranger).stderr


def test_go_refuses_a_checkpoint_with_any_byte_changed(verify_go: Path, log: Log) -> None:
    size = log.checkpoint.stat().st_size
    flip_and_refuse(verify_go, log.checkpoint, range(size), "checkpoint", log.checkpoint, log.key)


def test_go_accepts_an_inclusion_proof_and_refuses_a_changed_one(verify_go: Path, log: Log) -> None:
    arguments = ("proof", log.checkpoint, log.entry, INDEX, log.proof, log.key)
    said = run(verify_go, *arguments)
    assert (said.returncode, said.stdout) == (0, f"the entry is leaf {INDEX} of {SIZE}\n"), said.stderr
    flip_and_refuse(verify_go, log.entry, range(0, log.entry.stat().st_size, 9), *arguments)
    flip_and_refuse(verify_go, log.proof, range(0, log.proof.stat().st_size - 1, 7), *arguments)
    assert run(verify_go, "proof", log.checkpoint, log.entry, INDEX + 1, log.proof, log.key).returncode == 1


def test_go_accepts_a_completed_receipt_and_refuses_a_changed_one(verify_go: Path, log: Log) -> None:
    arguments = ("receipt", log.receipt, log.key, log.service_key)
    said = run(verify_go, *arguments)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == f"receipt of event e{INDEX}\nits entry is leaf {INDEX} of {SIZE}\n"
    text = log.receipt.read_text()
    for changed in (
        text.replace('"event_id": "e13"', '"event_id": "e12"'),
        text.replace('\\"n\\":13', '\\"n\\":14'),
        text.replace('"leafindex": 13', '"leafindex": 12'),
        text.replace(RECEIVED, "2027-01-05T11:59:59.000000Z", 1),
    ):
        assert changed != text
        log.receipt.write_text(changed)
        assert run(verify_go, *arguments).returncode == 1
