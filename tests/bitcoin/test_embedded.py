"""The embedded chain refuses what Bitcoin Core refuses, and forgets nothing when it is killed."""

import datetime as dt
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from bdkpython import bdk

from network import Network, Process
from tallystick.bitcoin.embedded.__main__ import IDLE_BLOCK_EVERY_S, mine_until
from tallystick.bitcoin.embedded.index import block_hash
from tallystick.bitcoin.embedded.log import Log
from tallystick.bitcoin.embedded.miner import ANYONE, SUBSIDY_SATS, spend_freely, subsidy
from tallystick.bitcoin.embedded.node import Node
from tallystick.bitcoin.embedded.txs import parse
from tallystick.bitcoin.embedded.waiting import COINBASE_DEPTH, TX_WEIGHT_MAX, WAITING_MAX, dust
from tallystick.bitcoin.errors import ChainRejects
from tallystick.bitcoin.transaction import script_of
from tallystick.core.clock import SystemClock

WITNESS = script_of("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "regtest")
LEGACY = b"\x76\xa9\x14" + bytes(20) + b"\x88\xac"
HASHED = b"\xa9\x14" + bytes(20) + b"\x87"
TAPROOT = b"\x51\x20" + bytes(32)
NOTHING = b"\x6a\x01x"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path / "n", SystemClock())
    made.mine(ANYONE, COINBASE_DEPTH + 5)
    yield made
    made.close()


def coin(node: Node, height: int = 1) -> tuple[str, int]:
    return node.blocks[height].txs[0].id, 0


def pay(node: Node, height: int = 1, fee: int = 1_000, script: bytes = WITNESS) -> bytes:
    return spend_freely([coin(node, height)], [(SUBSIDY_SATS - fee, script)])


def refused(node: Node, raw: bytes) -> str:
    with pytest.raises(ChainRejects) as refusal:
        node.submit(raw)
    return str(refusal.value)


def edit(raw: bytes, sequence: int = 0xFFFFFFFF, locktime: int = 0) -> bytes:
    """Change the first input's sequence and the lock time of one of `spend_freely`'s."""
    return raw[:42] + sequence.to_bytes(4, "little") + raw[46:-4] + locktime.to_bytes(4, "little")


def test_what_it_takes_the_kernel_takes(node: Node) -> None:
    txid = node.submit(pay(node))
    assert node.submit(pay(node)) == txid
    assert list(node.waiting) == [txid]
    node.mine()
    assert node.index.mined[txid][1] == len(node.blocks) - 1
    assert not node.waiting
    assert refused(node, pay(node)) == "txn-already-known"


def test_two_for_one_coin_only_the_dearer(node: Node) -> None:
    cheap, dear = pay(node, fee=1_000), pay(node, fee=1_200)
    node.submit(cheap)
    assert "insufficient fee" in refused(node, pay(node, fee=1_050))
    node.submit(dear)
    assert list(node.waiting) == [parse(dear).id]
    assert "insufficient fee" in refused(node, cheap)
    node.mine()
    assert "missingorspent" in refused(node, cheap)


def test_a_replacement_pays_for_the_children_it_puts_out(node: Node) -> None:
    parent = spend_freely([coin(node)], [(SUBSIDY_SATS - 1_000, ANYONE)])
    node.submit(parent)
    child = spend_freely([(parse(parent).id, 0)], [(SUBSIDY_SATS - 6_000, WITNESS)])
    node.submit(child)
    assert "insufficient fee" in refused(node, pay(node, fee=5_900))
    node.submit(pay(node, fee=6_200))
    assert len(node.waiting) == 1
    with_child = spend_freely(
        [coin(node), (parse(pay(node, fee=6_200)).id, 0)], [(SUBSIDY_SATS, WITNESS)]
    )
    assert "conflicting" in refused(node, with_child)


def test_parents_and_children_go_into_one_block(node: Node) -> None:
    parent = spend_freely([coin(node)], [(SUBSIDY_SATS - 1_000, ANYONE)])
    child = spend_freely([(parse(parent).id, 0)], [(SUBSIDY_SATS - 3_000, WITNESS)])
    assert "missingorspent" in refused(node, child)
    node.submit(parent)
    node.submit(child)
    node.mine()
    assert [tx.raw for tx in node.blocks[-1].txs[1:]] == [parent, child]


