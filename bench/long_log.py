"""Many entries at once, as so many appends would leave them: for what must be long."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.store import Store, Tx
from tallystick.core.tlog import merkle

ROWS = 5_000


def lengthen(store: Store, count: int, day: str, kind: str = "paid_in") -> None:
    """Add ``count`` entries, each with a commitment of its own, a few thousand at once."""
    for start in range(0, count, ROWS):
        with store.transact() as tx:
            _add(tx, range(start, min(start + ROWS, count)), day, kind)


def _add(tx: Tx, numbers: range, day: str, kind: str) -> None:
    journal.lock(tx)
    edge, rows = journal.edge(tx), []
    for number in numbers:
        mark = hashlib.sha256(f"{edge.size}.{number}".encode()).hexdigest()
        leaf = merkle.leaf(journal.entry_bytes("kiosk", kind, day, mark))
        edge.append(leaf)
        row = {"programme": "kiosk", "kind": kind, "day": day, "commitment": mark}
        rows.append({**row, "seq": edge.size, "hash": leaf})
    tx.execute(sa.insert(journal.ENTRIES), rows)
    tx.execute(sa.update(journal.HEAD).values(seq=edge.size, edge=edge.packed()))
