"""What else a log's folder may hold, and who can check it: a small registry.

A programme that publishes something beside the log (a reserve its attestations, a payout its
anchor in Bitcoin) writes a `Checker` and lists it here when its module is imported; the verifier
imports the modules that it is told of. A checker gets the verified checkpoint and a way to read,
and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from tallystick.core.tlog import merkle, tiles
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.errors import Unreadable
from tallystick.core.tlog.reader import LogReader, Missing
from tallystick.core.tlog.report import Report

__all__ = ["CHECKERS", "Checker", "Unreadable", "View", "register"]

ARTEFACT_BYTES_MAX: Final = 16_000_000


@dataclass(frozen=True, slots=True)
class View:
    """What a checker may use.

    ``settings`` are the reader's own choices, such as ``chain`` (an URL as everywhere). ``indexes``
    has the index of each entry whose bytes were asked for with `wants`; it is filled by the walk
    over the whole log.
    """

    reader: LogReader
    signed: Checkpoint
    report: Report
    settings: Mapping[str, str]
    indexes: dict[bytes, int] = field(default_factory=dict)

    def file(self, path: str, bytes_max: int = ARTEFACT_BYTES_MAX) -> bytes | None:
        """Return a file below the log's prefix, or None if there is none."""
        try:
            return self.reader.source.get(path, bytes_max)
        except Missing:
            return None

    def entry(self, index: int) -> bytes:
        """Return entry ``index`` (from 0), proved to be in the signed tree.

        Raises `BadProof`, `BadText` or `Unreadable`.
        """
        size = self.signed.size
        part = self.reader.bundle(index // tiles.WIDTH, tiles.width_of(0, index // 256, size))
        if index % tiles.WIDTH >= len(part):
            raise Missing(f"entry {index + 1} is not in its bundle")
        found = part[index % tiles.WIDTH]
        node = tiles.node_reader(self.reader.tile, size)
        path = merkle.inclusion(node, index, size)
        merkle.check_inclusion(index, size, merkle.leaf(found), path, self.signed.root)
        return found

    def root_at(self, size: int) -> bytes:
        """Return the root of the first ``size`` entries, proved to be a part of the signed tree."""
        node = tiles.node_reader(self.reader.tile, self.signed.size)
        root = merkle.range_root(node, 0, size)
        proof = merkle.consistency(node, size, self.signed.size)
        if size:
            merkle.check_consistency(size, self.signed.size, proof, root, self.signed.root)
        return root


class Checker(Protocol):
    """Checks one kind of thing beside the log. Raises `Caught` for what is false."""

    name: str

    def check(self, view: View) -> None:
        """Look for its files, and say in the report what was proved and assumed; else nothing."""


CHECKERS: Final[dict[str, Callable[[], Checker]]] = {}


def register(name: str, make: Callable[[], Checker]) -> None:
    """Add a checker; a second one of the same name takes the first one's place."""
    CHECKERS[name] = make
