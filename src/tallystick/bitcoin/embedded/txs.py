"""Parsed transactions and the bytes that blocks are made of (BIP-34, BIP-141, consensus rules).

A parser of our own, strict to the last byte: reading a long chain again at a start takes a few
microseconds a transaction. What counts as valid is the kernel's word alone.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from tallystick.bitcoin.errors import ChainRejects

Coin = tuple[int, bytes]
"""Satoshis and script."""
OutPoint = tuple[str, int]

OP_RETURN: Final = b"\x6a"
NULL_TXID: Final = "00" * 32
HEADER_BYTES: Final = 80
CHECKSIGS: Final = tuple(bytes([op]) for op in (0xAC, 0xAD, 0xAE, 0xAF))
KEYS_PER_MULTISIG: Final = 20
WITNESS_SCALE: Final = 4


def sha256d(data: bytes) -> bytes:
    """Hash twice with SHA-256, as bitcoin does."""
    return hashlib.sha256(hashlib.sha256(data).digest()).digest()


def compact(number: int) -> bytes:
    """Encode a CompactSize integer."""
    if number < 253:
        return bytes([number])
    if number < 65_536:
        return b"\xfd" + number.to_bytes(2, "little")
    return b"\xfe" + number.to_bytes(4, "little")


def merkle_root(hashes: list[bytes]) -> bytes:
    """Fold hashes pairwise, repeating the last of an odd row."""
    while len(hashes) > 1:
        if len(hashes) % 2:
            hashes = [*hashes, hashes[-1]]
        hashes = [sha256d(hashes[i] + hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


@dataclass(slots=True)
class Input:
    """One input as Esplora shows it."""

    coin: OutPoint
    script_sig: bytes
    sequence: int
    witness: list[bytes]


@dataclass(slots=True)
class Tx:
    """A transaction, with the coins it spends once they are known."""

    raw: bytes
    id: str
    wtxid: bytes
    inputs: list[Input]
    outputs: list[Coin]
    weight: int
    version: int
    locktime: int
    fee: int = 0
    spent: list[Coin] = field(default_factory=list)

    @property
    def is_coinbase(self) -> bool:
        """Say whether it mints."""
        return self.inputs[0].coin[0] == NULL_TXID

    def scripts(self) -> set[bytes]:
        """Return every script it touches."""
        return {script for _, script in self.spent} | {script for _, script in self.outputs}

    def pays(self, sat_per_kvb: int) -> bool:
        """Say whether its fee is at least this rate."""
        return self.fee * 1000 * WITNESS_SCALE >= sat_per_kvb * self.weight

    def sigops_bound(self) -> int:
        """Return no less than its signature-check cost (BIP-141), by counting every such byte."""
        plain = [item.script_sig for item in self.inputs] + [s for _, s in self.outputs]
        witness = [part for item in self.inputs for part in item.witness]
        cost = WITNESS_SCALE * sum(script.count(op) for script in plain for op in CHECKSIGS)
        return KEYS_PER_MULTISIG * (cost + sum(p.count(op) for p in witness for op in CHECKSIGS))


class Reader:
    """Reads bytes in order; raises `ChainRejects` past the end."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def take(self, count: int) -> bytes:
        """Return the next bytes."""
        found = self.data[self.at : self.at + count]
        if len(found) != count:
            raise ChainRejects("TX decode failed: it ends early")
        self.at += count
        return found

    def number(self, width: int) -> int:
        """Return the next little-endian integer."""
        return int.from_bytes(self.take(width), "little")

    def count(self) -> int:
        """Return the next CompactSize, which must be in its shortest form."""
        first = self.number(1)
        if first < 253:
            return first
        width, least = {253: (2, 253), 254: (4, 1 << 16), 255: (8, 1 << 32)}[first]
        found = self.number(width)
        if found < least:
            raise ChainRejects("TX decode failed: a count not in its shortest form")
        return found

    def chunk(self) -> bytes:
        """Return the next length-prefixed bytes."""
        return self.take(self.count())

    def many(self) -> range:
        """Return a range over the next count, bounded by the bytes that are left."""
        found = self.count()
        if found > len(self.data) - self.at:
            raise ChainRejects("TX decode failed: more items than bytes")
        return range(found)


def read_tx(reader: Reader) -> Tx:
    """Read one transaction; raise `ChainRejects`."""
    start = reader.at
    version = int.from_bytes(reader.take(4), "little", signed=True)
    segwit = reader.data[reader.at : reader.at + 2] == b"\x00\x01"
    if segwit:
        reader.at += 2
    body = reader.at
    inputs = [_input(reader) for _ in reader.many()]
    outputs = [(reader.number(8), reader.chunk()) for _ in reader.many()]
    end = reader.at
    if segwit:
        for item in inputs:
            item.witness = [reader.chunk() for _ in reader.many()]
        if not any(item.witness for item in inputs):
            raise ChainRejects("TX decode failed: superfluous witness record")
    locktime = reader.number(4)
    raw = reader.data[start : reader.at]
    bare = raw[:4] + reader.data[body:end] + raw[-4:]
    weight = len(bare) * 3 + len(raw)
    name = sha256d(bare)[::-1].hex()
    return Tx(raw, name, sha256d(raw), inputs, outputs, weight, version, locktime)


def _input(reader: Reader) -> Input:
    coin = (reader.take(32)[::-1].hex(), reader.number(4))
    return Input(coin, reader.chunk(), reader.number(4), [])


def parse(raw: bytes) -> Tx:
    """Parse a transaction; raise `ChainRejects` for bytes that are none, or have others behind."""
    reader = Reader(raw)
    found = read_tx(reader)
    if reader.at != len(raw):
        raise ChainRejects("TX decode failed: bytes behind the end")
    if not found.inputs or not found.outputs:
        raise ChainRejects("bad-txns-vin-empty" if not found.inputs else "bad-txns-vout-empty")
    return found


def parse_block(raw: bytes) -> list[Tx]:
    """Parse the transactions of a block that the kernel found valid."""
    reader = Reader(raw, HEADER_BYTES)
    return [read_tx(reader) for _ in reader.many()]


def script_key(script: bytes) -> str:
    """Return Esplora's name for a script: its SHA-256 in hex."""
    return hashlib.sha256(script).hexdigest()
