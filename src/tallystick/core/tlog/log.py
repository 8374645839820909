"""The log over the journal's rows: sign a checkpoint, prove an entry, hand out a receipt.

A checkpoint is made from committed rows alone, and only after the tree that was signed last is
found again inside the tree to be signed: rows that were changed or lost stop the log rather than
fork it. Work and memory grow with the logarithm of the size.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.store import Tx, for_update, insert_once, prepared
from tallystick.core.tlog import keys, merkle, note, tiles
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.errors import BadProof, LogForked, NotPublished, OriginChanged
from tallystick.core.tlog.keys import LogSigner
from tallystick.core.tlog.note import Note
from tallystick.core.tlog.proof import Proof
from tallystick.core.tlog.tables import ANCHORS, CHECKPOINTS, SELF, TILES
from tallystick.core.tlog.tiles import WIDTH

TILED_PER_STEP_MAX: Final = 256
"""Full tiles of entries hashed upwards in one transaction: so long the writer waits at most."""

ANCHOR_EVERY: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Signed:
    """A stored checkpoint: its size and root, and the note as it is or will be published."""

    size: int
    root: bytes
    note: Note
    published: bool


def reader(tx: Tx) -> tiles.Read:
    """Return the reader of tiles over the database's rows."""

    def read(level: int, index: int, width: int) -> bytes:
        if level == 0:
            found = journal.leaves(tx, index * WIDTH, index * WIDTH + width)
        else:
            found = _tile(tx, level, index)[: width * merkle.HASH_BYTES]
        if width <= 0 or len(found) != width * merkle.HASH_BYTES:
            raise NotPublished(f"tile {level}/{index} has not {width} hashes yet")
        return found

    return read


@prepared
def _hashes(level: int, index: int) -> sa.Select[Any]:
    return sa.select(TILES.c.hashes).where(TILES.c.level == level, TILES.c.n == index)


def _tile(tx: Tx, level: int, index: int) -> bytes:
    return bytes(_hashes(tx, level=level, index=index).scalar_one_or_none() or b"")


def node(tx: Tx, size: int) -> merkle.Node:
    """Return the reader of subtrees of the tree of ``size``; raises `NotPublished` when read."""
    return tiles.node_reader(reader(tx), size)


def inclusion(tx: Tx, seq: int, size: int) -> list[bytes]:
    """Return the audit path of entry ``seq`` (from 1) in the tree of ``size`` entries.

    Raises `BadProof` if there is no such entry in it, `NotPublished` if the tree is newer than
    the newest signed checkpoint.
    """
    return merkle.inclusion(node(tx, size), seq - 1, size)


def consistency(tx: Tx, old: int, new: int) -> list[bytes]:
    """Return the proof that the tree of ``new`` entries continues that of ``old``."""
    return merkle.consistency(node(tx, new), old, new)


def _signed(row: Any) -> Signed | None:
    if row is None:
        return None
    published = row.published_at is not None
    return Signed(row.size, bytes(row.root), note.read(row.note.encode()), published)


def checkpoint(tx: Tx, published: bool = False) -> Signed | None:
    """Return the newest signed checkpoint, or the newest that is published, or None."""
    query = sa.select(CHECKPOINTS).order_by(CHECKPOINTS.c.size.desc()).limit(1)
    if published:
        query = query.where(CHECKPOINTS.c.published_at.is_not(None))
    return _signed(tx.execute(query).one_or_none())


def checkpoint_of(tx: Tx, size: int) -> Signed | None:
    """Return the checkpoint of this size, or None if none was signed."""
    query = sa.select(CHECKPOINTS).where(CHECKPOINTS.c.size == size)
    return _signed(tx.execute(query).one_or_none())


def verifier_key(tx: Tx) -> keys.Key | None:
    """Return the log's own verifier key, or None before its first checkpoint."""
    found = tx.execute(sa.select(SELF.c.vkey)).scalar_one_or_none()
    return None if found is None else keys.read(found)


def receipt(tx: Tx, seq: int, extra: bytes | None = None) -> Proof:
    """Return the proof of entry ``seq`` (from 1) under the newest published checkpoint.

    Raises `NotPublished` for an entry that it does not hold yet, `LogForked` if our own rows do
    not lead to it any more.
    """
    found = checkpoint(tx, published=True)
    if found is None or not 0 < seq <= found.size:
        raise NotPublished(f"entry {seq} is not in a published checkpoint yet")
    return proof_under(tx, seq, found, extra)


