"""Read a published log from a folder or a web address, with a limit on everything that comes.

A reader fetches only what a checkpoint implies: a partial tile of exactly the width due, or the
full tile that replaced it. Nothing that it returns is trusted; `tallystick.core.tlog.walk` and
`verify` compare it with what was signed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from tallystick.core.tlog import tiles
from tallystick.core.tlog.errors import Unreadable
from tallystick.core.tlog.merkle import HASH_BYTES
from tallystick.core.tlog.note import NOTE_BYTES_MAX
from tallystick.core.tlog.tiles import ENTRY_BYTES_MAX, TILE_BYTES, WIDTH, Tile

BUNDLE_BYTES_MAX: Final = WIDTH * (ENTRY_BYTES_MAX + 2)


class Missing(Unreadable):
    """The log has no such file."""

    code, money, say = 1220, "as the ledger says; the log moves no money", ""


class Source(Protocol):
    """Where a log's files are."""

    where: str

    def get(self, path: str, bytes_max: int) -> bytes:
        """Return a file; raise `Missing` or `Unreadable`."""

    def close(self) -> None:
        """Let go of whatever was opened."""


class FolderSource:
    """A folder on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.where = folder, str(folder)

    def get(self, path: str, bytes_max: int) -> bytes:
        """Return a file; raise `Missing` or `Unreadable`."""
        try:
            with (self.folder / path).open("rb") as file:
                data = file.read(bytes_max + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise Missing(f"{self.folder / path} is not there") from error
        except OSError as error:
            raise Unreadable(f"{self.folder / path}: {error.strerror}") from error
        return bounded(path, data, bytes_max)

    def close(self) -> None:
        """Let go of nothing: each file was closed."""


def bounded(path: str, data: bytes, bytes_max: int) -> bytes:
    """Return the bytes of a file; raise `Unreadable` if there are more than so many."""
    if len(data) > bytes_max:
        raise Unreadable(f"{path} has more than {bytes_max} bytes")
    return data


def open_source(where: str) -> Source:
    """Return the source that a URL or a folder's path names; raise `Unreadable`."""
    if where.startswith(("https://", "http://")):
        from tallystick.core.tlog.http_source import HttpSource  # slow, and seldom needed

        return HttpSource(where)
    if not Path(where).is_dir():
        raise Unreadable(f"{where} is neither a folder nor an http(s) address")
    return FolderSource(Path(where))


class LogReader:
    """The tiles and bundles of the tree of one size, as a source serves them."""

    def __init__(self, source: Source, size: int) -> None:
        self.source, self.size = source, size

    def checkpoint(self) -> bytes:
        """Return the note of the newest checkpoint."""
        return self.source.get("checkpoint", NOTE_BYTES_MAX)

    def _file(self, level: int, index: int, width: int, bytes_max: int) -> tuple[bytes, bool]:
        """Return a file, and whether it is the full one."""
        try:
            return self.source.get(Tile(level, index, width).path, bytes_max), width == WIDTH
        except Missing:
            if width == WIDTH:
                raise
            return self.source.get(Tile(level, index).path, bytes_max), True

    def tile(self, level: int, index: int, width: int) -> bytes:
        """Return the first ``width`` hashes of a tile; raise `Unreadable` if there are fewer."""
        data, full = self._file(level, index, width, TILE_BYTES)
        due = TILE_BYTES if full else width * HASH_BYTES
        if len(data) != due:
            path = Tile(level, index, WIDTH if full else width).path
            raise Unreadable(f"{path} has {len(data)} bytes, not {due}")
        return data[: width * HASH_BYTES]

    def bundle(self, index: int, width: int) -> list[bytes]:
        """Return the first ``width`` entries of a bundle, or as many as there are.

        Raises `BadText` if the file ends within an entry.
        """
        data, full = self._file(-1, index, width, BUNDLE_BYTES_MAX)
        found = tiles.entries_of(data)
        return found[:width] if full else found
