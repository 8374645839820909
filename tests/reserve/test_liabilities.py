"""The total owed holds for every creditor; no debt can be hidden or made negative."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tallystick.core.clock import SeededClock
from tallystick.reserve.errors import LiabilitiesRefused
from tallystick.reserve.liabilities import SATS_MAX, Node, Tree, check, leaf, node

CLAIMS = {f"customer {n}": (n * 37) % 11 * 1_000 for n in range(20)}


@settings(max_examples=25)
@given(st.dictionaries(st.text("abc", min_size=1, max_size=4), st.integers(0, 10**9), max_size=9))
def test_the_root_is_the_sum_and_each_creditor_finds_their_whole_claim(claims: dict[str, int]):
    tree = Tree(claims, SeededClock(3))
    assert tree.root.sats == sum(claims.values())
    for account, sats in claims.items():
        check(tree.shares(account), sats, tree.root)


def test_a_claim_left_out_or_made_smaller_is_found() -> None:
    whole, less = Tree(CLAIMS, SeededClock(1)), {**CLAIMS, "customer 3": 999}
    assert CLAIMS["customer 3"] > 999
    other = Tree(less, SeededClock(1))
    for shares in (whole.shares("customer 3"), other.shares("customer 3"), []):
        with pytest.raises(LiabilitiesRefused):
            check(shares, CLAIMS["customer 3"], other.root)


def test_a_share_counted_twice_is_found() -> None:
    tree = Tree({"a": 2}, SeededClock(2))
    share = tree.shares("a")[0]
    with pytest.raises(LiabilitiesRefused, match="twice"):
        check([share, share], 2 * share.sats, tree.root)


def test_the_sums_of_both_children_are_bound() -> None:
    """The older form hashed the sum alone, so that 5 + 5 could be shown as 9 + 1 on each side."""
    left, right = leaf("a", b"n", 5, 0), leaf("b", b"n", 5, 1)
    moved = node(Node(left.hash, 9), Node(right.hash, 1))
    assert moved.sats == node(left, right).sats and moved.hash != node(left, right).hash


@pytest.mark.parametrize("sats", [-1, SATS_MAX + 1, 2**64])
def test_a_debt_below_zero_or_above_all_bitcoin_is_refused(sats: int) -> None:
    with pytest.raises(LiabilitiesRefused):
        Tree({"a": sats}, SeededClock(1))
    with pytest.raises(LiabilitiesRefused):
        node(Node("00" * 32, sats), Node("00" * 32, 1))


def test_two_sums_that_overflow_together_are_refused() -> None:
    with pytest.raises(LiabilitiesRefused):
        node(Node("00" * 32, SATS_MAX), Node("11" * 32, 1))


def test_a_proof_shows_nobody_elses_account_or_nonce_and_no_leaf_can_be_guessed() -> None:
    tree = Tree(CLAIMS, SeededClock(4))
    shown = msgspec.json.encode(tree.shares("customer 3")).decode()
    assert "customer 3" in shown
    assert not any(name in shown for name in CLAIMS if name != "customer 3" if "3" not in name)
    nonces = {part[1].hex() for part in tree.parts if part[0] != "customer 3"}
    assert not any(nonce in shown for nonce in nonces)
    assert len({part[1] for part in tree.parts}) == len(tree.parts)


def test_the_tree_has_an_end() -> None:
    with pytest.raises(LiabilitiesRefused, match="leaves"):
        Tree(CLAIMS, SeededClock(1), leaves_max=4)
