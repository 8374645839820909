"""BBQr: a PSBT as an animated code, in parts of equal size (coinkite, text of 23 January 2026).

Each frame says ``B$``, its encoding, what the file is, how many frames there are and which it is.
Zlib with a window of 10 bits is used where it makes the whole smaller.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Sequence
from typing import Final

from tallystick.bitcoin.errors import BadFrames

FILE_BYTES_MAX: Final = 2_000_000
FRAMES_MAX: Final = 1_295
"""Two digits in base 36."""
FRAME_CHARACTERS: Final = 1_062
"""What fits a code of version 27 at level L in alphanumeric mode holds 1,062 of 2,132: readable."""
HEADER: Final = 8
DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
TYPES: Final = "PTJCUXBEN"
ENCODINGS: Final = "H2Z"
WINDOW_BITS: Final = 10


def encode(
    data: bytes, kind: str = "P", frame_characters: int = FRAME_CHARACTERS, plain: bool = False
) -> list[str]:
    """Return the frames of a file; ``kind`` P is a PSBT. Raise `BadFrames`."""
    if not 0 < len(data) <= FILE_BYTES_MAX or kind not in TYPES or len(kind) != 1:
        raise BadFrames(f"a file of 1 to {FILE_BYTES_MAX} bytes, of a type among {TYPES}")
    squeezer = zlib.compressobj(9, wbits=-WINDOW_BITS)
    squeezed = squeezer.compress(data) + squeezer.flush()
    encoding, body = ("2", data) if plain or len(squeezed) >= len(data) else ("Z", squeezed)
    room = (frame_characters - HEADER) // 8 * 5
    count = -(-len(body) // room) if room > 0 else FRAMES_MAX + 1
    if not 0 < count <= FRAMES_MAX:
        raise BadFrames(f"the file would need more than {FRAMES_MAX} frames")
    size = -(-len(body) // count)
    size += -size % 5  # whole groups of 5 bytes, 8 characters: parts of equal length but the last
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    head = f"B${encoding}{kind}{_two(len(pieces))}"
    return [
        head + _two(at) + base64.b32encode(piece).decode().rstrip("=")
        for at, piece in enumerate(pieces)
    ]


def _two(number: int) -> str:
    return DIGITS[number // 36] + DIGITS[number % 36]


def _number(text: str) -> int:
    if len(text) != 2 or any(digit not in DIGITS for digit in text):
        raise BadFrames(f"{text!r} is not two digits in base 36")
    return DIGITS.index(text[0]) * 36 + DIGITS.index(text[1])


class Frames:
    """Frames as a camera sees them: in any order, again and again, until all are there."""

    def __init__(self) -> None:
        self.head, self.total = "", 0
        self.parts: dict[int, bytes] = {}

    def take(self, frame: str) -> bool:
        """Take one frame; say whether all are there. Raise `BadFrames` for one that is not ours."""
        if len(frame) > 5_000 or frame[:2] != "B$" or len(frame) <= HEADER:
            raise BadFrames("not a BBQr frame")
        if frame[2] not in ENCODINGS or frame[3] not in TYPES:
            raise BadFrames(f"a frame of unknown encoding or type {frame[2:4]!r}")
        total, at = _number(frame[4:6]), _number(frame[6:8])
        if at >= total:
            raise BadFrames(f"frame {at} of {total}")
        if self.head and frame[:6] != self.head:
            raise BadFrames("a frame of another animation")
        part = _decode(frame[2], frame[HEADER:])
        if self.parts.get(at, part) != part:
            raise BadFrames(f"frame {at} came twice, differently")
        self.head, self.total = frame[:6], total
        self.parts[at] = part
        return len(self.parts) == total

    @property
    def kind(self) -> str:
        """Return what the file is, such as P for a PSBT."""
        return self.head[3:4]

    def file(self) -> bytes:
        """Return the whole file; raise `BadFrames` if frames are missing or it is damaged."""
        if not self.total or len(self.parts) != self.total:
            raise BadFrames(f"{len(self.parts)} of {self.total} frames")
        body = b"".join(self.parts[at] for at in range(self.total))
        return inflate(body) if self.head[2] == "Z" else body


def _decode(encoding: str, text: str) -> bytes:
    try:
        if encoding == "H":
            return bytes.fromhex(text)
        return base64.b32decode(text + "=" * (-len(text) % 8))
    except (ValueError, binascii.Error) as error:
        raise BadFrames(f"a frame is damaged: {error}") from error


def inflate(body: bytes) -> bytes:
    """Return what was squeezed, within the limit; raise `BadFrames`."""
    opener = zlib.decompressobj(wbits=-WINDOW_BITS)
    try:
        found = opener.decompress(body, FILE_BYTES_MAX + 1)
    except zlib.error as error:
        raise BadFrames(f"the file is damaged: {error}") from error
    if len(found) > FILE_BYTES_MAX or not opener.eof:
        raise BadFrames(f"the file is cut off, or larger than {FILE_BYTES_MAX} bytes")
    return found


def join(frames: Sequence[str]) -> bytes:
    """Return the file of frames in any order; raise `BadFrames`."""
    seen = Frames()
    for frame in frames:
        seen.take(frame)
    return seen.file()
