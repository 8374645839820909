"""What a witness signs (C2SP tlog-cosignature v1.1.0-rc.1, 2026-06-03).

A cosignature says: at this time I saw this checkpoint, and it continued all that I had seen of
this log. Its eight bytes of time are POSIX seconds; ML-DSA-44 also signs parts of a tree, then
with time 0.
"""

from __future__ import annotations

from typing import Final

from tallystick.core.tlog.checkpoint import SIZE_MAX, Checkpoint
from tallystick.core.tlog.errors import BadText

TIME_BYTES: Final = 8
TEXT_BYTES_MAX: Final = 255


def ed25519_message(time: int, text: str) -> bytes:
    """Return what an Ed25519 witness signs: the time, and the note's text."""
    return f"cosignature/v1\ntime {time}\n{text}".encode()


def _short(text: str) -> bytes:
    data = text.encode()
    if len(data) > TEXT_BYTES_MAX:
        raise BadText(f"{text[:40]!r} has more than {TEXT_BYTES_MAX} bytes")
    return len(data).to_bytes(1, "big") + data


def subtree_message(cosigner: str, time: int, seen: Checkpoint, start: int = 0) -> bytes:
    """Return what an ML-DSA-44 witness signs about leaves ``[start, size)`` with hash ``root``."""
    if start and time:
        raise BadText("a subtree that does not start at 0 is signed with time 0")
    numbers = b"".join(number.to_bytes(8, "big") for number in (start, seen.size))
    head = b"subtree/v1\n\0" + _short(cosigner) + time.to_bytes(8, "big")
    return head + _short(seen.origin) + numbers + seen.root


def time_of(signature: bytes) -> tuple[int, bytes]:
    """Split a cosignature into its time and the signature proper; raise `BadText`."""
    time = int.from_bytes(signature[:TIME_BYTES], "big")
    if len(signature) <= TIME_BYTES or time > SIZE_MAX:
        raise BadText("the cosignature holds no time")
    return time, signature[TIME_BYTES:]
