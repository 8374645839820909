"""Making blocks: what goes in, the minting transaction, the header and its work (regtest's least).

The miner's own coins pay to OP_TRUE, which anyone may spend: on a chain of one there is no thief,
and no key to keep.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import Final

from tallystick.bitcoin.embedded.txs import Coin, OutPoint, Tx, compact, merkle_root, sha256d

HALVING_BLOCKS: Final = 150
SUBSIDY_SATS: Final = 50 * 10**8
BITS: Final = 0x207FFFFF
BLOCK_WEIGHT_MAX: Final = 3_900_000
BLOCK_SIGOPS_MAX: Final = 60_000
ANYONE: Final = b"\x51"
"""OP_TRUE: rewards of blocks that nobody asked for go nowhere in particular."""


def choose(waiting: Iterable[Tx], floor_sat_per_kvb: int) -> list[Tx]:
    """Choose what a block takes: enough fee, room for it, and parents taken before children."""
    taken: list[Tx] = []
    left: set[str] = set()
    weight = sigops = 0
    for tx in waiting:
        weight, sigops = weight + tx.weight, sigops + tx.sigops_bound()
        fits = weight <= BLOCK_WEIGHT_MAX and sigops <= BLOCK_SIGOPS_MAX
        if not fits or not tx.pays(floor_sat_per_kvb) or any(i.coin[0] in left for i in tx.inputs):
            left.add(tx.id)
            weight, sigops = weight - tx.weight, sigops - tx.sigops_bound()
        else:
            taken.append(tx)
    return taken


def subsidy(height: int) -> int:
    """Return what a block may mint, in satoshis."""
    return SUBSIDY_SATS >> height // HALVING_BLOCKS


def make_block(
    height: int,
    previous: str,
    when: int,
    script: bytes,
    txs: Sequence[Tx],
    reward: int,
    salt: bytes,
) -> bytes:
    """Return a whole block with its work done; ``salt`` makes it unlike any other."""
    bare, full = _coinbase(height, reward, script, txs, salt)
    root = merkle_root([sha256d(bare)] + [bytes.fromhex(tx.id)[::-1] for tx in txs])
    start = struct.pack("<i", 0x20000000) + bytes.fromhex(previous)[::-1] + root
    start += struct.pack("<II", when, BITS)
    nonce = 0
    while sha256d(start + struct.pack("<I", nonce))[31] > 0x7F:
        nonce += 1
    body = full + b"".join(tx.raw for tx in txs)
    return start + struct.pack("<I", nonce) + compact(1 + len(txs)) + body


def _coinbase(
    height: int, reward: int, script: bytes, txs: Sequence[Tx], salt: bytes
) -> tuple[bytes, bytes]:
    """Return the minting transaction without and with its witness (BIP-34, BIP-141)."""
    number = height.to_bytes((height.bit_length() + 8) // 8, "little")
    pushed = bytes([0x50 + height]) if height <= 16 else bytes([len(number)]) + number
    sig = pushed + bytes([len(salt)]) + salt
    witness_root = merkle_root([bytes(32)] + [tx.wtxid for tx in txs])
    commitment = b"\x6a\x24\xaa\x21\xa9\xed" + sha256d(witness_root + bytes(32))
    body = bytes(32) + b"\xff" * 4 + compact(len(sig)) + sig + b"\xff" * 4 + b"\x02"
    body += struct.pack("<q", reward) + compact(len(script)) + script
    body += bytes(8) + compact(len(commitment)) + commitment
    bare = b"\x02\0\0\0\x01" + body + bytes(4)
    return bare, b"\x02\0\0\0\0\x01\x01" + body + b"\x01\x20" + bytes(32) + bytes(4)


def spend_freely(coins: Sequence[OutPoint], outputs: Sequence[Coin]) -> bytes:
    """Return a transaction that spends coins anyone may spend: it needs no signature."""
    raw = b"\x02\0\0\0" + compact(len(coins))
    for txid, number in coins:
        raw += bytes.fromhex(txid)[::-1] + number.to_bytes(4, "little") + b"\0" + b"\xff" * 4
    raw += compact(len(outputs))
    for sats, script in outputs:
        raw += sats.to_bytes(8, "little") + compact(len(script)) + script
    return raw + bytes(4)
