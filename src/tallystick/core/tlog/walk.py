"""Walk a whole published log: hash every entry up to the signed root, with memory that stays flat.

What does not fit is named exactly: the entry, the tile or the bundle. Where a bundle and a tile
disagree, the one that leads to the signed root is right and the other was changed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from tallystick.core.tlog import merkle, tiles
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.errors import BadProof, BadText
from tallystick.core.tlog.merkle import HASH_BYTES
from tallystick.core.tlog.reader import LogReader, Missing
from tallystick.core.tlog.report import Caught, Fault
from tallystick.core.tlog.tiles import BITS, WIDTH, Tile

DAYS_BACK_MAX: Final = 1
"""Two steps that wait for each other over midnight may be written in the other order."""
ONE_DAY: Final = dt.timedelta(days=1)


class Header(msgspec.Struct, forbid_unknown_fields=True):
    """An entry of ours: what everybody may read of it."""

    programme: str
    kind: str
    day: dt.date
    commitment: str


def header_of(entry: bytes) -> Header | None:
    """Read an entry of ours, or return None: another's log holds other things."""
    try:
        return msgspec.json.decode(entry, type=Header)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


class Walk:
    """One pass over a log. ``newest`` is the latest day seen, ``ours`` counts entries of ours."""

    def __init__(self, reader: LogReader, signed: Checkpoint) -> None:
        self.reader, self.signed = reader, signed
        self.node = tiles.node_reader(reader.tile, signed.size)
        self.newest: dt.date | None = None
        self.ours = self.bytes = 0
        self._open: dict[int, tuple[int, bytearray]] = {}
        self._seen: Callable[[int, bytes], None] = lambda index, entry: None

    def run(
        self,
        progress: Callable[[int, int], None],
        seen: Callable[[int, bytes], None] | None = None,
    ) -> None:
        """Read everything; raise `Caught` at the first thing that does not fit."""
        self._seen = seen or self._seen
        size = self.signed.size
        for index in range(-(-size // WIDTH)):
            self._bundle(index)
            progress(min(size, (index + 1) * WIDTH), size)
        for level, (index, hashes) in sorted(self._open.items()):
            self._compare(level, index, bytes(hashes))
        root = merkle.range_root(self.node, 0, size)
        if root != self.signed.root:
            raise Caught(Fault.WRONG_ROOT, f"these {size} entries do not have the signed root")

    def _bundle(self, index: int) -> None:
        width = tiles.width_of(0, index, self.signed.size)
        where = Tile(-1, index, width).path
        try:
            entries = self.reader.bundle(index, width)
        except BadText as error:
            raise Caught(Fault.TRUNCATED_BUNDLE, f"{where}: {error}") from error
        except Missing as error:
            raise Caught(Fault.TRUNCATED_BUNDLE, f"{where} is missing") from error
        own = [merkle.leaf(entry) for entry in entries]
        self._against_tile(index, width, own)
        for at, entry in enumerate(entries):
            self._entry(index * WIDTH + at, entry)
        if width == WIDTH:
            self._raise(1, index, tiles.tile_root(b"".join(own)))

    def _entry(self, index: int, entry: bytes) -> None:
        self.bytes += len(entry)
        self._seen(index, entry)
        header = header_of(entry)
        if header is None:
            return
        self.ours += 1
        if self.newest and header.day < self.newest - DAYS_BACK_MAX * ONE_DAY:
            said = f"entry {index + 1} is dated {header.day}, behind one of {self.newest}"
            raise Caught(Fault.BACK_DATED, said)
        self.newest = max(self.newest or header.day, header.day)

    def _raise(self, level: int, at: int, root: bytes) -> None:
        """Add a hash to its tile; compare a tile that is full, and go on above it."""
        index, hashes = self._open.setdefault(level, (at // WIDTH, bytearray()))
        hashes += root
        if len(hashes) == tiles.TILE_BYTES:
            del self._open[level]
            self._compare(level, index, bytes(hashes))
            self._raise(level + 1, index, tiles.tile_root(bytes(hashes)))

    def _compare(self, level: int, index: int, own: bytes) -> None:
        path = Tile(level, index, len(own) // HASH_BYTES).path
        try:
            served = self.reader.tile(level, index, len(own) // HASH_BYTES)
        except Missing as error:
            raise Caught(Fault.TAMPERED_TILE, f"{path} is missing") from error
        if served == own:
            return
        if not self._leads(level, index, own):
            raise Caught(Fault.WRONG_ROOT, f"neither {path} nor what is below it has the root")
        raise Caught(Fault.TAMPERED_TILE, f"{path} is not what the entries below it make")

    def _against_tile(self, index: int, width: int, own: Sequence[bytes]) -> None:
        """Compare a bundle's leaf hashes with the tile of level 0, and say which is wrong."""
        path = Tile(0, index, width).path
        try:
            data = self.reader.tile(0, index, width)
        except Missing as error:
            raise Caught(Fault.TAMPERED_TILE, f"{path} is missing") from error
        served = [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]
        if served == list(own):
            return
        if len(own) == width and self._leads(0, index, b"".join(own)):
            raise Caught(Fault.TAMPERED_TILE, f"{path} does not lead to the signed root")
        if not self._leads(0, index, data):
            raise Caught(Fault.WRONG_ROOT, f"neither {path} nor its bundle has the signed root")
        raise _bundle_fault(Tile(-1, index, width), served, own)

    def _leads(self, level: int, index: int, hashes: bytes) -> bool:
        """Say whether these hashes of a tile are part of the tree that was signed."""
        start = index << (BITS * (level + 1))
        end = start + ((len(hashes) // HASH_BYTES) << (BITS * level))
        try:
            proof = merkle.prove(self.node, start, end, self.signed.size)
            root = tiles.tile_root(hashes)
            merkle.check(start, end, self.signed.size, proof, root, self.signed.root)
        except (BadProof, Missing):
            return False
        return True


def _bundle_fault(bundle: Tile, due: Sequence[bytes], own: Sequence[bytes]) -> Caught:
    """Name what happened to a bundle whose entries are not those that the tile says."""
    first = next((n for n, pair in enumerate(zip(due, own, strict=False)) if len(set(pair)) > 1), 0)
    number = bundle.index * WIDTH + first + 1
    if len(own) >= len(due):
        return Caught(Fault.TAMPERED_ENTRY, f"entry {number} in {bundle.path} was changed")
    if list(own) == list(due[: len(own)]):
        said = f"{bundle.path} has {len(own)} entries of {len(due)}"
        return Caught(Fault.TRUNCATED_BUNDLE, said)
    left = iter(due)
    if all(item in left for item in own):
        return Caught(Fault.REMOVED_ENTRY, f"entry {number} was removed from {bundle.path}")
    return Caught(Fault.TAMPERED_ENTRY, f"entry {number} in {bundle.path} was changed")
