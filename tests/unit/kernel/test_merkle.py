"""The tree against the definition of RFC 6962, written here a second time, recursively and slowly."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel import merkle
from kernel.merkle import CompactRange, ProofError


def leaves(count: int) -> list[bytes]:
    return [merkle.leaf_hash(f"entry {number}".encode()) for number in range(count)]


def defined_root(hashes: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return sha256(b"\x01" + defined_root(hashes[:split]) + defined_root(hashes[split:])).digest()


class Store:
    """Complete subtrees as a database holds them: written once, read by level and index."""

    def __init__(self) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.size = 0

    def add(self, hashes: list[bytes]) -> None:
        for level, index, value in merkle.nodes_added_by(self.size, hashes, self.node):
            assert (level, index) not in self.nodes, "a node is written once"
            self.nodes[level, index] = value
        self.size += len(hashes)

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]


def store_of(count: int) -> Store:
    store = Store()
    store.add(leaves(count))
    return store


def test_known_roots() -> None:
    """Root of nothing, and of the empty leaf, as RFC 6962's test data publish them."""
    assert CompactRange().root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.leaf_hashes([b"", b"x"]) == [merkle.leaf_hash(b""), merkle.leaf_hash(b"x")]


@given(st.lists(st.integers(0, 40), max_size=8))
def test_any_cutting_into_batches_gives_the_defined_root_and_the_same_nodes(batches: list[int]) -> None:
    hashes = leaves(sum(batches))
    frontier, store, at = CompactRange(), Store(), 0
    for width in batches:
        frontier.extend(hashes[at : at + width])
        store.add(hashes[at : at + width])
        at += width
        assert frontier.size == at
        assert frontier.root() == defined_root(hashes[:at]) == merkle.root_at(at, store.node)
    one_by_one = CompactRange()
    for value in hashes:
        one_by_one.append(value)
    assert one_by_one.to_bytes() == frontier.to_bytes() == CompactRange.from_nodes(at, store.node).to_bytes()
    assert len(store.nodes) == sum(at >> level for level in range(at.bit_length()))


def test_frontier_survives_its_serialisation_and_copies_are_independent() -> None:
    frontier = CompactRange()
    frontier.extend(leaves(1000))
    again = CompactRange.from_bytes(frontier.to_bytes())
    branch = again.copy()
    branch.append(leaves(1)[0])
    assert (again.size, again.root()) == (1000, frontier.root())
    assert (branch.size, branch.root()) == (1001, defined_root([*leaves(1000), leaves(1)[0]]))
    assert len(frontier.to_bytes()) <= 8 + 32 * 10
    for torn in (frontier.to_bytes()[:-1], frontier.to_bytes()[:-32], b"", b"\xff" * 8):
        with pytest.raises(ValueError):
            CompactRange.from_bytes(torn)


def test_every_inclusion_proof_of_small_trees_holds_and_only_there() -> None:
    store, hashes = store_of(33), leaves(33)
    for size in range(1, 34):
        root = merkle.root_at(size, store.node)
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, store.node)
            merkle.verify_inclusion(index, size, hashes[index], proof, root)
            for other in (index - 1, index + 1, index ^ 2, size):
                with pytest.raises(ProofError):
                    merkle.verify_inclusion(other, size, hashes[index], proof, root)
            for bad in ([*proof, hashes[0]], proof[:-1], [hashes[5], *proof]):
                if bad != proof:
                    with pytest.raises(ProofError):
                        merkle.verify_inclusion(index, size, hashes[index], bad, root)


def test_every_consistency_proof_of_small_trees_holds_and_only_there() -> None:
    store = store_of(33)
    roots = [merkle.root_at(size, store.node) for size in range(34)]
    for newer in range(1, 34):
        for older in range(1, newer + 1):
            proof = merkle.consistency_proof(older, newer, store.node)
            merkle.verify_consistency(older, newer, roots[older], roots[newer], proof)
            with pytest.raises(ProofError):
                merkle.verify_consistency(older, newer, roots[older - 1], roots[newer], proof)
            with pytest.raises(ProofError):
                merkle.verify_consistency(older, newer, roots[older], roots[newer - 1], proof)
            with pytest.raises(ProofError):
                merkle.verify_consistency(older, newer, roots[older], roots[newer], [*proof, roots[1]])


@given(st.integers(1, 300), st.integers(0, 299), st.data())
def test_a_flipped_bit_in_a_proof_is_refused(size: int, index: int, data: st.DataObject) -> None:
    index %= size
    store = store_of(size)
    root = merkle.root_at(size, store.node)
    proof = merkle.inclusion_proof(index, size, store.node)
    if not proof:
        return
    which, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 255))
    flipped = bytearray(proof[which])
    flipped[bit // 8] ^= 1 << bit % 8
    proof[which] = bytes(flipped)
    with pytest.raises(ProofError):
        merkle.verify_inclusion(index, size, leaves(size)[index], proof, root)


def test_a_rewritten_leaf_breaks_consistency_with_what_was_seen() -> None:
    honest, forged = leaves(200), leaves(200)
    forged[random.Random(7).randrange(100)] = merkle.leaf_hash(b"another price")
    store = Store()
    store.add(forged)
    proof = merkle.consistency_proof(100, 200, store.node)
    with pytest.raises(ProofError, match="tree of 100 has root"):
        merkle.verify_consistency(100, 200, defined_root(honest[:100]), merkle.root_at(200, store.node), proof)


def test_proofs_that_cannot_be_are_not_made() -> None:
    store = store_of(4)
    for index, size in ((4, 4), (-1, 4), (0, 0)):
        with pytest.raises(ValueError, match="is not in a tree"):
            merkle.inclusion_proof(index, size, store.node)
    for older, newer in ((0, 4), (5, 4)):
        with pytest.raises(ValueError, match="no consistency proof"):
            merkle.consistency_proof(older, newer, store.node)
