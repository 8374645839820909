"""A ``.tlog-proof`` (C2SP): that one entry is in a log, in a file of a few hundred bytes.

The file names no leaf and no key: those come from whoever checks. Its ``extra`` is not
authenticated; ours carries the entry, so that the file alone can be looked up, and the entry's
hash must then lead to the signed root like any other.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

from tallystick.core.tlog import checkpoint, keys, merkle, note
from tallystick.core.tlog.checkpoint import Checkpoint
from tallystick.core.tlog.errors import BadProof, BadText

HEAD: Final = "c2sp.org/tlog-proof@v1"
PROOF_BYTES_MAX: Final = 524_288


@dataclass(frozen=True, slots=True)
class Proof:
    """The place of an entry, its audit path, and the signed checkpoint it leads to."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes | None = None

    def __str__(self) -> str:
        """Return the file."""
        lines = [HEAD]
        if self.extra is not None:
            lines.append(f"extra {base64.b64encode(self.extra).decode()}")
        lines += [f"index {self.index}", *(base64.b64encode(x).decode() for x in self.hashes)]
        return "\n".join(lines) + "\n\n" + self.note

    def check(self, entry: bytes, log: keys.Key, *more: keys.Key) -> Checkpoint:
        """Check that this entry is in that log; return the checkpoint that says so.

        ``more``: other keys that the log had. Raises `BadText`, `BadSignature`, `BadProof`. Who
        witnessed it is the caller's question.
        """
        signed = note.read(self.note.encode())
        keys.check(signed, [log, *more])
        seen = checkpoint.read(signed.text)
        if seen.origin != log.name:
            raise BadProof(f"the checkpoint is of {seen.origin}, not of {log.name}")
        merkle.check_inclusion(self.index, seen.size, merkle.leaf(entry), self.hashes, seen.root)
        return seen


def read(text: str) -> Proof:
    """Read a file; raise `BadText`."""
    if len(text) > PROOF_BYTES_MAX:
        raise BadText(f"a proof has at most {PROOF_BYTES_MAX} letters")
    head, empty, signed = text.partition("\n\n")
    lines = head.split("\n")
    if lines.pop(0) != HEAD:
        raise BadText(f"the first line is not {HEAD}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = note.from_base64(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index "):
        raise BadText("the proof names no index")
    index = checkpoint.size_of(lines.pop(0).removeprefix("index "))
    if not empty or not signed or len(lines) > merkle.PROOF_HASHES_MAX:
        raise BadText("the proof has no checkpoint, or too many hashes")
    return Proof(index, tuple(checkpoint.hash_of(line) for line in lines), signed, extra)
