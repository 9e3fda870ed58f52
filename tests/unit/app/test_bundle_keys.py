"""A bundle of a log whose key was changed: whichever of its keys is trusted, each checkpoint is one of its own time's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.audit.bundle import VerifyError, open_bundle, verify_bundle
from kernel.log_keys import hand_over
from kernel.note import Checkpoint, Signer, sign_checkpoint
from tests.unit.app.bundles import ORIGIN, Market, small_market


class Changed:
    """A market of four checkpoints, whose key was changed after the second."""

    def __init__(self) -> None:
        self.old, self.new = (Signer.generate(ORIGIN) for _ in range(2))
        self.market: Market = small_market()
        self.trees = [Checkpoint(ORIGIN, size, self.market.tree(size)[0].root()) for size in (3, 6, 9, 12)]
        self.handover = hand_over(self.trees[1], self.old, self.new)

    def write(self, path: Path, signers: list[Signer], **more: Any) -> Path:
        checkpoints = [sign_checkpoint(tree, signer) for tree, signer in zip(self.trees, signers, strict=True)]
        parts = {"checkpoints": checkpoints, "signer": self.new, "handovers": [self.handover], **more}
        return self.market.write(path, **parts)


@pytest.fixture(scope="module")
def changed() -> Changed:
    return Changed()


def test_any_of_the_keys_is_enough(changed: Changed, tmp_path: Path) -> None:
    path = changed.write(tmp_path / "bundle.zip", [changed.old, changed.old, changed.new, changed.new])
    for trusted in (changed.old, changed.new):
        report = verify_bundle(path, str(trusted.verifier))
        assert report.trusted and report.key == changed.new.verifier and report.handovers == 1
        assert str(report).endswith("each by a note that both keys signed: 1")
    with open_bundle(path) as bundle:
        assert bundle.manifest.handovers == (changed.handover,)


@pytest.mark.parametrize("signers", ["oooo", "ooon", "nnnn", "onnn", "oono"])
def test_a_key_out_of_its_time_is_refused_with_the_checkpoint(changed: Changed, tmp_path: Path, signers: str) -> None:
    chosen = [changed.old if letter == "o" else changed.new for letter in signers]
    path = changed.write(tmp_path / "bundle.zip", chosen)
    with pytest.raises(VerifyError, match=r"checkpoint \d: no signature by a known key"):
        verify_bundle(path, str(changed.new.verifier))


def test_who_was_never_named_is_led_nowhere(changed: Changed, tmp_path: Path) -> None:
    right = [changed.old, changed.old, changed.new, changed.new]
    path = changed.write(tmp_path / "bundle.zip", right)
    with pytest.raises(VerifyError, match="from the trusted key"):
        verify_bundle(path, str(Signer.generate(ORIGIN).verifier))
    unnamed = changed.write(tmp_path / "unnamed.zip", right, handovers=[])
    with pytest.raises(VerifyError, match="not the trusted key"):
        verify_bundle(unnamed, str(changed.old.verifier))


def test_a_key_that_has_gone_signs_no_bundle(changed: Changed, tmp_path: Path) -> None:
    right = [changed.old, changed.old, changed.new, changed.new]
    path = changed.write(tmp_path / "bundle.zip", right, signer=changed.old)
    with pytest.raises(VerifyError, match="its handovers lead to another key"):
        verify_bundle(path, str(changed.new.verifier))
