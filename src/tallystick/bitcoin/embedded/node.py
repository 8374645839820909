"""The embedded node: kernel consensus, an index of coins, a waiting room and a miner.

The kernel keeps its newest blocks in memory for a while, so each block is first written to a log
of ours and given to the kernel again after a kill. The waiting room is a file of raw transactions,
flushed before a broadcast is answered: a transaction taken is a transaction kept.
"""

from __future__ import annotations

import os
import struct
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pbk
from pbk.script import PrecomputedTransactionData, ScriptVerificationFlags

from tallystick.bitcoin.embedded.txs import (
    OP_RETURN,
    OutPoint,
    Tx,
    compact,
    merkle_root,
    parse,
    script_key,
    sha256d,
)
from tallystick.bitcoin.errors import ChainRejects
from tallystick.core.clock import Clock

COINBASE_DEPTH: Final = 100
HALVING_BLOCKS: Final = 150
SUBSIDY_SATS: Final = 50 * 10**8
DUST_SATS: Final = 294
WAITING_MAX: Final = 10_000
RELEARN_OVERLAP: Final = 20
"""Blocks given again for good measure, should a fork have been logged."""
BITS: Final = 0x207FFFFF


@dataclass(slots=True)
class Block:
    """A connected block, with what undoing it needs."""

    hash: str
    header: bytes
    txs: list[Tx]
    undo: list[tuple[OutPoint, tuple[int, bytes, int, bool]]] = field(default_factory=list)

    @property
    def time(self) -> int:
        """Return the header's time, in seconds since 1970."""
        return int(struct.unpack("<I", self.header[68:72])[0])


