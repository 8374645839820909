"""The checkpoint that somebody saw last: what turns looking twice into proof that nothing went.

A small JSON file that the verifier keeps for its owner. It is replaced only after everything held,
so that a log caught once stays caught.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from tallystick.core.tlog import checkpoint, files, keys, note
from tallystick.core.tlog import policy as policies
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.errors import BadText

LAST_BYTES_MAX: Final = 1_000_000
CHANGES_MAX: Final = 100


class Last(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The log's key, the note as it was, and each witness's newest time, by verifier key."""

    vkey: str
    note: str
    times: dict[str, int] = {}
    policy: str = ""
    """The policy that was asked for last: it is asked for again, until its owner changes it."""
    signed_by: str = ""
    """The key that signed the note, where its owner has pinned another since."""
    changes: tuple[str, ...] = ()
    """What its owner changed by hand, each with its day."""

    def checkpoint(self) -> Checkpoint:
        """Return what the note says, its log signature checked again."""
        found = note.read(self.note.encode())
        keys.check(found, [keys.read(self.signed_by or self.vkey)])
        return checkpoint.read(found.text)


def pinned(kept: Last, on: str, vkey: str = "", policy: str | None = None) -> Last:
    """Return what is kept with another key or policy, by its owner's own word; raise `BadText`.

    What was seen stays, so that the log must still continue it under the new key.
    """
    said = list(kept.changes)
    if vkey and vkey != kept.vkey:
        if keys.read(vkey).name != keys.read(kept.vkey).name:
            raise BadText(f"{keys.read(vkey).name} is another log")
        said.append(f"{on}: key {keys.read(kept.vkey).id.hex()} to {keys.read(vkey).id.hex()}")
        signed_by = kept.signed_by or kept.vkey
        kept = msgspec.structs.replace(kept, vkey=vkey, signed_by=signed_by)
    if policy is not None and policy != kept.policy:
        if policy:
            policies.read(policy)
        said.append(f"{on}: {'another policy' if policy else 'no policy any more'}")
        kept = msgspec.structs.replace(kept, policy=policy)
    return msgspec.structs.replace(kept, changes=tuple(said[-CHANGES_MAX:]))


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
