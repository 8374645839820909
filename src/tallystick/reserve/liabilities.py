"""What is owed to others: a summed Merkle tree that proves the total and shows nobody's balance.

A node hashes both children's hashes and both children's sums, so that no debt can be hidden between
them (ePrint 2018/1139 describes the flaw of the older form, which hashed the sum alone). A leaf is
an HMAC under a nonce that only the creditor gets, balances are split and shuffled, and the tree is
filled up to a power of two with leaves of nothing: what a proof shows of others is a few sums.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from tallystick.core.clock import Clock
from tallystick.reserve.errors import LiabilitiesRefused

SATS_MAX: Final = 21_000_000 * 100_000_000
"""More than this is owed to nobody: there is no more bitcoin (consensus, MAX_MONEY)."""
LEAVES_MAX: Final = 2**20
PARTS: Final = 2
NODE_TAG: Final = b"tallystick/liabilities/node/1\n"
LEAF_TAG: Final = b"tallystick/liabilities/leaf/1\n"


class Node(msgspec.Struct, frozen=True):
    """A node of the tree: its hash in hex, and the satoshis below it."""

    hash: str
    sats: int


class Share(msgspec.Struct, frozen=True):
    """One part of one creditor's claim, with what they need to find it in the tree."""

    account: str
    nonce: str
    sats: int
    index: int
    path: tuple[Node, ...]
    """The sibling on each level, from the leaf up."""


def node(left: Node, right: Node) -> Node:
    """Join two nodes; raise `LiabilitiesRefused` for a sum below zero or above all bitcoin."""
    total = checked(left.sats) + checked(right.sats)
    body = NODE_TAG + bytes.fromhex(left.hash) + left.sats.to_bytes(8, "big")
    body += bytes.fromhex(right.hash) + right.sats.to_bytes(8, "big")
    return Node(hashlib.sha256(body).hexdigest(), checked(total))


def checked(sats: int) -> int:
    """Return a sum; raise `LiabilitiesRefused` if nobody could owe it."""
    if type(sats) is not int or not 0 <= sats <= SATS_MAX:
        raise LiabilitiesRefused(f"{str(sats)[:30]} satoshis are owed: below zero or above all")
    return sats


def leaf(account: str, nonce: bytes, sats: int, index: int) -> Node:
    """Return a leaf: an HMAC-SHA256 under the creditor's nonce over place, sum and account."""
    body = LEAF_TAG + index.to_bytes(8, "big") + checked(sats).to_bytes(8, "big")
    digest = hmac.new(nonce, body + account.encode(), hashlib.sha256).hexdigest()
    return Node(digest, sats)


class Tree:
    """A tree over claims. ``levels`` from the leaves to the root."""

    def __init__(
        self, claims: Mapping[str, int], clock: Clock, leaves_max: int = LEAVES_MAX
    ) -> None:
        parts = [part for account, sats in claims.items() for part in _split(account, sats, clock)]
        size = max(1, 1 << (len(parts) - 1).bit_length()) if parts else 1
        if size > leaves_max:
            raise LiabilitiesRefused(f"{len(parts)} leaves; at most {leaves_max}")
        parts += [("", 0)] * (size - len(parts))
        shuffled = sorted(parts, key=lambda _: clock.random_bytes(16))
        self.parts = [
            (account, clock.random_bytes(32), sats, at)
            for at, (account, sats) in enumerate(shuffled)
        ]
        level = [leaf(*part) for part in self.parts]
        self.levels = [level]
        while len(level) > 1:
            level = [node(level[at], level[at + 1]) for at in range(0, len(level), 2)]
            self.levels.append(level)

    @property
    def root(self) -> Node:
        """Return the root, which is published with the total."""
        return self.levels[-1][0]

    def shares(self, account: str) -> list[Share]:
        """Return what a creditor gets, to check that their claim is in the total."""
        return [
            Share(account, nonce.hex(), sats, at, tuple(self._path(at)))
            for name, nonce, sats, at in self.parts
            if name == account
        ]

    def _path(self, at: int) -> Iterable[Node]:
        for level in self.levels[:-1]:
            yield level[at ^ 1]
            at //= 2


def _split(account: str, sats: int, clock: Clock) -> list[tuple[str, int]]:
    """Cut a claim at a place that chance chose; what is nothing is left out."""
    if not account or sats == 0:
        if not account:
            raise LiabilitiesRefused("a claim names its account")
        return []
    first = int.from_bytes(clock.random_bytes(8), "big") % (checked(sats) + 1)
    return [(account, part) for part in (first, sats - first) if part]


def check(shares: Sequence[Share], claim: int, root: Node) -> None:
    """Check that a creditor's whole claim is in a published total; raise `LiabilitiesRefused`."""
    if len({share.index for share in shares}) != len(shares):
        raise LiabilitiesRefused("one share is counted twice")
    if sum(checked(share.sats) for share in shares) != claim:
        raise LiabilitiesRefused(f"the shares add up to another sum than the {claim} claimed")
    for share in shares:
        if share.index < 0 or share.index >> len(share.path):
            raise LiabilitiesRefused(f"there is no leaf {share.index} in such a tree")
        found = leaf(share.account, bytes.fromhex(share.nonce), share.sats, share.index)
        at = share.index
        for sibling in share.path:
            found = node(sibling, found) if at % 2 else node(found, sibling)
            at //= 2
        if found != root:
            raise LiabilitiesRefused(f"share {share.index} is not in the published tree")