def first_with(tx: Tx, seq: int) -> Signed | None:
    """Return the first published checkpoint that holds an entry, or None."""
    c = CHECKPOINTS.c
    query = sa.select(CHECKPOINTS).where(c.size >= seq, c.published_at.is_not(None))
    return _signed(tx.execute(query.order_by(c.size).limit(1)).one_or_none())


def proof_under(tx: Tx, seq: int, found: Signed, extra: bytes | None = None) -> Proof:
    """Return the proof of entry ``seq`` (from 1) under one checkpoint; raise `LogForked`."""
    entry = b"".join(item for item, _ in journal.read(tx, seq - 1, seq))
    try:
        path = inclusion(tx, seq, found.size)
        merkle.check_inclusion(seq - 1, found.size, merkle.leaf(entry), path, found.root)
    except (BadProof, NotPublished) as error:
        raise LogForked(f"the rows about entry {seq} are not those that were signed") from error
    return Proof(seq - 1, tuple(path), str(found.note), extra)


def begin(tx: Tx, signer: LogSigner) -> int:
    """Take the publisher's lock; return how many entries are tiled. Raises `OriginChanged`."""
    insert_once(tx, SELF, {"one": 1, "vkey": str(signer.key), "tiled": 0})
    row = tx.execute(for_update(sa.select(SELF), tx)).one()
    if row.vkey != str(signer.key):
        raise OriginChanged(f"the log is {row.vkey[:80]}, not {str(signer.key)[:80]}")
    return int(row.tiled)


def advance(tx: Tx, signer: LogSigner, now: dt.datetime) -> Signed | None:
    """Sign and store the checkpoint of what is committed now; the former one if nothing is new.

    None says that more than one step's worth of entries had to be hashed: call it again. Raises
    `LogForked` when the rows are not a continuation of what was signed before.
    """
    tiled, edge = begin(tx, signer), journal.edge(tx)
    return _sign(tx, signer, now, edge) if _extend(tx, tiled, edge.size) else None


