"""The append-only record, as a Merkle tree: an entry is added in the transaction it records.

An entry holds a public header (programme, kind, day) and a salted commitment; the salt stays with
whoever is concerned, so the journal tells nobody anything and proves everything, and erasing what
a commitment was made from leaves every proof valid. The head keeps the tree's right edge (RFC 6962,
one hash for each bit of the size), so that appending costs two statements and one or two hashes
however long the log is; `tallystick.core.tlog` proves, signs and publishes it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core.errors import TallystickError
from tallystick.core.store import METADATA, Tx, insert_once, noted, prepared
from tallystick.core.tlog import merkle
from tallystick.core.tlog.merkle import Frontier

GENESIS: Final = merkle.EMPTY.hex()
"""The root of the journal without an entry."""
SALT_BYTES: Final = 16
READ_ROWS: Final = 1_000
QUIET: Final = ("record", "step")
"""The one header, programme and kind, of each entry that may be about a person: every step of a
case, of an approval and of the vault. Headers are public, and days of few steps are many: a kind
of its own for each would let anybody count what published statistics hide (Decision 13)."""
_EDGE: Final = "journal.edge"
_NAME: Final = re.compile(r"[a-z0-9_.-]{1,64}")

ENTRIES: Final = sa.Table(
    "log_entries",
    METADATA,
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("programme", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("day", sa.Text, nullable=False),
    sa.Column("commitment", sa.Text, nullable=False, index=True),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
)
"""``seq`` counts from 1: entry n is leaf n-1. ``hash`` is the leaf's."""
HEAD: Final = sa.Table(
    "log_head",
    METADATA,
    sa.Column("one", sa.Integer, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("edge", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
)


class JournalBroken(TallystickError):
    """The journal's rows are not those that its head was made from, from this entry on."""

    code, money, say = 1201, "as the ledger says; the record of it was altered", ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: its number from 1, its commitment, its leaf hash in hex."""

    seq: int
    commitment: str
    hash: str


def canonical(content: Mapping[str, Any]) -> bytes:
    """Render content as JSON with sorted keys and no spaces: one value, one string of bytes."""
    return msgspec.json.encode(content, order="deterministic")


def commit(salt: bytes, content: Mapping[str, Any]) -> str:
    """Return the commitment: SHA-256 over the salt and the canonical content, in hex."""
    return hashlib.sha256(salt + canonical(content)).hexdigest()


def entry_bytes(programme: str, kind: str, day: str, commitment: str) -> bytes:
    """Return the entry as the log publishes it: its header and commitment as canonical JSON."""
    return canonical({"programme": programme, "kind": kind, "day": day, "commitment": commitment})


@prepared
def _head() -> sa.Select[Any]:
    return sa.select(HEAD.c.seq, HEAD.c.edge).with_for_update()


@prepared
def _add_entry() -> sa.Insert:
    return sa.insert(ENTRIES)


@prepared
def _move_head() -> sa.Update:
    return sa.update(HEAD)


def lock(tx: Tx) -> None:
    """Take the journal's own lock now: steps that compare totals then run one after another."""
    _locked(tx)


def _locked(tx: Tx) -> Frontier:
    """Lock the head, once in a step, and return the tree's right edge, to be appended to."""
    held = noted(tx)
    if _EDGE not in held:
        row = _head(tx).one_or_none()
        if row is None:
            insert_once(tx, HEAD, {"one": 1, "seq": 0, "edge": b""})
            row = _head(tx).one()
        held[_EDGE] = Frontier.read(row.seq, row.edge)
    found: Frontier = held[_EDGE]
    return found


def append(tx: Tx, programme: str, kind: str, commitment: str, at: dt.datetime) -> Entry:
    """Append one commitment in the caller's transaction.

    Raises `ValueError` if programme or kind could not be read back as they were written.
    """
    if not (_NAME.fullmatch(programme) and _NAME.fullmatch(kind)):
        raise ValueError(f"{programme[:80]!r}, {kind[:80]!r}: names of small letters and digits")
    edge = _locked(tx)
    day = at.astimezone(dt.UTC).date().isoformat()
    leaf = merkle.leaf(entry_bytes(programme, kind, day, commitment))
    noted(tx).pop(_EDGE, None)  # until both rows are written, it is ahead of what is stored
    edge.append(leaf)
    row = {"programme": programme, "kind": kind, "day": day, "commitment": commitment}
    _add_entry(tx, {**row, "seq": edge.size, "hash": leaf})
    _move_head(tx, {"seq": edge.size, "edge": edge.packed()})
    noted(tx)[_EDGE] = edge
    return Entry(edge.size, commitment, leaf.hex())


def edge(tx: Tx) -> Frontier:
    """Return the tree's right edge as it is committed: its size, and what its root is made of."""
    row = tx.execute(sa.select(HEAD.c.seq, HEAD.c.edge)).one_or_none()
    return Frontier() if row is None else Frontier.read(row.seq, row.edge)


def head(tx: Tx) -> tuple[int, str]:
    """Return the number of entries and the root over them, in hex."""
    now = edge(tx)
    return now.size, now.root().hex()


def find(tx: Tx, commitment: str) -> tuple[int, str] | None:
    """Return the number and the day of the entry with this commitment, or None."""
    query = sa.select(ENTRIES.c.seq, ENTRIES.c.day).where(ENTRIES.c.commitment == commitment)
    row = tx.execute(query.limit(1)).one_or_none()
    return None if row is None else (row.seq, row.day)


def read(tx: Tx, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield each leaf ``[start, end)`` as its entry and its stored hash, a few rows in memory."""
    e = ENTRIES.c
    query = sa.select(e.programme, e.kind, e.day, e.commitment, e.hash).order_by(e.seq)
    query = query.where(e.seq > start, e.seq <= end)
    with tx.execute(query.execution_options(yield_per=READ_ROWS)) as rows:
        for programme, kind, day, commitment, leaf in rows:
            yield entry_bytes(programme, kind, day, commitment), bytes(leaf)


@prepared
def _leaves(start: int, end: int) -> sa.Select[Any]:
    query = sa.select(ENTRIES.c.hash).where(ENTRIES.c.seq > start, ENTRIES.c.seq <= end)
    return query.order_by(ENTRIES.c.seq)


def leaves(tx: Tx, start: int, end: int) -> bytes:
    """Return the stored hashes of leaves ``[start, end)``, one behind the other."""
    return b"".join(map(bytes, _leaves(tx, start=start, end=end).scalars()))


def verify(tx: Tx) -> int:
    """Rebuild the whole tree; return its size, or raise `JournalBroken` naming the first entry."""
    now, rebuilt = edge(tx), Frontier()
    query = sa.select(ENTRIES).order_by(ENTRIES.c.seq)
    with tx.execute(query.execution_options(yield_per=READ_ROWS)) as rows:
        for seq, *row, stored in rows:
            leaf = merkle.leaf(entry_bytes(*row))
            if seq != rebuilt.size + 1 or leaf != bytes(stored):
                raise JournalBroken(f"entry {rebuilt.size + 1} is not the one that was appended")
            rebuilt.append(leaf)
    if (now.size, now.hashes) != (rebuilt.size, rebuilt.hashes):
        raise JournalBroken(f"the head is not that of {rebuilt.size} entries")
    return rebuilt.size
