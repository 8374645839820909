"""What the chain holds, by coin, by transaction and by script: what an Esplora server answers from.

The index is made anew from the kernel's blocks at each start, and follows them through reorgs.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from tallystick.bitcoin.embedded.txs import (
    HEADER_BYTES,
    OP_RETURN,
    OutPoint,
    Tx,
    parse_block,
    script_key,
    sha256d,
)

MEDIAN_BLOCKS: Final = 11

Held = tuple[int, bytes, int, bool]
"""Satoshis, script, height, and whether it was minted."""


@dataclass(slots=True)
class Block:
    """A connected block, with what undoing it needs."""

    hash: str
    header: bytes
    size: int
    txs: list[Tx]
    undo: list[tuple[OutPoint, Held]] = field(default_factory=list)

    @property
    def time(self) -> int:
        """Return the header's time, in seconds since 1970."""
        return int(struct.unpack("<I", self.header[68:72])[0])


def block_hash(raw: bytes) -> str:
    """Return the hash that names a block."""
    return sha256d(raw[:HEADER_BYTES])[::-1].hex()


class Index:
    """Blocks in order, unspent coins, spenders, transactions and the history of each script."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.heights: dict[str, int] = {}
        self.coins: dict[OutPoint, Held] = {}
        self.spender: dict[OutPoint, str] = {}
        self.mined: dict[str, tuple[Tx, int]] = {}
        self.history: dict[str, list[str]] = defaultdict(list)

    def connect(self, raw: bytes) -> Block:
        """Add a block on top."""
        block = Block(block_hash(raw), raw[:HEADER_BYTES], len(raw), parse_block(raw))
        height = len(self.blocks)
        self.blocks.append(block)
        self.heights[block.hash] = height
        for tx in block.txs:
            self._apply(tx, height, block)
        return block

    def _apply(self, tx: Tx, height: int, block: Block) -> None:
        minted = tx.is_coinbase
        if not minted:
            for item in tx.inputs:
                coin = self.coins.pop(item.coin)
                block.undo.append((item.coin, coin))
                tx.spent.append(coin[:2])
                self.spender[item.coin] = tx.id
            tx.fee = sum(v for v, _ in tx.spent) - sum(v for v, _ in tx.outputs)
        for number, (sats, script) in enumerate(tx.outputs):
            if not script.startswith(OP_RETURN):
                self.coins[tx.id, number] = (sats, script, height, minted)
        self.mined[tx.id] = (tx, height)
        for script in tx.scripts():
            self.history[script_key(script)].append(tx.id)

    def disconnect(self) -> list[Tx]:
        """Take the top block off; return its transactions, without the minting one."""
        block = self.blocks.pop()
        del self.heights[block.hash]
        for tx in reversed(block.txs):
            for number in range(len(tx.outputs)):
                self.coins.pop((tx.id, number), None)
            del self.mined[tx.id]
            for script in tx.scripts():
                self.history[script_key(script)].remove(tx.id)
        made_here = {tx.id for tx in block.txs}
        for outpoint, coin in block.undo:
            del self.spender[outpoint]
            if outpoint[0] not in made_here:
                self.coins[outpoint] = coin
        return block.txs[1:]

    def median_time(self, height: int) -> int:
        """Return the median time of the blocks up to a height (BIP-113)."""
        last = self.blocks[max(height + 1 - MEDIAN_BLOCKS, 0) : height + 1]
        return sorted(block.time for block in last)[len(last) // 2]
