"""The signer's keys and its record of what it signed, in its own folder.

The record is written durably before a signature leaves. The same unsigned transaction counts
once; a replacement that spends the same coins counts only as far as it is larger.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from bdkpython import bdk

from tallystick.bitcoin.address import NETWORKS
from tallystick.core.clock import Clock


@dataclass(frozen=True, slots=True)
class Keys:
    """The wallet that signs, and the public descriptors that watch."""

    wallet: bdk.Wallet
    external: str
    internal: str


def open_keys(folder: Path, network: str, clock: Clock) -> Keys:
    """Load the seed, or make one from the kernel's randomness, readable by its owner only."""
    path = folder / "seed"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(str(bdk.Mnemonic.from_entropy(clock.random_bytes(16))))
            file.flush()
            os.fsync(file.fileno())
        path.with_suffix(".new").replace(path)
    kind = bdk.NetworkKind.MAIN if network == "bitcoin" else bdk.NetworkKind.TEST
    seed = bdk.Mnemonic.from_string(path.read_text().strip())
    secret = bdk.DescriptorSecretKey(kind, seed, None)
    external = bdk.Descriptor.new_bip84(secret, bdk.KeychainKind.EXTERNAL, kind)
    internal = bdk.Descriptor.new_bip84(secret, bdk.KeychainKind.INTERNAL, kind)
    wallet = bdk.Wallet(external, internal, NETWORKS[network], bdk.Persister.new_in_memory())
    return Keys(wallet, str(external), str(internal))


class Record:
    """What was signed: one row for each unsigned transaction, one for each coin it spends."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS signed (txid TEXT PRIMARY KEY, at INTEGER NOT NULL,"
            " machine TEXT NOT NULL, sats INTEGER NOT NULL, counted INTEGER NOT NULL) STRICT"
        )
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS coins (coin TEXT, txid TEXT, PRIMARY KEY (coin, txid))"
            " STRICT"
        )

    def spent_since(self, since: dt.datetime, machine: str = "") -> int:
        """Return the satoshis counted since a moment, of one machine or of all."""
        where, values = "at >= ?", [int(since.timestamp())]
        query = f"SELECT coalesce(sum(counted), 0) FROM signed WHERE {where}"  # noqa: S608
        if machine:
            return int(
                self._db.execute(f"{query} AND machine = ?", [*values, machine]).fetchone()[0]
            )
        return int(self._db.execute(query, values).fetchone()[0])

    def known(self, txid: str) -> bool:
        """Say whether this very transaction was signed before."""
        return bool(self._db.execute("SELECT 1 FROM signed WHERE txid = ?", [txid]).fetchone())

    def already_counted(self, coins: list[str]) -> int:
        """Return what was counted for transactions that spend any of these coins."""
        marks = ",".join("?" * len(coins))
        query = (
            "SELECT coalesce(sum(counted), 0) FROM signed WHERE txid IN"  # noqa: S608
            f" (SELECT txid FROM coins WHERE coin IN ({marks}))"
        )
        return int(self._db.execute(query, coins).fetchone()[0])

    def write(
        self, txid: str, machine: str, sats: int, counted: int, coins: list[str], at: dt.datetime
    ) -> None:
        """Write one signature down, durably, before it is given out."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.execute(
                "INSERT OR IGNORE INTO signed VALUES (?, ?, ?, ?, ?)",
                [txid, int(at.timestamp()), machine, sats, counted],
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO coins VALUES (?, ?)", [(coin, txid) for coin in coins]
            )
            self._db.execute("COMMIT")
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
