"""Checkpoints: origin, size and root of a log as the text of a note (C2SP tlog-checkpoint).

A checkpoint holds no time: only a witness's cosignature says when it was seen.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from tallystick.core.tlog import merkle
from tallystick.core.tlog.errors import BadText
from tallystick.core.tlog.note import from_base64

SIZE_MAX: Final = 2**63 - 1
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says it is: so many entries, with this root."""

    origin: str
    size: int
    root: bytes
    extension: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the text that is signed."""
        root = base64.b64encode(self.root).decode()
        return "".join(f"{x}\n" for x in (self.origin, str(self.size), root, *self.extension))


def size_of(text: str) -> int:
    """Read a size, written without sign or leading zero; raise `BadText`."""
    if not _SIZE.fullmatch(text) or int(text) > SIZE_MAX:
        raise BadText(f"{text[:30]!r} is no size of a tree")
    return int(text)


def hash_of(text: str) -> bytes:
    """Read a hash of 32 bytes in base64; raise `BadText`."""
    data = from_base64(text)
    if len(data) != merkle.HASH_BYTES:
        raise BadText(f"{text[:60]!r} is not a hash of {merkle.HASH_BYTES} bytes")
    return data


def read(text: str) -> Checkpoint:
    """Read a checkpoint's text; raise `BadText`."""
    if not text.endswith("\n"):
        raise BadText("the checkpoint's last line does not end")
    lines = text[:-1].split("\n")
    if len(lines) < 3 or not all(lines):
        raise BadText("a checkpoint has three lines or more, none of them empty")
    return Checkpoint(lines[0], size_of(lines[1]), hash_of(lines[2]), tuple(lines[3:]))
