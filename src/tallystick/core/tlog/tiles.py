"""Tiles: the tree as static files of 256 hashes, and the entries beside them (C2SP tlog-tiles).

Hash j of tile (L, N) is the root over leaves ``[(256N+j)·256^L, (256N+j+1)·256^L)``. A path is
written in one way only; what is not exactly so written is refused, so that no name can lead out
of the folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.core.tlog import merkle
from tallystick.core.tlog.errors import BadText
from tallystick.core.tlog.merkle import HASH_BYTES

WIDTH: Final = 256
BITS: Final = 8
TILE_BYTES: Final = WIDTH * HASH_BYTES
LEVEL_MAX: Final = 63
ENTRY_BYTES_MAX: Final = 65_535
GROUPS_MAX: Final = 6
"""Of three digits each: more numbers no tree of 63 bits needs."""

_PATH: Final = re.compile(
    r"tile/(0|[1-9][0-9]?|entries)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?"
)

Read = Callable[[int, int, int], bytes]
"""``read(level, index, width)``: the first ``width`` hashes of a tile, ``32·width`` bytes."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One file. ``level`` -1 is a bundle of entries, ``width`` 256 a full one."""

    level: int
    index: int
    width: int = WIDTH

    @property
    def path(self) -> str:
        """Return the file's path below the log's prefix."""
        level = "entries" if self.level < 0 else str(self.level)
        partial = "" if self.width == WIDTH else f".p/{self.width}"
        return f"tile/{level}/{_digits(self.index)}{partial}"


def _digits(number: int) -> str:
    groups = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        groups.append(f"x{number % 1000:03}")
    return "/".join(reversed(groups))


def parse(path: str) -> Tile:
    """Read a path; raise `BadText` unless it is written in the one way."""
    found = _PATH.fullmatch(path) if path.isascii() else None
    if found is None or len(found[2].split("/")) > GROUPS_MAX:
        raise BadText(f"{path[:80]!r} is no tile's path")
    level = -1 if found[1] == "entries" else int(found[1])
    width = int(found[3] or WIDTH)
    tile = Tile(level, int(found[2].replace("x", "").replace("/", "")), width)
    if level > LEVEL_MAX or (found[3] and width >= WIDTH) or tile.path != path:
        raise BadText(f"{path[:80]!r} is no tile's path")
    return tile


def width_of(level: int, index: int, size: int) -> int:
    """Return how many hashes the tile has in a tree of ``size``; 0 or less: there is none."""
    return min(WIDTH, (size >> (BITS * max(level, 0))) - WIDTH * index)


def levels_of(size: int) -> int:
    """Return how many levels of tiles a tree has."""
    return (size.bit_length() + BITS - 1) // BITS


def of(level: int, index: int, size: int) -> Tile:
    """Return the tile as it is in a tree of ``size``."""
    return Tile(level, index, width_of(level, index, size))


def new_tiles(old: int, new: int) -> Iterator[Tile]:
    """Yield every tile and bundle that a tree of ``new`` has and one of ``old`` had not."""
    for level in range(-1, levels_of(new)):
        shift = BITS * max(level, 0)
        first, last = (old >> shift) // WIDTH, -(-(new >> shift) // WIDTH)
        for index in range(first, last):
            tile = of(level, index, new)
            if tile.width > width_of(level, index, old):
                yield tile


def count_of(old: int, new: int) -> int:
    """Return how many tiles `new_tiles` yields, at most one too many for each level."""
    shifts = [BITS * max(level, 0) for level in range(-1, levels_of(new))]
    return sum(-(-(new >> n) // WIDTH) - (old >> n) // WIDTH for n in shifts)


def tile_root(hashes: bytes) -> bytes:
    """Return the hash over one full tile, or over fewer whole hashes as the tree splits them."""
    return merkle.root_of(hashes[at : at + 32] for at in range(0, len(hashes), HASH_BYTES))


def node_reader(read: Read, size: int) -> merkle.Node:
    """Return the reader of perfect subtrees over a reader of tiles; each tile is read once."""
    kept: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        row, rest = divmod(level, BITS)
        count = 1 << rest
        tile, at = divmod(index * count, WIDTH)
        if (row, tile) not in kept:
            kept[row, tile] = read(row, tile, width_of(row, tile, size))
        part = kept[row, tile][at * HASH_BYTES : (at + count) * HASH_BYTES]
        return part if count == 1 else tile_root(part)

    return node


def bundle(entries: Sequence[bytes]) -> bytes:
    """Return a bundle: each entry behind its length as two bytes, the larger first."""
    if any(len(entry) > ENTRY_BYTES_MAX for entry in entries):
        raise BadText(f"an entry has more than {ENTRY_BYTES_MAX} bytes")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def entries_of(data: bytes) -> list[bytes]:
    """Read a bundle; raise `BadText` if it ends within an entry or has more than 256."""
    found: list[bytes] = []
    at = 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        if at + 2 > len(data) or end > len(data):
            raise BadText(f"the bundle ends within its entry {len(found)}")
        found.append(data[at + 2 : end])
        at = end
    if len(found) > WIDTH:
        raise BadText(f"the bundle has more than {WIDTH} entries")
    return found