@pytest.mark.parametrize("script", [WITNESS, LEGACY, HASHED, TAPROOT, b"\x00\x20" + bytes(32)])
def test_dust_is_refused_at_cores_own_bounds(node: Node, script: bytes) -> None:
    least = {22: 294, 25: 546, 23: 540, 34: 330}[len(script)]
    assert dust(script) == least
    rest = SUBSIDY_SATS - least - 2_000
    outputs = [(least - 1, script), (rest, WITNESS)]
    assert refused(node, spend_freely([coin(node)], outputs)) == "dust"
    node.submit(spend_freely([coin(node)], [(least, script), (rest, WITNESS)]))


def test_sums_that_cannot_be_are_refused(node: Node) -> None:
    assert refused(node, pay(node, fee=-1)) == "bad-txns-in-belowout"
    assert "min relay fee" in refused(node, pay(node, fee=80))
    huge = spend_freely([coin(node)], [(2**63, WITNESS), (2**63, WITNESS)])
    assert "toolarge" in refused(node, huge)
    assert "duplicate" in refused(node, spend_freely([coin(node)] * 2, [(1_000, WITNESS)]))


def test_young_coinbase_coins_are_refused_until_ripe(node: Node) -> None:
    height = len(node.blocks) - COINBASE_DEPTH + 1
    assert "premature" in refused(node, pay(node, height))
    node.mine()
    node.submit(pay(node, height))


def test_locks_hold_until_their_block(node: Node) -> None:
    tip = len(node.blocks)
    by_height = edit(pay(node, 1), 0xFFFFFFFE, tip)
    assert refused(node, by_height) == "non-final"
    now = int(SystemClock().now().timestamp())
    assert refused(node, edit(pay(node, 2), 0xFFFFFFFE, now + 3_600)) == "non-final"
    node.submit(edit(pay(node, 3), 0xFFFFFFFE, 500_000_001))
    node.submit(edit(pay(node, 4), 0xFFFFFFFF, tip))
    relative = edit(pay(node, 5), tip - 5 + 1)
    assert refused(node, relative) == "non-BIP68-final"
    assert refused(node, edit(pay(node, 5), (1 << 22) | 0xFFFF)) == "non-BIP68-final"
    node.mine()
    node.submit(by_height)
    node.submit(relative)
    node.mine()
    assert not node.waiting


def test_bytes_that_are_no_transaction_are_refused(node: Node) -> None:
    good = pay(node)
    for raw in (b"", b"\0" * 50, good[:-1], good + b"\0", b"\xff" * 300, good[:4] + b"\xfd\x01\0"):
        assert refused(node, raw)
    assert "empty" in refused(node, b"\x02\0\0\0\x00\x00" + bytes(4))
    node.submit(good)


def test_every_cut_and_flipped_byte_is_refused_or_mined(node: Node) -> None:
    """Whatever the room takes, the kernel must take: else no block could be made any more."""
    good = pay(node)
    for at in range(len(good)):
        for raw in (good[:at], good[:at] + bytes([good[at] ^ 0x41]) + good[at + 1 :]):
            try:
                node.submit(raw)
            except ChainRejects:
                continue
            node.mine()
            assert not node.waiting
            node.reorganise(1)
            node.room.evict(next(iter(node.waiting)))


