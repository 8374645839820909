"""What was signed, and how much of the caps it used: written durably before a signature leaves.

Each signature is charged to one of the coins that it spends, its anchor, and an anchor is charged
only as far as the largest sum signed on it. Transactions that can all confirm share no coin, so
they have different anchors: what is charged is never less than what can be lost. And a replacement
counts only what it adds, the same transaction again counts nothing.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS signatures (
  txid TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  machine TEXT NOT NULL,
  purpose TEXT NOT NULL,
  sats INTEGER NOT NULL CHECK (sats >= 0),
  counted INTEGER NOT NULL CHECK (counted >= 0),
  anchor TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS signatures_at ON signatures (at);
CREATE INDEX IF NOT EXISTS signatures_anchor ON signatures (anchor);
"""


class Record:
    """One SQLite file, which only the signer opens."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode=TRUNCATE", "synchronous=FULL"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.executescript(SCHEMA)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def spent_since(self, since: dt.datetime, machine: str | None = None) -> int:
        """Return the satoshis counted since a moment, of one machine or of all."""
        query = "SELECT coalesce(sum(counted), 0) FROM signatures WHERE at >= ?"
        values: list[object] = [int(since.timestamp())]
        if machine is not None:
            query, values = f"{query} AND machine = ?", [*values, machine]
        return int(self._db.execute(query, values).fetchone()[0])

    def known(self, txid: str) -> bool:
        """Say whether this very transaction was signed before."""
        found = self._db.execute("SELECT 1 FROM signatures WHERE txid = ?", [txid])
        return found.fetchone() is not None

    def anchor(self, coins: Sequence[str]) -> tuple[str, int]:
        """Return the coin to charge, the most charged of these, and what it was charged."""
        marks = ",".join("?" * len(coins))
        query = (
            "SELECT anchor, sum(counted) AS charged FROM signatures"  # noqa: S608
            f" WHERE anchor IN ({marks}) GROUP BY anchor ORDER BY charged DESC, anchor LIMIT 1"
        )
        found = self._db.execute(query, list(coins)).fetchone()
        return (str(found[0]), int(found[1])) if found else (min(coins), 0)

    def write(
        self,
        txid: str,
        at: dt.datetime,
        *,
        machine: str,
        purpose: str,
        sats: int,
        counted: int,
        anchor: str,
    ) -> None:
        """Write one signature down; when this returns it is on disk."""
        row = [txid, int(at.timestamp()), machine, purpose, sats, counted, anchor]
        self._db.execute("INSERT OR IGNORE INTO signatures VALUES (?, ?, ?, ?, ?, ?, ?)", row)
