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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from tallystick.core import journal
from tallystick.core.clock import Clock
from tallystick.core.identity.keys import load_or_make_key
from tallystick.core.store import Store, Tx
from tallystick.core.tlog import (
    checkpoint,
    files,
    keyring,
    keys,
    log,
    merkle,
    note,
    rotation,
    tiles,
)
from tallystick.core.tlog.errors import BadText, LogForked, OriginChanged
from tallystick.core.tlog.keys import LogSigner
from tallystick.core.tlog.log import Signed
from tallystick.core.tlog.note import Line
from tallystick.core.tlog.tiles import WIDTH, Tile

CHECKPOINT: Final = "checkpoint"
WITNESSED: Final = "checkpoint.witnessed"
"""The newest checkpoint that has its quorum: one behind the newest while witnesses are slow."""
VKEY: Final = "log.vkey"
POLICY: Final = "policy"
ANCHORS: Final = "artefacts/anchors.json"
FILES_AT_ONCE: Final = 512
"""So many tiles are in memory at most, 8 KiB each, and as many bundles."""

Cosign = Callable[[Signed], Mapping[int, Sequence[Line]]]
"""Asks the witnesses about a checkpoint, and waits for nobody: returns the lines that have come in
since the last call and hold, by the size of the checkpoint that they sign."""
Progress = Callable[[int, int], None]
"""Told, now and then, how many files of how many are written."""


def nobody(signed: Signed) -> Mapping[int, Sequence[Line]]:
    """Ask no witness."""
    return {}


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
        return keyring.signer_with(tx, key_file, name, private)


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
        renewed: Callable[[], LogSigner] | None = None,
    ) -> None:
        self.store, self.signer, self.folder, self.clock = store, signer, folder, clock
        self.cosign, self.policy, self.wanting = cosign, policy, wanting
        self.renewed = renewed or (lambda: signer)

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
            self._write_checkpoint(signed)
        with self.store.transact() as tx:
            log.published(tx, signed.size, self.clock.now())
        self._write_keys()
        return self._cosigned(signed)

    def due(self) -> bool:
        """Say whether there is something that the folder does not show yet."""
        with self.store.read() as tx:
            newest = log.checkpoint(tx)
            size = journal.edge(tx).size
        if newest is None or not newest.published or newest.size < size:
            return True
        return self.wanting(newest)

    def _advance(self) -> Signed:
        with self.store.read() as tx:
            now = log.verifier_key(tx)
        if now is not None and now != self.signer.key:
            self.signer = self.renewed()
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
        keys.check(found, self.signer.known)
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

    def _cosigned(self, signed: Signed) -> Signed:
        """Take the cosignatures that came in; show the newest checkpoint that has its quorum."""
        best: Signed | None = None
        for size, lines in sorted(self.cosign(signed).items()):
            with self.store.transact() as tx:
                found = log.add_signatures(tx, size, *lines)
            signed = found if size == signed.size else signed
            best = best if self.wanting(found) else found
        with files.alone(self.folder):
            before = self._published()
            if before is not None and before.size == signed.size:
                self._write(CHECKPOINT, str(signed.note))
            if best is not None and best.size >= self._witnessed():
                self._write(WITNESSED, str(best.note))
        return signed

    def _witnessed(self) -> int:
        """Return the size of the newest checkpoint shown with its quorum."""
        path = self.folder / WITNESSED
        return checkpoint.read(note.read(path.read_bytes()).text).size if path.exists() else 0

    def _write_keys(self) -> None:
        with self.store.read() as tx:
            known = keyring.changes(tx)
        if not all(row["proof"] for row in known):
            with self.store.transact() as tx:
                keyring.announce(tx)
                known = keyring.changes(tx)
            self.signer = self.renewed()
        self._write(rotation.FILE, keyring.published(known))

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
            self._write(name, text)

    def _write(self, name: str, text: str) -> None:
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
