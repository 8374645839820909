"""The embedded node: kernel consensus, an index of coins, a waiting room and a miner.

Its promise: a block it told of and a transaction it took are there again after any kill.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tallystick.bitcoin.embedded.index import Block, Index, block_hash
from tallystick.bitcoin.embedded.kernel import Kernel
from tallystick.bitcoin.embedded.miner import ANYONE, choose, make_block, spend_freely, subsidy
from tallystick.bitcoin.embedded.txs import OutPoint, Tx
from tallystick.bitcoin.embedded.waiting import COINBASE_DEPTH, RELAY_SAT_PER_KVB, WaitingRoom
from tallystick.bitcoin.errors import ChainRejects
from tallystick.core.clock import Clock

RECENT_BLOCKS: Final = 6
FUND_BLOCKS_MAX: Final = 1_000
FUND_BLOCKS_STEP: Final = 10
CHANGE_SATS_MIN: Final = 1_000
INPUT_BYTES: Final = 41
OTHER_BYTES: Final = 120


class Node:
    """One regtest chain in a folder. Every public method takes the node's lock."""

    def __init__(self, folder: Path, clock: Clock, floor_sat_per_kvb: int = 1_000) -> None:
        self.clock, self.floor = clock, floor_sat_per_kvb
        self.lock = threading.RLock()
        self.index = Index()
        self._kernel = Kernel(folder)
        for raw in self._kernel.blocks_from(0):
            self.index.connect(raw)
        self.room = WaitingRoom(self.index, folder / "waiting.bin")

    @property
    def blocks(self) -> list[Block]:
        """Return the blocks of the best chain."""
        return self.index.blocks

    @property
    def waiting(self) -> dict[str, Tx]:
        """Return what waits for a block."""
        return self.room.txs

    def busy(self) -> bool:
        """Say whether anybody waits: for a block, or for a few confirmations."""
        with self.lock:
            recent = self.blocks[-RECENT_BLOCKS:]
            return bool(self.waiting) or any(len(block.txs) > 1 for block in recent)

    def submit(self, raw: bytes) -> str:
        """Take a transaction, durably; raise `ChainRejects` with the reason a node would give."""
        with self.lock:
            return self.room.take(raw)

    def build(
        self,
        script: bytes,
        txs: Sequence[Tx] | None = None,
        extra_sats: int = 0,
        on: tuple[int, str] | None = None,
        later_s: int = 0,
    ) -> bytes:
        """Build a block that pays its reward to a script, on the tip or ``on`` another block.

        ``later_s`` dates it later: blocks of a branch must not all bear one moment.
        """
        height, previous = on or (len(self.blocks) - 1, self.blocks[-1].hash)
        chosen = choose(self.waiting.values(), self.floor) if txs is None else txs
        least = self.index.median_time(len(self.blocks) - 1) + 1
        when = max(int(self.clock.now().timestamp()), least) + later_s
        reward = subsidy(height + 1) + sum(tx.fee for tx in chosen) + extra_sats
        salt = self.clock.random_bytes(8)
        return make_block(height + 1, previous, when, script, chosen, reward, salt)

    def accept(self, raw: bytes, sync: bool = True) -> None:
        """Give a block to the kernel; raise `ChainRejects` if it is not valid."""
        with self.lock:
            self._kernel.accept(raw, sync)
            self._follow()

    def _follow(self) -> None:
        """Take off what the kernel left, put on what it has."""
        back: list[Tx] = []
        while not self._shared(len(self.blocks) - 1):
            back = self.index.disconnect() + back
        for raw in self._kernel.blocks_from(len(self.blocks)):
            block = self.index.connect(raw)
            self.room.mined(block.txs)
        if back:
            self.room.returned([tx for tx in back if tx.id not in self.index.mined])

    def _shared(self, height: int) -> bool:
        best = self._kernel
        return height <= best.height() and best.hash_at(height) == self.blocks[height].hash

    def mine(self, script: bytes = ANYONE, count: int = 1) -> str:
        """Mine blocks onto the tip, durably; return the last one's hash."""
        with self.lock:
            for _ in range(count):
                self.accept(self.build(script), sync=False)
            self._kernel.sync()
            return self.blocks[-1].hash

    def reorganise(self, depth: int) -> str:
        """Replace the last blocks by one more empty ones; what they held waits again."""
        with self.lock:
            if not 0 < depth < len(self.blocks):
                raise ChainRejects(f"no {depth} blocks to replace")
            height = len(self.blocks) - 1 - depth
            on = (height, self.blocks[height].hash)
            for later in range(depth + 1):
                raw = self.build(ANYONE, [], on=on, later_s=later)
                self.accept(raw)
                on = (on[0] + 1, block_hash(raw))
            return self.blocks[-1].hash

    def fund(self, script: bytes, sats: int) -> str:
        """Pay from the miner's coins, mining as many blocks as that needs; return the txid."""
        with self.lock:
            for _ in range(FUND_BLOCKS_MAX // FUND_BLOCKS_STEP):
                found = self._gather(sats)
                if found:
                    return self._pay(script, sats, *found)
                early = len(self.blocks) <= COINBASE_DEPTH
                self.mine(ANYONE, COINBASE_DEPTH + 1 if early else FUND_BLOCKS_STEP)
            raise ChainRejects(f"the miner cannot gather {sats} sats")

    def _gather(self, sats: int) -> tuple[list[OutPoint], int, int] | None:
        """Return ripe coins of the miner's, their sum and the fee; None if they do not suffice."""
        ripe = len(self.blocks) - COINBASE_DEPTH
        held = [
            (value, coin)
            for coin, (value, script, height, _) in self.index.coins.items()
            if script == ANYONE and value and height <= ripe and coin not in self.room.spender
        ]
        taken: list[OutPoint] = []
        total = 0
        for value, coin in sorted(held, reverse=True):
            taken.append(coin)
            total += value
            size = OTHER_BYTES + INPUT_BYTES * len(taken)
            fee = max(self.floor, RELAY_SAT_PER_KVB) * size // 1000
            if total >= sats + fee:
                return taken, total, fee
        return None

    def _pay(self, script: bytes, sats: int, coins: list[OutPoint], total: int, fee: int) -> str:
        outputs = [(sats, script)]
        if total - sats - fee >= CHANGE_SATS_MIN:
            outputs.append((total - sats - fee, ANYONE))
        return self.submit(spend_freely(coins, outputs))

    def close(self) -> None:
        """Write everything and let go of the folder."""
        with self.lock:
            self.room.close()
            self._kernel.close()
