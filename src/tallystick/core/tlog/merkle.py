"""Merkle trees as in RFC 6962 section 2.1: hashes, roots, proofs, and their checks.

Everything here works on hashes and numbers alone. A tree is read through one function, which
returns the hash of a perfect subtree; so the database, the tiles on disk and the tiles behind a
URL are proved and checked by the same lines. Consistency and subtree proofs are those of
draft-ietf-plants-merkle-tree-certs section 4 (2026-04-24), of which RFC 6962's are the case that
starts at 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from tallystick.core.tlog.errors import BadProof

HASH_BYTES: Final = 32
EMPTY: Final = hashlib.sha256(b"").digest()
PROOF_HASHES_MAX: Final = 63
"""More hashes no proof has whose tree size fits 63 bits."""

Node = Callable[[int, int], bytes]
"""``node(level, index)``: the hash over leaves ``[index·2^level, (index+1)·2^level)``."""


def leaf(entry: bytes) -> bytes:
    """Return an entry's leaf hash: SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split(count: int) -> int:
    """Return the largest power of two below ``count`` (at least 2)."""
    return 1 << ((count - 1).bit_length() - 1)


class Frontier:
    """The right edge of a tree: one hash for each bit that is set in its size, largest first.

    Appending costs one hash on average, and the root at most one for each bit; nothing else of
    the tree is needed, however large it is.
    """

    __slots__ = ("hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        self.size, self.hashes = size, list(hashes)
        if len(self.hashes) != size.bit_count():
            raise BadProof(f"{len(self.hashes)} hashes are no right edge of {size} leaves")

    @classmethod
    def read(cls, size: int, data: bytes) -> Frontier:
        """Read the form that `packed` gives."""
        return cls(size, (data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)))

    def packed(self) -> bytes:
        """Return the hashes one behind the other."""
        return b"".join(self.hashes)

    def append(self, leaf_hash: bytes) -> None:
        """Add one leaf."""
        self.add(leaf_hash, 0)

    def add(self, tree: bytes, level: int) -> None:
        """Add a perfect subtree of ``2^level`` leaves; the size must be a multiple of it."""
        if self.size & ((1 << level) - 1):
            raise BadProof(f"{self.size} leaves are not a multiple of 2^{level}")
        size = self.size >> level
        while size & 1:
            tree = parent(self.hashes.pop(), tree)
            size >>= 1
        self.hashes.append(tree)
        self.size += 1 << level

    def root(self) -> bytes:
        """Return the root over all leaves so far."""
        if not self.hashes:
            return EMPTY
        found = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            found = parent(left, found)
        return found


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes: pairs, then pairs of pairs; one left over moves up."""
    row, sha256 = list(leaves), hashlib.sha256
    while len(row) > 1:
        pairs = zip(row[::2], row[1::2], strict=False)
        above = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        row = above + row[-1:] if len(row) & 1 else above
    return row[0] if row else EMPTY


def range_root(node: Node, start: int, end: int) -> bytes:
    """Return the hash over leaves ``[start, end)``, where ``start`` is a multiple as in `subtree`.

    A perfect range is one node; any other is split as RFC 6962 splits a tree.
    """
    if start == end:
        return EMPTY
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + split(count)
    return parent(range_root(node, start, middle), range_root(node, middle, end))


def is_subtree(start: int, end: int) -> bool:
    """Say whether ``[start, end)`` is a subtree: ``start`` a multiple of its least power of two."""
    return 0 <= start < end and start % (1 << (end - start - 1).bit_length()) == 0


def prove(node: Node, start: int, end: int, size: int) -> list[bytes]:
    """Return the proof that subtree ``[start, end)`` is part of the tree of ``size`` leaves.

    ``[i, i+1)`` gives RFC 6962's audit path of leaf i, ``[0, m)`` its consistency proof from m.
    """
    if not is_subtree(start, end) or end > size:
        raise BadProof(f"[{start}, {end}) is no subtree of {size} leaves")
    found: list[bytes] = []
    low, high, whole = 0, size, True
    while (start, end) != (low, high):
        middle = low + split(high - low)
        if end <= middle:
            found.append(range_root(node, middle, high))
            high = middle
        else:
            found.append(range_root(node, low, middle))
            if start < middle:
                start, whole = middle, False
            low = middle
    if not whole:
        found.append(range_root(node, low, high))
    return found[::-1]


def inclusion(node: Node, index: int, size: int) -> list[bytes]:
    """Return the audit path of a leaf, from the leaf to the root (RFC 6962 section 2.1.1)."""
    return prove(node, index, index + 1, size)


def consistency(node: Node, old: int, new: int) -> list[bytes]:
    """Return the consistency proof (section 2.1.2); from an empty or the same tree, no hashes."""
    return [] if old in (0, new) else prove(node, 0, old, new)


def check(
    start: int, end: int, size: int, proof: Sequence[bytes], part: bytes, root: bytes
) -> None:
    """Check that the subtree ``[start, end)`` with hash ``part`` is in the tree; raise `BadProof`.

    Every hash of the proof must be used, and each has 32 bytes.
    """
    if not is_subtree(start, end) or end > size:
        raise BadProof(f"[{start}, {end}) is no subtree of {size} leaves")
    if any(len(item) != HASH_BYTES for item in (*proof, part, root)):
        raise BadProof(f"a hash does not have {HASH_BYTES} bytes")
    left = list(proof)
    small, large = _both(start, end, size, left, part)
    if left:
        raise BadProof(f"{len(left)} hashes too many")
    if small != part or large != root:
        raise BadProof("the hashes do not lead to the root")


def _both(start: int, end: int, size: int, left: list[bytes], part: bytes) -> tuple[bytes, bytes]:
    """Walk down to the subtree, then up; return the hash of the subtree and of the tree."""
    steps: list[tuple[str, bytes]] = []
    low, high, whole = 0, size, True
    while (start, end) != (low, high):
        middle = low + split(high - low)
        other = _next(left)
        if end <= middle:
            steps.append(("right", other))
            high = middle
        else:
            steps.append(("left", other) if start >= middle else ("both", other))
            if start < middle:
                start, whole = middle, False
            low = middle
    small = large = part if whole else _next(left)
    for side, other in reversed(steps):
        if side == "both":
            small = parent(other, small)
        large = parent(large, other) if side == "right" else parent(other, large)
    return small, large


def _next(left: list[bytes]) -> bytes:
    if not left:
        raise BadProof("hashes are missing")
    return left.pop()


def check_inclusion(
    index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes
) -> None:
    """Check an audit path; raise `BadProof`."""
    if not 0 <= index < size:
        raise BadProof(f"there is no entry {index} among {size}")
    check(index, index + 1, size, proof, leaf_hash, root)


def check_consistency(old: int, new: int, proof: Sequence[bytes], was: bytes, now: bytes) -> None:
    """Check that the tree of ``new`` leaves continues that of ``old``; raise `BadProof`.

    Nothing is provable from an empty tree, so growth from 0 is refused here; the empty tree is
    consistent with itself.
    """
    if old == new:
        if proof or was != now or len(was) != HASH_BYTES or (new == 0 and was != EMPTY):
            raise BadProof("two roots of one size")
        return
    if not 0 < old < new:
        raise BadProof(f"no proof leads from {old} to {new}")
    check(0, old, new, proof, was, now)
