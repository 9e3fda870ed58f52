"""A small signed tree made by the kernel, and the auditor's own program to check it with."""

from __future__ import annotations

import importlib.util
from functools import cached_property
from types import ModuleType

from kernel.merkle import inclusion_proof, leaf_hashes, nodes_added_by, root_at
from kernel.note import Checkpoint, Signer, sign_checkpoint
from kernel.settings import PROJECT

ORIGIN = "market.example/docs"


def _load() -> ModuleType:
    """docs/check_entry.py is no part of a package: it must run where nothing of the market is."""
    spec = importlib.util.spec_from_file_location("check_entry", PROJECT / "docs" / "check_entry.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


check_entry = _load()


class Tree:
    """`size` entries, their tree, and a checkpoint signed by a key of its own."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.entries = [f"entry {number}".encode() for number in range(size)]
        self._signer = Signer.generate(ORIGIN)
        self._nodes = {
            (level, at): value for level, at, value in nodes_added_by(0, leaf_hashes(self.entries), self._node)
        }

    def _node(self, level: int, index: int) -> bytes:
        return self._nodes[level, index]

    @property
    def key(self) -> str:
        return str(self._signer.verifier)

    @cached_property
    def root(self) -> bytes:
        return root_at(self.size, self._node)

    @cached_property
    def checkpoint(self) -> str:
        return sign_checkpoint(Checkpoint(ORIGIN, self.size, self.root), self._signer)

    def proof(self, index: int) -> list[bytes]:
        return inclusion_proof(index, self.size, self._node)
