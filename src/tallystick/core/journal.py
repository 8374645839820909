"""The append-only record: each entry is chained to the one before, inside the same transaction.

An entry holds a public header (programme, kind, day) and a salted commitment; the salt stays with
whoever is concerned, so the journal tells nobody anything and proves everything. This chain is
the first form; the tiled Merkle log will implement the same three calls (`append`, `verify`,
`head`).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core.errors import TallystickError
from tallystick.core.store import METADATA, Tx, insert_once, prepared

GENESIS: Final = bytes(32).hex()
SALT_BYTES: Final = 16

ENTRIES: Final = sa.Table(
    "journal_entries",
    METADATA,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("programme", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("commitment", sa.Text, nullable=False, index=True),
    sa.Column("hash", sa.Text, nullable=False, unique=True),
    sqlite_strict=True,
)
HEAD: Final = sa.Table(
    "journal_head",
    METADATA,
    sa.Column("one", sa.Integer, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sqlite_strict=True,
)


class JournalBroken(TallystickError):
    """The journal's chain does not hold from this entry on."""

    code, money, say = 1201, "as the ledger says; the record of it was altered", ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal."""

    seq: int
    commitment: str
    hash: str


def canonical(content: Mapping[str, Any]) -> bytes:
    """Render content as JSON with sorted keys and no spaces: one value, one string of bytes."""
    return msgspec.json.encode(content, order="deterministic")


def commit(salt: bytes, content: Mapping[str, Any]) -> str:
    """Return the commitment: SHA-256 over the salt and the canonical content, in hex."""
    return hashlib.sha256(salt + canonical(content)).hexdigest()


def _chain(before: str, programme: str, kind: str, day: str, commitment: str) -> str:
    text = "\n".join((before, programme, kind, day, commitment))
    return hashlib.sha256(text.encode()).hexdigest()


@prepared
def _head() -> sa.Select[Any]:
    return sa.select(HEAD.c.seq, HEAD.c.hash).with_for_update()


@prepared
def _add_entry() -> sa.Insert:
    return sa.insert(ENTRIES)


@prepared
def _move_head() -> sa.Update:
    return sa.update(HEAD)


def lock(tx: Tx) -> sa.Row[Any]:
    """Take the journal's own lock now: steps that compare totals then run one after another."""
    row = _head(tx).one_or_none()
    if row is None:
        insert_once(tx, HEAD, {"one": 1, "seq": 0, "hash": GENESIS})
        row = _head(tx).one()
    return row


def append(tx: Tx, programme: str, kind: str, commitment: str, at: dt.datetime) -> Entry:
    """Append one commitment in the caller's transaction."""
    last = lock(tx)
    day = at.astimezone(dt.UTC).date().isoformat()
    entry = Entry(last.seq + 1, commitment, _chain(last.hash, programme, kind, day, commitment))
    row = {"programme": programme, "kind": kind, "day": day, "commitment": commitment}
    moved = {"seq": entry.seq, "hash": entry.hash}
    _add_entry(tx, {**row, **moved})
    _move_head(tx, moved)
    return entry


def head(tx: Tx) -> tuple[int, str]:
    """Return the number of entries and the hash of the last."""
    row = tx.execute(sa.select(HEAD.c.seq, HEAD.c.hash)).one_or_none()
    return (0, GENESIS) if row is None else (row.seq, row.hash)


def find(tx: Tx, commitment: str) -> tuple[int, str] | None:
    """Return the number and the day of the entry with this commitment, or None."""
    query = sa.select(ENTRIES.c.seq, ENTRIES.c.day).where(ENTRIES.c.commitment == commitment)
    row = tx.execute(query.limit(1)).one_or_none()
    return None if row is None else (row.seq, row.day)


def verify(tx: Tx) -> int:
    """Walk the whole chain; return its length, or raise `JournalBroken` naming the first entry."""
    before, count = GENESIS, 0
    for row in tx.execute(sa.select(ENTRIES).order_by(ENTRIES.c.seq)).mappings():
        count += 1
        expected = _chain(before, row["programme"], row["kind"], row["day"], row["commitment"])
        if row["seq"] != count or row["hash"] != expected:
            raise JournalBroken(f"entry {count} does not follow from the one before it")
        before = expected
    if head(tx) != (count, before):
        raise JournalBroken(f"the head does not name entry {count}")
    return count
