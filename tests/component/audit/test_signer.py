"""Checkpoints: several signers share one memory, each tree goes on from the one signed before, by whichever process."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from kernel.host import Host
from kernel.ids import new_id
from kernel.keys import PublicKeys
from kernel.merkle import CompactRange, root_at
from kernel.note import Verifier, open_checkpoint
from kernel.settings import Settings
from services.audit import signer
from services.audit.service import service as audit
from services.audit.signer import CheckpointSigner, ForkedTree, node_of
from tests.faults.book import KEEPER
from tests.support import Market
from tests.toy.services import box_service

REPLICAS = 3


class Signers:
    """A toy market whose audit service signs in several processes' worth of hosts, with one memory outside the keys."""

    def __init__(self, url: str, home: Path) -> None:
        contracts = home / "contracts"
        contracts.mkdir(parents=True)
        (contracts / "readers.json").write_text("{}")
        self.market = Market([box_service(), audit(("box",), contracts)], url, home, None)
        self.memory = home / "volume" / "log.signed"
        self.memory.parent.mkdir()
        settings = Settings(home=home, signed=self.memory)
        service = self.market.installation.hosts["audit"].service
        self.hosts = [Host(service, url, settings) for _ in range(REPLICAS)]
        self.signers = [CheckpointSigner() for _ in self.hosts]

    def close(self) -> None:
        for host in self.hosts:
            host.close()
        self.market.close()

    def grow(self) -> None:
        """One more leaf. The market's own worker of audit, which would sign too, takes no turn."""
        self.market.do("box.open_box", {"id": new_id(), "colour": "red"}, KEEPER)
        while self.market.installation.workers["box"].turn():
            pass
        while self.market.installation.workers["audit"].subscriptions[0].catch_up():
            pass

    def sign(self, which: int) -> bool:
        self.signers[which]._looked = -signer.EVERY_S
        return self.signers[which](self.hosts[which])

    def remembered(self) -> int:
        return int(orjson.loads(self.memory.read_bytes())["size"])

    def size(self) -> int:
        return int(self.market.sql("SELECT count(*) FROM audit.leaf")[0][0])


@pytest.fixture
def signers(fresh_database: str, tmp_path: Path) -> Iterator[Signers]:
    made = Signers(fresh_database, tmp_path / "home")
    yield made
    made.close()


def test_processes_sign_in_turn_and_at_once_and_every_tree_goes_on(signers: Signers) -> None:
    with ThreadPoolExecutor(REPLICAS) as pool:
        for round in range(12):
            signers.grow()
            done = list(pool.map(signers.sign, range(REPLICAS))) if round % 2 else [signers.sign(round % REPLICAS)]
            assert any(done) and signers.remembered() == signers.size()
    checkpoints = signers.market.sql("SELECT size, root, note FROM audit.checkpoint ORDER BY size")
    assert [size for size, _, _ in checkpoints] == list(range(1, 13))
    settings = signers.market.settings
    verifier = Verifier(settings.origin, PublicKeys(settings.keys).of("log"))
    with signers.hosts[0].engine.connect() as connection:
        for size, root, note in checkpoints:
            assert open_checkpoint(note, [verifier]).root == bytes(root) == root_at(size, node_of(connection))
    assert not (settings.keys / "log.signed").exists()


def test_what_one_process_signed_another_does_not_take_back(signers: Signers) -> None:
    for _ in range(3):
        signers.grow()
    assert signers.sign(0)
    kept = signers.memory.read_bytes()
    signers.memory.write_bytes(orjson.dumps({"size": 5, "root": "00" * 32}))
    for which in range(1, REPLICAS):
        with pytest.raises(ForkedTree, match="is this an old copy"):
            signers.sign(which)
    signers.memory.write_bytes(orjson.dumps({"size": 3, "root": "00" * 32}))
    with pytest.raises(ForkedTree, match="not those that were signed"):
        signers.sign(1)
    signers.memory.write_bytes(kept)
    assert signers.sign(1) and signers.sign(2)


def test_a_process_that_was_frozen_makes_the_memory_no_older(signers: Signers) -> None:
    signers.grow()
    with signers.hosts[0].engine.connect() as connection:
        [(frontier,)] = connection.exec_driver_sql("SELECT frontier FROM tree").all()
    signers.grow()
    assert signers.sign(1) and signers.remembered() == 2
    signer._remember(signers.memory, CompactRange.from_bytes(bytes(frontier)))
    assert signers.remembered() == 2
