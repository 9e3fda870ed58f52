"""The Merkle tree of RFC 6962: hashes, a frontier that grows, proofs and their checks.

Nothing here stores anything. A tree is its *complete* subtrees: node (level, index) is the root over the leaves
[index·2^level, (index+1)·2^level). Such a node never changes once it exists, so a database can hold them
insert-only; `nodes_added_by` says which ones a batch of leaves completes, and every proof is made from a getter
`node(level, index)`. A `CompactRange` is the frontier alone: O(log n) hashes from which the tree goes on.

The checks return nothing and raise `ProofError`, so a forgotten `if` can't accept a bad proof.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256

HASH_SIZE = 32
#: Root of the tree without leaves (RFC 6962, section 2.1).
EMPTY_ROOT = sha256(b"").digest()

NodeGetter = Callable[[int, int], bytes]
#: level, index, hash
Node = tuple[int, int, bytes]


class ProofError(ValueError):
    """A proof that proves nothing; the text says what doesn't fit."""


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry). The prefix keeps a leaf from passing for a node (RFC 6962, section 2.1)."""
    return sha256(b"\x00" + entry).digest()


def leaf_hashes(entries: Iterable[bytes]) -> list[bytes]:
    """`leaf_hash` of each entry, without a call per entry: verification spends most of its time here."""
    hashed = sha256
    return [hashed(b"\x00" + entry).digest() for entry in entries]


def hashes_in(data: bytes) -> list[bytes]:
    """The hashes that stand in `data` one behind the other."""
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The frontier of a tree of `size` leaves: roots of its complete subtrees, widest first."""

    __slots__ = ("_peaks", "_size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self._size = size
        self._peaks = list(peaks)
        if size < 0 or len(self._peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has no frontier of {len(self._peaks)} hashes")
        if any(len(peak) != HASH_SIZE for peak in self._peaks):
            raise ValueError(f"every hash of a frontier has {HASH_SIZE} bytes")

    @classmethod
    def from_nodes(cls, size: int, node: NodeGetter) -> CompactRange:
        """The frontier at any size of a stored tree."""
        return cls(size, (node(level, index) for level, index in _complete(0, size)))

    @classmethod
    def from_bytes(cls, state: bytes) -> CompactRange:
        """Read back `to_bytes`. Raises ValueError when the state is torn."""
        if len(state) < 8 or (len(state) - 8) % HASH_SIZE:
            raise ValueError("the state of a frontier is 8 bytes of size and whole hashes")
        peaks = (state[at : at + HASH_SIZE] for at in range(8, len(state), HASH_SIZE))
        return cls(int.from_bytes(state[:8], "big"), peaks)

    def to_bytes(self) -> bytes:
        """Size (8 bytes, big-endian), then the hashes: 8 + 32·log2(size) bytes at most."""
        return self._size.to_bytes(8, "big") + b"".join(self._peaks)

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    def copy(self) -> CompactRange:
        """An independent frontier at the same place."""
        return CompactRange(self._size, self._peaks)

    def append(self, leaf: bytes) -> None:
        """Add one leaf by its hash."""
        self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes], added: list[Node] | None = None) -> None:
        """Add leaves by their hashes; `added` collects the complete subtrees that came to be, leaves included.

        Level by level, as in binary addition: a list at a time is twice as fast as a leaf at a time.
        """
        fresh, hashed = list(leaves), sha256
        before, level, narrow = self._size, 0, []
        self._size += len(fresh)
        while fresh:
            if added is not None:
                index = before >> level
                added.extend((level, index + offset, node) for offset, node in enumerate(fresh))
            if before >> level & 1:  # the old subtree of this width waited for its right-hand neighbour
                fresh.insert(0, self._peaks.pop())
            if len(fresh) & 1:
                narrow.append(fresh.pop())
            pairs = iter(fresh)
            fresh = [hashed(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            level += 1
        self._peaks.extend(reversed(narrow))

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        return _fold(self._peaks)


def nodes_added_by(size_before: int, leaves: Iterable[bytes], node: NodeGetter) -> list[Node]:
    """The complete subtrees (level, index, hash) that these leaf hashes add to a stored tree, level by level.

    `node` is asked only for the frontier of the tree before: O(log size_before) hashes.
    """
    added: list[Node] = []
    CompactRange.from_nodes(size_before, node).extend(leaves, added)
    return added


def root_at(size: int, node: NodeGetter) -> bytes:
    """The root that the stored tree had at `size` leaves."""
    return _range_root(0, size, node)


def inclusion_proof(index: int, size: int, node: NodeGetter) -> list[bytes]:
    """PATH(index, D[size]) of RFC 6962 2.1.1: the hashes from the leaf's sibling up to below the root."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[bytes] = []
    first, end = 0, size
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append(_range_root(middle, end, node))
            end = middle
        else:
            path.append(_range_root(first, middle, node))
            first = middle
    path.reverse()
    return path


def consistency_proof(size1: int, size2: int, node: NodeGetter) -> list[bytes]:
    """PROOF(size1, D[size2]) of RFC 6962 2.1.2: that the tree of size1 is the beginning of the tree of size2."""
    if not 0 < size1 <= size2:
        raise ValueError(f"there is no consistency proof from size {size1} to {size2}")
    path: list[bytes] = []
    first, end, known = 0, size2, True  # known: the verifier holds the root of what is left, so it isn't sent
    while end != size1:
        middle = first + _split(end - first)
        if size1 <= middle:
            path.append(_range_root(middle, end, node))
            end = middle
        else:
            path.append(_range_root(first, middle, node))
            first, known = middle, False
    if not known:
        path.append(_range_root(first, end, node))
    path.reverse()
    return path


def verify_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """Raise ProofError unless `leaf` (a leaf hash) is leaf `index` of the tree of `size` with `root`.

    Algorithm of RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size}")
    _check_hashes([leaf, root, *proof])
    current = leaf
    for sibling, on_the_left in _climb(index, size - 1, proof):
        current = node_hash(sibling, current) if on_the_left else node_hash(current, sibling)
    if current != root:
        raise ProofError(f"the inclusion proof of leaf {index} leads to {current.hex()}, not to {root.hex()}")


def verify_consistency(size1: int, size2: int, root1: bytes, root2: bytes, proof: Sequence[bytes]) -> None:
    """Raise ProofError unless the tree of `size1` with `root1` is the beginning of that of `size2` with `root2`.

    Algorithm of RFC 9162, section 2.1.4.2. From the empty tree nothing can be proven, so it is refused.
    """
    if size1 <= 0 or size1 > size2:
        raise ProofError(f"nothing can be proven from size {size1} to {size2}")
    if size1 == size2:
        if proof:
            raise ProofError("a consistency proof between equal sizes is empty")
        if root1 != root2:
            raise ProofError(f"two different roots for the same size {size1}")
        return
    _check_hashes([root1, root2, *proof])
    number, last = size1 - 1, size2 - 1
    while number & 1:
        number >>= 1
        last >>= 1
    # A size1 that is a power of two is itself a node of the tree: the verifier starts from the root it has.
    path = [root1, *proof] if number == 0 else list(proof)
    if not proof:
        raise ProofError("the consistency proof is empty")
    older = newer = path[0]
    for sibling, on_the_left in _climb(number, last, path[1:]):
        if on_the_left:
            older, newer = node_hash(sibling, older), node_hash(sibling, newer)
        else:
            newer = node_hash(newer, sibling)
    if older != root1:
        raise ProofError(f"the tree of {size1} has root {older.hex()} by the proof, not {root1.hex()}")
    if newer != root2:
        raise ProofError(f"the tree of {size2} has root {newer.hex()} by the proof, not {root2.hex()}")


def _climb(number: int, last: int, proof: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Go up from node `number` of a level whose last node is `last`: each hash, and whether it stands on the left.

    Raises ProofError unless the hashes are exactly as many as the way up has siblings.
    """
    for sibling in proof:
        if last == 0:
            raise ProofError(f"the proof has {len(proof)} hashes, more than the tree is high")
        on_the_left = bool(number & 1) or number == last
        yield sibling, on_the_left
        # The last node of a level may have no sibling there: it goes up alone until it is a right-hand child.
        while on_the_left and not number & 1 and number:
            number >>= 1
            last >>= 1
        number >>= 1
        last >>= 1
    if last:
        raise ProofError(f"the proof has {len(proof)} hashes, too few to reach the root")


def _check_hashes(hashes: Iterable[bytes]) -> None:
    for value in hashes:
        if len(value) != HASH_SIZE:
            raise ProofError(f"a hash has {len(value)} bytes instead of {HASH_SIZE}")


def _split(width: int) -> int:
    """The largest power of two below `width` (RFC 6962's k), for width over 1."""
    return 1 << ((width - 1).bit_length() - 1)


def _complete(first: int, end: int) -> Iterable[tuple[int, int]]:
    """The complete subtrees, widest first, that cover [first, end) when `first` is a multiple of their widths."""
    while first < end:
        level = (end - first).bit_length() - 1
        yield level, first >> level
        first += 1 << level


def _range_root(first: int, end: int, node: NodeGetter) -> bytes:
    return _fold([node(level, index) for level, index in _complete(first, end)])


def _fold(peaks: Sequence[bytes]) -> bytes:
    """Join subtree roots, widest first, into one root: the narrow ones on the right are joined first."""
    if not peaks:
        return EMPTY_ROOT
    current = peaks[-1]
    for peak in reversed(peaks[:-1]):
        current = node_hash(peak, current)
    return current
