"""Parsed transactions and the bytes that blocks are made of (BIP-34, BIP-141, consensus rules)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from tallystick.bitcoin.transaction import decode

Coin = tuple[int, bytes]
"""Satoshis and script."""
OutPoint = tuple[str, int]

OP_RETURN: Final = b"\x6a"
NULL_TXID: Final = "00" * 32


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


def parse(raw: bytes) -> Tx:
    """Parse a transaction; raise `ChainRejects` for bytes that are none."""
    found = decode(raw)
    inputs = [
        Input(
            (str(i.previous_output.txid), i.previous_output.vout),
            bytes(i.script_sig.to_bytes()),
            i.sequence,
            [bytes(item) for item in i.witness],
        )
        for i in found.input()
    ]
    outputs = [(out.value.to_sat(), bytes(out.script_pubkey.to_bytes())) for out in found.output()]
    return Tx(
        raw,
        str(found.compute_txid()),
        sha256d(raw),
        inputs,
        outputs,
        found.weight(),
        found.version(),
        found.lock_time(),
    )


def script_key(script: bytes) -> str:
    """Return Esplora's name for a script: its SHA-256 in hex."""
    return hashlib.sha256(script).hexdigest()