def _extend(tx: Tx, tiled: int, size: int) -> bool:
    """Hash full tiles of entries upwards, a bounded number; return whether all are done."""
    blocks = range(tiled // WIDTH, min(size // WIDTH, tiled // WIDTH + TILED_PER_STEP_MAX))
    pending: dict[tuple[int, int], bytes] = {}
    for block in blocks:
        hashes = journal.leaves(tx, block * WIDTH, (block + 1) * WIDTH)
        if len(hashes) != tiles.TILE_BYTES:
            raise LogForked(f"entries are missing between {block * WIDTH} and {size}")
        _raise_tile(tx, pending, block, tiles.tile_root(hashes))
    for (level, index), hashes in pending.items():
        _store_tile(tx, level, index, hashes)
    if blocks:
        tx.execute(sa.update(SELF).values(tiled=blocks.stop * WIDTH))
    return size // WIDTH <= max(blocks.stop, tiled // WIDTH)


def _raise_tile(tx: Tx, pending: dict[tuple[int, int], bytes], at: int, root: bytes) -> None:
    """Add the root of the ``at``-th full tile of one level to the level above, and so on."""
    for level in range(1, tiles.LEVEL_MAX + 1):
        key = level, at // WIDTH
        have = pending[key] if key in pending else _tile(tx, *key)
        pending[key] = have[: (at % WIDTH) * merkle.HASH_BYTES] + root
        if len(pending[key]) < tiles.TILE_BYTES:
            return
        at, root = at // WIDTH, tiles.tile_root(pending[key])


def _store_tile(tx: Tx, level: int, index: int, hashes: bytes) -> None:
    if not insert_once(tx, TILES, {"level": level, "n": index, "hashes": hashes}):
        where = sa.update(TILES).where(TILES.c.level == level, TILES.c.n == index)
        tx.execute(where.values(hashes=hashes))


def _sign(tx: Tx, signer: LogSigner, now: dt.datetime, edge: merkle.Frontier) -> Signed:
    last = checkpoint(tx)
    if last is not None and (last.size, last.root) == (edge.size, edge.root()):
        return last
    _same_tree(tx, edge, last)
    made = Checkpoint(signer.key.name, edge.size, edge.root())
    text = Note(str(made), signer.lines(str(made), now))
    row = {"size": made.size, "root": made.root, "note": str(text), "at": now}
    tx.execute(sa.insert(CHECKPOINTS).values(row))
    return Signed(made.size, made.root, text, False)


def _same_tree(tx: Tx, edge: merkle.Frontier, last: Signed | None) -> None:
    """Find the tree of the edge in the rows, and the tree signed last inside it."""
    if edge.size and _root(tx, edge.size) != edge.root():
        raise LogForked(f"the {edge.size} rows are not those that were appended")
    if last is None:
        return
    if last.size >= edge.size:
        raise LogForked(f"{last.size} entries are signed, {edge.size} are here with another root")
    if last.size and _root(tx, last.size) != last.root:
        raise LogForked(f"the first {last.size} entries are not those that were signed")


def _root(tx: Tx, size: int) -> bytes:
    try:
        return merkle.range_root(node(tx, size), 0, size)
    except NotPublished as error:
        raise LogForked(f"rows are missing among {size}: {error}") from error


def add_signatures(tx: Tx, size: int, *lines: note.Line) -> Signed:
    """Store cosignatures of a checkpoint beside the log's own signature."""
    query = sa.select(CHECKPOINTS).where(CHECKPOINTS.c.size == size)
    found = _signed(tx.execute(for_update(query, tx)).one())
    if found is None:
        raise NotPublished(f"no checkpoint of {size} is signed")
    more = found.note.signed(*lines)
    where = sa.update(CHECKPOINTS).where(CHECKPOINTS.c.size == size)
    tx.execute(where.values(note=str(more)))
    return Signed(found.size, found.root, more, found.published)


def published(tx: Tx, size: int, now: dt.datetime) -> None:
    """Record that a checkpoint is where everybody can see it."""
    where = sa.update(CHECKPOINTS).where(CHECKPOINTS.c.size == size)
    tx.execute(where.where(CHECKPOINTS.c.published_at.is_(None)).values(published_at=now))


def anchored(tx: Tx, txid: str, size: int, root: bytes, at: dt.datetime) -> None:
    """Record, with the transaction itself, that it carries this checkpoint."""
    insert_once(tx, ANCHORS, {"txid": txid, "size": size, "root": root, "at": at})


def anchor_of(tx: Tx, txid: str) -> tuple[int, bytes] | None:
    """Return the size and root that a transaction carries, or None."""
    row = tx.execute(sa.select(ANCHORS).where(ANCHORS.c.txid == txid)).one_or_none()
    return None if row is None else (row.size, bytes(row.root))


def anchors(tx: Tx) -> list[dict[str, Any]]:
    """Return every anchor as it is published, the oldest first."""
    rows = tx.execute(sa.select(ANCHORS).order_by(ANCHORS.c.size, ANCHORS.c.txid))
    return [{"txid": r.txid, "size": r.size, "root": bytes(r.root).hex()} for r in rows]


def to_anchor(tx: Tx, now: dt.datetime) -> Signed | None:
    """Return the published checkpoint that a transaction made now should carry, or None.

    One an hour at most: each costs some fifty bytes of fee.
    """
    newest = checkpoint(tx, published=True)
    last = tx.execute(sa.select(ANCHORS.c.at, ANCHORS.c.size).order_by(ANCHORS.c.at.desc())).first()
    if newest is None or newest.size == 0 or (last and last.size >= newest.size):
        return None
    return newest if last is None or now - last.at >= ANCHOR_EVERY else None


def verify(tx: Tx) -> int:
    """Check every stored checkpoint against the entries; return how many there are.

    Raises `journal.JournalBroken` or `LogForked`. One pass, whatever the size.
    """
    edge = merkle.Frontier()
    query = sa.select(CHECKPOINTS.c.size, CHECKPOINTS.c.root).order_by(CHECKPOINTS.c.size)
    due = [(size, bytes(root)) for size, root in tx.execute(query)]
    for size, root in due:
        for entry, _ in journal.read(tx, edge.size, size):
            edge.append(merkle.leaf(entry))
        if (edge.size, edge.root()) != (size, root):
            raise LogForked(f"the checkpoint of {size} is not of the first {size} entries")
    return len(due)
