"""The checkpoint that somebody saw last: what turns looking twice into proof that nothing went.

A small JSON file that the verifier keeps for its owner. It is replaced only after everything held,
so that a log caught once stays caught.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from tallystick.core.tlog import checkpoint, files, keys, note
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.errors import BadText

LAST_BYTES_MAX: Final = 1_000_000


class Last(msgspec.Struct, forbid_unknown_fields=True):
    """The log's key, the note as it was, and each witness's newest time, by verifier key."""

    vkey: str
    note: str
    times: dict[str, int] = {}

    def checkpoint(self) -> Checkpoint:
        """Return what the note says, its log signature checked again."""
        found = note.read(self.note.encode())
        keys.check(found, [keys.read(self.vkey)])
        return checkpoint.read(found.text)


def load(path: Path) -> Last | None:
    """Read the file, or return None if there is none yet; raise `BadText`."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(LAST_BYTES_MAX), type=Last)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadText(f"{path} does not hold a checkpoint seen before: {error}") from error


def save(path: Path, seen: Last) -> None:
    """Replace the file, durably."""
    files.write(path.resolve(), msgspec.json.format(msgspec.json.encode(seen), indent=1) + b"\n")