class Node:
    """One regtest chain in a folder. Every public call takes the node's lock."""

    def __init__(self, folder: Path, clock: Clock, floor_sat_per_kvb: int = 1_000) -> None:
        (folder / "blocks").mkdir(parents=True, exist_ok=True)
        self.clock, self.floor = clock, floor_sat_per_kvb
        self.lock = threading.RLock()
        self.blocks: list[Block] = []
        self.coins: dict[OutPoint, tuple[int, bytes, int, bool]] = {}
        self.spender: dict[OutPoint, str] = {}
        self.mined: dict[str, tuple[Tx, int]] = {}
        self.history: dict[str, list[str]] = defaultdict(list)
        self.waiting: dict[str, Tx] = {}
        self._kernel = self._open_kernel(folder)
        self._log = folder / "blocks.log"
        self._relearn()
        self._follow()
        self._room = folder / "waiting.txt"
        self._recall()

    def _open_kernel(self, folder: Path) -> Any:
        options = pbk.ContextOptions()
        options.set_chainparams(pbk.ChainParameters(pbk.ChainType.REGTEST))
        self._checked: tuple[str, str] = ("", "")

        def checked(_: Any, block: Any, state: Any) -> None:
            self._checked = (state.validation_mode.name, state.block_validation_result.name)

        self._callbacks = pbk.ValidationInterfaceCallbacks(block_checked=checked)
        options.set_validation_interface(self._callbacks)
        self._context = pbk.Context(options)
        wanted = pbk.ChainstateManagerOptions(self._context, str(folder), str(folder / "blocks"))
        wanted.set_worker_threads_num(1)
        kernel = pbk.ChainstateManager(wanted)
        kernel.import_blocks([])
        return kernel

    def _relearn(self) -> None:
        """Give the kernel the logged blocks that a kill made it forget."""
        if not self._log.exists():
            return
        known = len(self._kernel.get_active_chain().block_tree_entries) - 1
        lines = self._log.read_text().split("\n")[:-1]
        for line in lines[max(known - RELEARN_OVERLAP, 0) :]:
            self._kernel.process_block(pbk.Block(bytes.fromhex(line)))

    def _write_log(self, raw: bytes) -> None:
        with self._log.open("a") as file:
            file.write(f"{raw.hex()}\n")
            file.flush()
            os.fsync(file.fileno())

    # The index of coins.

    def _follow(self) -> None:
        """Disconnect what the kernel left, connect what it has."""
        entries = self._kernel.get_active_chain().block_tree_entries
        count, back = len(entries), []
        while self.blocks and (
            len(self.blocks) > count
            or str(entries[len(self.blocks) - 1].block_hash) != self.blocks[-1].hash
        ):
            back += self._disconnect()
        for height in range(len(self.blocks), count):
            self._connect(height, entries[height])
        for tx in back:
            if tx.id not in self.mined:
                self._try(tx.raw)

    def _connect(self, height: int, entry: Any) -> None:
        kernel_block = self._kernel.blocks[entry]
        txs = [parse(bytes(item)) for item in kernel_block.transactions]
        block = Block(str(entry.block_hash), bytes(kernel_block)[:80], txs)
        self.blocks.append(block)
        for tx in txs:
            self._apply(tx, height, block)
        gone = {item.coin for tx in txs[1:] for item in tx.inputs}
        for tx in list(self.waiting.values()):
            if any(item.coin in gone for item in tx.inputs):
                self._evict(tx.id)

    def _apply(self, tx: Tx, height: int, block: Block) -> None:
        self.waiting.pop(tx.id, None)
        if not tx.is_coinbase:
            tx.spent = []
            for item in tx.inputs:
                coin = self.coins.pop(item.coin)
                block.undo.append((item.coin, coin))
                tx.spent.append(coin[:2])
                self.spender[item.coin] = tx.id
            tx.fee = sum(v for v, _ in tx.spent) - sum(v for v, _ in tx.outputs)
        for index, (sats, script) in enumerate(tx.outputs):
            if not script.startswith(OP_RETURN):
                self.coins[tx.id, index] = (sats, script, height, tx.is_coinbase)
        self.mined[tx.id] = (tx, height)
        for script in tx.scripts():
            self.history[script_key(script)].append(tx.id)

    def _disconnect(self) -> list[Tx]:
        block = self.blocks.pop()
        for tx in reversed(block.txs):
            for index in range(len(tx.outputs)):
                self.coins.pop((tx.id, index), None)
            self.mined.pop(tx.id, None)
            for script in tx.scripts():
                self.history[script_key(script)].remove(tx.id)
        for outpoint, coin in block.undo:
            self.coins[outpoint] = coin
            self.spender.pop(outpoint, None)
        return block.txs[1:]

    # The waiting room.

    def submit(self, raw: bytes) -> str:
        """Take a transaction, durably; raise `ChainRejects` with the reason a node would give."""
        with self.lock:
            tx = parse(raw)
            if tx.id in self.waiting:
                return tx.id
            if tx.id in self.mined:
                raise ChainRejects("txn-already-known")
            self._check(tx)
            rivals = self._rivals(tx)
            self._verify_scripts(tx)
            for rival in rivals:
                self._evict(rival.id)
            self.waiting[tx.id] = tx
            self._save_room()
            return tx.id

    def _try(self, raw: bytes) -> None:
        try:
            self.submit(raw)
        except ChainRejects:
            return

    def _check(self, tx: Tx) -> None:
        """The cheap rules, in a node's own words."""
        if len(self.waiting) >= WAITING_MAX:
            raise ChainRejects("mempool full")
        if len({item.coin for item in tx.inputs}) != len(tx.inputs):
            raise ChainRejects("bad-txns-inputs-duplicate")
        tip, tx.spent = len(self.blocks), []
        for item in tx.inputs:
            coin = self._coin(item.coin)
            if coin is None:
                raise ChainRejects("bad-txns-inputs-missingorspent")
            sats, script, height, minted = coin
            if minted and height is not None and tip - height < COINBASE_DEPTH:
                raise ChainRejects("bad-txns-premature-spend-of-coinbase")
            if self._too_young(tx, item.sequence, tip if height is None else height):
                raise ChainRejects("non-BIP68-final")
            tx.spent.append((sats, script))
        if self._locked(tx, tip):
            raise ChainRejects("non-final")
        tx.fee = sum(v for v, _ in tx.spent) - sum(v for v, _ in tx.outputs)
        if tx.fee < 0:
            raise ChainRejects("bad-txns-in-belowout")
        if tx.fee * 4_000 < self.floor * tx.weight:
            raise ChainRejects("min relay fee not met")
        if any(v < DUST_SATS and not s.startswith(OP_RETURN) for v, s in tx.outputs):
            raise ChainRejects("dust")

    def _too_young(self, tx: Tx, sequence: int, height: int) -> bool:
        relative = tx.version >= 2 and not sequence >> 31 and not sequence >> 22 & 1
        return relative and len(self.blocks) - height < sequence & 0xFFFF

    def _locked(self, tx: Tx, tip: int) -> bool:
        by_height = 0 < tx.locktime < 500_000_000 and tx.locktime >= tip
        return by_height and any(item.sequence != 0xFFFFFFFF for item in tx.inputs)

    def _coin(self, outpoint: OutPoint) -> tuple[int, bytes, int | None, bool] | None:
        held = self.coins.get(outpoint)
        if held is not None:
            return held
        parent = self.waiting.get(outpoint[0])
        if parent is None or outpoint[1] >= len(parent.outputs):
            return None
        return (*parent.outputs[outpoint[1]], None, False)

    def _rivals(self, tx: Tx) -> list[Tx]:
        """Return what it would replace; refuse a replacement that does not pay more (BIP-125)."""
        wanted = {item.coin for item in tx.inputs}
        rivals = [
            other
            for other in self.waiting.values()
            if any(item.coin in wanted for item in other.inputs)
        ]
        due = sum(other.fee for other in rivals) + tx.weight * self.floor // 4_000
        better = all(tx.fee * other.weight > other.fee * tx.weight for other in rivals)
        if rivals and (tx.fee < due or not better):
            raise ChainRejects("insufficient fee, rejecting replacement")
        return rivals

    def _verify_scripts(self, tx: Tx) -> None:
        kernel_tx = pbk.Transaction(tx.raw)
        spent = [pbk.TransactionOutput(pbk.ScriptPubkey(s), v) for v, s in tx.spent]
        data = PrecomputedTransactionData(kernel_tx, spent)
        for index, (sats, script) in enumerate(tx.spent):
            verify = pbk.ScriptPubkey(script).verify
            if not verify(sats, kernel_tx, data, index, ScriptVerificationFlags.ALL):
                raise ChainRejects("mandatory-script-verify-flag-failed")

    def _evict(self, txid: str) -> None:
        if self.waiting.pop(txid, None) is None:
            return
        for child in list(self.waiting.values()):
            if any(item.coin[0] == txid for item in child.inputs):
                self._evict(child.id)

    def _save_room(self) -> None:
        draft = self._room.with_suffix(".new")
        with draft.open("w") as file:
            file.writelines(f"{tx.raw.hex()}\n" for tx in self.waiting.values())
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._room)
        folder = os.open(self._room.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _recall(self) -> None:
        if self._room.exists():
            for line in self._room.read_text().split():
                self._try(bytes.fromhex(line))

    # The miner.

    def build(self, script: bytes, txs: list[Tx] | None = None, extra_sats: int = 0) -> bytes:
        """Build a block on the tip that pays its reward to a script."""
        height, tip = len(self.blocks), self.blocks[-1]
        chosen = list(self.waiting.values()) if txs is None else txs
        value = (SUBSIDY_SATS >> height // HALVING_BLOCKS) + sum(t.fee for t in chosen)
        bare, full = self._coinbase(height, value + extra_sats, script, chosen)
        root = merkle_root([sha256d(bare)] + [bytes.fromhex(t.id)[::-1] for t in chosen])
        past = sorted(block.time for block in self.blocks[-11:])
        when = max(int(self.clock.now().timestamp()), past[len(past) // 2] + 1)
        start = struct.pack("<i", 0x20000000) + bytes.fromhex(tip.hash)[::-1] + root
        start += struct.pack("<II", when, BITS)
        nonce = 0
        while sha256d(start + struct.pack("<I", nonce))[31] > 0x7F:
            nonce += 1
        header = start + struct.pack("<I", nonce)
        return header + compact(1 + len(chosen)) + full + b"".join(t.raw for t in chosen)

    def _coinbase(
        self, height: int, value: int, script: bytes, txs: list[Tx]
    ) -> tuple[bytes, bytes]:
        """Return the minting transaction without and with its witness."""
        number = height.to_bytes((height.bit_length() + 8) // 8, "little")
        pushed = bytes([0x50 + height]) if height <= 16 else bytes([len(number)]) + number
        sig = pushed + b"\x08" + self.clock.random_bytes(8)
        witness_root = merkle_root([bytes(32)] + [tx.wtxid for tx in txs])
        commitment = b"\x6a\x24\xaa\x21\xa9\xed" + sha256d(witness_root + bytes(32))
        body = bytes(32) + b"\xff" * 4 + compact(len(sig)) + sig + b"\xff" * 4 + b"\x02"
        body += struct.pack("<q", value) + compact(len(script)) + script
        body += bytes(8) + compact(len(commitment)) + commitment
        bare = b"\x02\0\0\0\x01" + body + bytes(4)
        return bare, b"\x02\0\0\0\0\x01\x01" + body + b"\x01\x20" + bytes(32) + bytes(4)

    def accept(self, raw: bytes) -> None:
        """Give a block to the kernel; raise `ChainRejects` if it is not valid."""
        with self.lock:
            self._checked = ("", "")
            try:
                self._kernel.process_block(pbk.Block(raw))
            except (pbk.ProcessBlockException, RuntimeError) as error:
                raise ChainRejects(f"{self._checked[1] or error}") from error
            if self._checked[0] not in ("", "VALID"):
                raise ChainRejects(self._checked[1])
            self._write_log(raw)
            self._follow()
            self._save_room()

    def mine(self, script: bytes, count: int = 1) -> str:
        """Mine blocks onto the tip; return the last one's hash."""
        with self.lock:
            for _ in range(count):
                self.accept(self.build(script))
            return self.blocks[-1].hash
