"""A paper as ESC/POS bytes, and as text for a preview; pure, and the same for every printer.

The bytes are few and old enough that every receipt printer knows them: initialise, code page 858,
bold, double height, QR code by ``GS ( k``, cut. Control characters in a line never reach the
printer, so that no name or address can give it orders.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tallystick.devices.errors import PaperTooLong

COLUMNS: Final = 42
LINES_MAX: Final = 400
QR_BYTES_MAX: Final = 600
QR_DOTS: Final = 6
"""Dots a module: 600 bytes at level M are 93 modules, 558 of the 576 dots of 80 mm paper."""
START: Final = b"\x1b@" + b"\x1bt\x13"
"""Initialise; code page 19 is PC858."""
CUT: Final = b"\n\n\n\x1dV\x42\x00"
PLAINER: Final = {"’": b"'", "‘": b"'", "“": b'"', "”": b'"', "–": b"-", "—": b"-", "…": b"..."}
LOOKS: Final = {
    "plain": (b"", b""),
    "code": (b"", b""),
    "strong": (b"\x1bE\x01", b"\x1bE\x00"),
    "title": (b"\x1bE\x01\x1d!\x01", b"\x1d!\x00\x1bE\x00"),
}


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One line. ``look``: plain, title, strong, rule, code or qr."""

    text: str
    look: str = "plain"


def as_bytes(lines: Sequence[PaperLine]) -> bytes:
    """Return the bytes of a paper; raise `PaperTooLong` over `LINES_MAX` or `QR_BYTES_MAX`."""
    if len(lines) > LINES_MAX:
        raise PaperTooLong(f"{len(lines)} lines; at most {LINES_MAX}")
    return b"".join([START, *(_bytes_of(line) for line in lines), CUT])


def as_text(lines: Sequence[PaperLine]) -> str:
    """Return a paper as plain text, a line for each."""
    return "".join(f"{_drawn(line)}\n" for line in lines)


def _bytes_of(line: PaperLine) -> bytes:
    if line.look == "qr":
        return _qr(line.text)
    if line.look == "rule":
        return b"-" * COLUMNS + b"\n"
    before, after = LOOKS.get(line.look, LOOKS["plain"])
    return before + _text(line.text) + b"\n" + after


def _drawn(line: PaperLine) -> str:
    if line.look == "rule":
        return "-" * COLUMNS
    text = _visible(line.text)
    return f"[QR {text}]" if line.look == "qr" else text


def _visible(text: str) -> str:
    """Return the text without control and format characters; a separator of lines is a space."""
    kinds = ((letter, unicodedata.category(letter)) for letter in text)
    return "".join(
        " " if kind in ("Zl", "Zp") else letter for letter, kind in kinds if kind[0] != "C"
    )


def _text(text: str) -> bytes:
    """Return the text in code page 858; what it lacks loses its accent, or becomes ``?``."""
    return b"".join(_letter(letter) for letter in _visible(text))


def _letter(letter: str) -> bytes:
    try:
        return letter.encode("cp858")
    except UnicodeEncodeError:
        if unicodedata.combining(letter):
            return b""
        bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore")
        return PLAINER.get(letter) or bare or b"?"


def _qr(text: str) -> bytes:
    """Return a QR code, model 2, level M, centred (``GS ( k``, functions 165 to 181)."""
    data = text.encode()
    if len(data) > QR_BYTES_MAX:
        raise PaperTooLong(f"a code of {len(data)} bytes; at most {QR_BYTES_MAX}")
    store = (len(data) + 3).to_bytes(2, "little")
    return b"".join(
        (
            b"\x1ba\x01",
            b"\x1d(k\x04\x00\x31\x41\x32\x00",
            b"\x1d(k\x03\x00\x31\x43" + bytes((QR_DOTS,)),
            b"\x1d(k\x03\x00\x31\x45\x31",
            b"\x1d(k" + store + b"\x31\x50\x30" + data,
            b"\x1d(k\x03\x00\x31\x51\x30",
            b"\n\x1ba\x00",
        )
    )