def test_too_heavy_and_too_many_checks_are_refused(node: Node) -> None:
    filler = b"\x6a\x4e" + (TX_WEIGHT_MAX // 4).to_bytes(4, "little") + bytes(TX_WEIGHT_MAX // 4)
    heavy = spend_freely([coin(node)], [(0, filler), (1_000, WITNESS)])
    assert refused(node, heavy) == "tx-size"
    checks = spend_freely([coin(node)], [(SUBSIDY_SATS // 2, b"\xae" * 300)])
    assert "sigops" in refused(node, checks)


def test_a_full_room_says_so(node: Node) -> None:
    node.submit(pay(node))
    one = next(iter(node.waiting.values()))
    node.room.txs.update({str(number): one for number in range(WAITING_MAX)})
    assert refused(node, pay(node, 2)) == "mempool full"


@pytest.mark.parametrize("extra", [1, SUBSIDY_SATS])
def test_a_block_that_mints_too_much_is_refused(node: Node, extra: int) -> None:
    tip = node.blocks[-1].hash
    with pytest.raises(ChainRejects, match="CONSENSUS"):
        node.accept(node.build(ANYONE, extra_sats=extra))
    assert node.blocks[-1].hash == tip
    node.mine()


def test_a_block_with_a_bad_signature_is_refused(node: Node) -> None:
    unsigned = spend_freely([coin(node)], [(1_000, LEGACY)])
    node.submit(unsigned)
    node.mine()
    stolen = parse(spend_freely([(parse(unsigned).id, 0)], [(600, WITNESS)]))
    assert "script-verify" in refused(node, stolen.raw)
    with pytest.raises(ChainRejects):
        node.accept(node.build(ANYONE, [stolen]))


@pytest.mark.parametrize("at", [5, 40, 70, 100])
def test_a_changed_block_is_refused(node: Node, at: int) -> None:
    raw = bytearray(node.build(ANYONE))
    raw[at] ^= 1
    tip = node.blocks[-1].hash
    with pytest.raises(ChainRejects):
        node.accept(bytes(raw))
    assert node.blocks[-1].hash == tip


def test_the_reward_halves(node: Node) -> None:
    assert [subsidy(h) for h in (149, 150, 300)] == [SUBSIDY_SATS >> n for n in (0, 1, 2)]
    node.mine(ANYONE, 150 - len(node.blocks))
    node.mine()
    assert node.blocks[150].txs[0].outputs[0][0] == SUBSIDY_SATS // 2


def test_a_reorg_puts_payments_back_to_wait_in_order(node: Node) -> None:
    parent = spend_freely([coin(node)], [(SUBSIDY_SATS - 1_000, ANYONE)])
    child = spend_freely([(parse(parent).id, 0)], [(SUBSIDY_SATS - 3_000, ANYONE)])
    grandchild = spend_freely([(parse(child).id, 0)], [(SUBSIDY_SATS - 5_000, WITNESS)])
    node.submit(parent)
    node.mine()
    node.submit(child)
    node.mine()
    node.submit(grandchild)
    height = len(node.blocks) - 1
    node.reorganise(2)
    assert len(node.blocks) - 1 == height + 1
    assert [tx.raw for tx in node.waiting.values()] == [parent, child, grandchild]
    assert coin(node) in node.index.coins
    node.mine()
    assert not node.waiting
    assert (parse(grandchild).id, 0) in node.index.coins
    assert (parse(parent).id, 0) not in node.index.coins


def test_a_rival_mined_elsewhere_puts_ours_out(node: Node) -> None:
    ours, theirs = pay(node, fee=9_000), parse(pay(node, fee=1_000))
    node.submit(ours)
    theirs.fee = 1_000
    node.accept(node.build(ANYONE, [theirs]))
    assert not node.waiting
    assert "missingorspent" in refused(node, ours)


def test_miners_may_take_only_dearer_ones(node: Node) -> None:
    cheap, dear = pay(node, 1, fee=300), pay(node, 2, fee=5_000)
    node.submit(cheap)
    node.submit(dear)
    node.floor = 20_000
    node.mine()
    assert [tx.raw for tx in node.waiting.values()] == [cheap]
    node.floor = 1_000
    node.mine()
    assert not node.waiting


def test_a_torn_log_is_cut_where_it_tore(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    log.append(b"one")
    log.append(b"two")
    log.close()
    whole = (tmp_path / "log").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "log").write_bytes(whole[:length])
        again = Log(tmp_path / "log")
        assert again.records_at_open == [b"one", b"two"][: length // 11]
        again.append(b"three")
        again.close()
        last = Log(tmp_path / "log")
        assert last.records_at_open[-1] == b"three"
        last.close()


def test_it_opens_again_with_all_it_had(tmp_path: Path) -> None:
    node = Node(tmp_path, SystemClock())
    node.mine(ANYONE, COINBASE_DEPTH + 5)
    node.submit(pay(node, 1))
    node.mine()
    node.reorganise(2)
    node.submit(pay(node, 2))
    had = (node.blocks[-1].hash, list(node.waiting), dict(node.index.coins))
    node.close()
    for _ in range(2):
        node = Node(tmp_path, SystemClock())
        assert (node.blocks[-1].hash, list(node.waiting), dict(node.index.coins)) == had
        node.close()


@pytest.mark.crash
def test_killed_anywhere_it_keeps_what_it_answered(tmp_path: Path) -> None:
    """Mine, pay, fork and be killed, four times over: nothing that was answered is lost."""
    network = Network(tmp_path)
    network.fund()
    for _ in range(4):
        draft = network.wallet.build([(network.wallet.next_address(), 20_000)], 2_000)
        signed = network.wallet.finish(network.signer.sign(draft.psbt, "payout", ""))
        network.wallet.remember(signed.raw, dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
        network.chain().broadcast(signed.raw)
        network.post("regtest/mine", '{"blocks": 2}')
        tip = network.post("regtest/reorg", '{"depth": 2}')
        network.chain_process.kill()
        network.chain_process.start()
        chain = network.chain()
        assert network.post("regtest/mine") != tip
        assert chain.status(signed.txid).confirmed_height == chain.tip()
        chain.sync(network.wallet)
    network.stop()


@pytest.mark.crash
def test_a_lost_kernel_database_is_made_anew_from_the_log(tmp_path: Path) -> None:
    node = Node(tmp_path, SystemClock())
    node.mine(ANYONE, 20)
    node.reorganise(3)
    tip = node.blocks[-1].hash
    node.close()
    for folder in ("blocks", "chainstate"):
        subprocess.run(["rm", "-r", str(tmp_path / folder)], check=True)
    node = Node(tmp_path, SystemClock())
    assert node.blocks[-1].hash == tip
    node.close()


def test_it_is_ready_soon(tmp_path: Path) -> None:
    begun = time.monotonic()
    data = ("--data", str(tmp_path / "c"))
    process = Process("tallystick.bitcoin.embedded", *data, ready=tmp_path / "r")
    took = time.monotonic() - begun
    second = [sys.executable, "-m", "tallystick.bitcoin.embedded", *data]
    ended = subprocess.run(second, capture_output=True, text=True, timeout=20, check=False)
    assert "another chain" in ended.stderr
    process.popen.send_signal(signal.SIGINT)
    assert process.popen.wait(10) == 0
    assert took < 5, "1.5 s on a quiet machine"


class Turns:
    """A stop sign that comes after so many waits."""

    def __init__(self, turns: int) -> None:
        self.left = turns

    def wait(self, timeout: float | None) -> bool:
        self.left -= 1
        return self.left < 0


def test_it_mines_while_anybody_waits_and_seldom_else(node: Node) -> None:
    height = len(node.blocks)
    mine_until(Turns(50), node, 2.0)  # type: ignore[arg-type]
    assert len(node.blocks) == height, "nobody waits"
    node.submit(pay(node))
    mine_until(Turns(50), node, 2.0)  # type: ignore[arg-type]
    assert len(node.blocks) == height + 7, "the payment, and six on top"
    mine_until(Turns(int(IDLE_BLOCK_EVERY_S / 2)), node, 2.0)  # type: ignore[arg-type]
    assert len(node.blocks) == height + 8


def test_funding_pays_exactly_and_any_sum(node: Node) -> None:
    for sats in (1_000, SUBSIDY_SATS, 7 * SUBSIDY_SATS + 1):
        txid = node.fund(WITNESS, sats)
        assert (sats, WITNESS) in node.waiting[txid].outputs
        node.mine()
    with pytest.raises(ChainRejects, match="gather"):
        node.fund(WITNESS, 10**15)


def test_our_parser_agrees_with_rust_bitcoin(node: Node) -> None:
    for raw in (pay(node), edit(pay(node), 5, 7), *(tx.raw for tx in node.blocks[3].txs)):
        ours, theirs = parse(raw), bdk.Transaction(raw)
        assert ours.id == str(theirs.compute_txid())
        assert ours.weight == theirs.weight()
        assert (ours.version, ours.locktime) == (theirs.version(), theirs.lock_time())
        assert ours.wtxid[::-1].hex() == str(theirs.compute_wtxid())
    assert block_hash(node.build(ANYONE)) != node.blocks[-1].hash
