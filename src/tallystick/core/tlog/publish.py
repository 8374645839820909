"""Publish the log as static files: tiles first, the checkpoint last (C2SP tlog-tiles).

One publication is intent, act and outcome: the signed checkpoint is stored (`log.advance`), the
files that it implies are written and synced, then the file ``checkpoint`` is replaced, then the row
says so. After a crash anywhere the same bytes are written again; a checkpoint is never ahead of
its tiles, and never of two trees. A folder that is ahead of the database (a backup was restored)
stops the publisher: going on would fork the log.
"""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tallystick.core import journal
from tallystick.core.clock import Clock
from tallystick.core.identity.keys import load_or_make_key
from tallystick.core.store import Store, Tx
from tallystick.core.tlog import checkpoint, files, keys, log, merkle, note, tiles
from tallystick.core.tlog.errors import BadText, LogForked, OriginChanged
from tallystick.core.tlog.keys import LogSigner
from tallystick.core.tlog.log import Signed
from tallystick.core.tlog.note import Line
from tallystick.core.tlog.tiles import WIDTH, Tile

CHECKPOINT: Final = "checkpoint"
VKEY: Final = "log.vkey"
POLICY: Final = "policy"
ANCHORS: Final = "artefacts/anchors.json"
FILES_AT_ONCE: Final = 512
"""So many tiles are in memory at most, 8 KiB each, and as many bundles."""

Cosign = Callable[[Signed], Sequence[Line]]
"""Asks the witnesses; returns the lines that hold, in a bounded time."""
Progress = Callable[[int, int], None]
"""Told, now and then, how many files of how many are written."""


def nobody(signed: Signed) -> Sequence[Line]:
    """Ask no witness."""
    return ()


def nothing(signed: Signed) -> bool:
    """Want no more signatures."""
    return False


def said(done: int, total: int) -> None:
    """Tell nobody."""


def signer_of(store: Store, key_file: Path, origin: str = "") -> LogSigner:
    """Return the log's signer: the key of the file, under the name that the log has for ever.

    The name is given at the first publication; left out, it is drawn from the key. Raises
    `OriginChanged` when another is given later, `BadText` when it can be no log's name.
    """
    private = load_or_make_key(key_file)
    drawn = hashlib.sha256(private.public_key().public_bytes_raw()).hexdigest()[:12]
    with store.read() as tx:
        known = log.verifier_key(tx)
    name = origin or (known.name if known else f"tallystick.invalid/{drawn}")
    if not note.is_name(name):
        raise BadText(f"{name[:80]!r} can be no log's name")
    if known is not None and name != known.name:
        raise OriginChanged(f"the log is called {known.name}, not {name[:80]}")
    return LogSigner(name, private)


class Publisher:
    """Publishes one store's log into one folder, under one key."""

    def __init__(
        self,
        store: Store,
        signer: LogSigner,
        folder: Path,
        clock: Clock,
        cosign: Cosign = nobody,
        policy: str = "",
        wanting: Callable[[Signed], bool] = nothing,
    ) -> None:
        self.store, self.signer, self.folder, self.clock = store, signer, folder, clock
        self.cosign, self.policy, self.wanting = cosign, policy, wanting

    def step(self, progress: Progress = said) -> Signed:
        """Bring the folder up to what is committed; return the checkpoint that it now has.

        Raises `LogForked`, `OriginChanged`; then nothing in the folder was overwritten.
        """
        signed = self._advance()
        with files.alone(self.folder):
            before = self._published()
            self._same_log(before, signed)
            old = before.size if before else 0
            if before is None or signed.size > old:
                self._write_tiles(old, signed.size, progress)
            signed = self._witnessed(signed)
            self._write_checkpoint(signed)
        with self.store.transact() as tx:
            log.published(tx, signed.size, self.clock.now())
        return signed

    def due(self) -> bool:
        """Say whether there is something that the folder does not show yet."""
        with self.store.read() as tx:
            newest = log.checkpoint(tx)
            size = journal.edge(tx).size
        if newest is None or not newest.published or newest.size < size:
            return True
        return self.wanting(newest)

    def _advance(self) -> Signed:
        while True:
            with self.store.transact() as tx:
                signed = log.advance(tx, self.signer, self.clock.now())
            if signed is not None:
                return signed

    def _published(self) -> checkpoint.Checkpoint | None:
        """Return what the folder's checkpoint says, if our key signed it."""
        path = self.folder / CHECKPOINT
        if not path.exists():
            return None
        found = note.read(path.read_bytes())
        keys.check(found, [self.signer.key])
        return checkpoint.read(found.text)

    def _same_log(self, before: checkpoint.Checkpoint | None, signed: Signed) -> None:
        if before is None or before.size == 0:
            return
        where = f"{self.folder} shows {before.size} entries"
        if before.size > signed.size:
            raise LogForked(f"{where}, the database has {signed.size}: is it an old backup?")
        with self.store.read() as tx:
            known = log.checkpoint_of(tx, before.size)
        if known is None or known.root != before.root:
            raise LogForked(f"{where} under a root that the database never signed")

    def _write_tiles(self, old: int, new: int, progress: Progress) -> None:
        due, done, total = tiles.new_tiles(old, new), 0, tiles.count_of(old, new)
        with self.store.read() as tx:
            while part := list(itertools.islice(due, FILES_AT_ONCE)):
                files.write_all([(self.folder / t.path, _content(tx, t)) for t in part])
                done += len(part)
                progress(done, total)
        for tile in tiles.new_tiles(old, new):
            if tile.width == WIDTH:
                shutil.rmtree(self.folder / f"{tile.path}.p", ignore_errors=True)

    def _witnessed(self, signed: Signed) -> Signed:
        lines = self.cosign(signed)
        if not set(lines) - set(signed.note.lines):
            return signed
        with self.store.transact() as tx:
            return log.add_signatures(tx, signed.size, *lines)

    def _write_checkpoint(self, signed: Signed) -> None:
        with self.store.read() as tx:
            anchors = log.anchors(tx)
        texts = {
            ANCHORS: msgspec.json.encode(anchors).decode() if anchors else "",
            VKEY: f"{self.signer.key}\n",
            POLICY: self.policy,
            CHECKPOINT: str(signed.note),
        }
        for name, text in texts.items():
            path, data = self.folder / name, text.encode()
            if text and not (path.exists() and path.read_bytes() == data):
                files.write(path, data)


def _content(tx: Tx, tile: Tile) -> bytes:
    if tile.level >= 0:
        return log.reader(tx)(tile.level, tile.index, tile.width)
    start = tile.index * WIDTH
    found: list[bytes] = []
    for entry, leaf in journal.read(tx, start, start + tile.width):
        if merkle.leaf(entry) != leaf:
            raise LogForked(f"entry {start + len(found) + 1} is not the one that was appended")
        found.append(entry)
    return tiles.bundle(found)
