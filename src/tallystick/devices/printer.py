"""Printers: ESC/POS on a serial or USB port, and a virtual one that keeps its papers as files."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tallystick.devices.errors import PrinterLost, PrinterOut

COLUMNS: Final = 42
LINES_MAX: Final = 400
QR_BYTES_MAX: Final = 600
PAPERS_KEPT: Final = 500
CODE_PAGE_858: Final = 19


@dataclass(frozen=True, slots=True)
class PaperLine:
    """One line. ``look``: plain, title, strong, rule, code or qr."""

    text: str
    look: str = "plain"


class Printer(Protocol):
    """What prints a paper, whole or not at all as far as it can know."""

    def print(self, lines: Sequence[PaperLine]) -> None:
        """Print and cut; raise `PrinterOut` or `PrinterLost`."""


def escpos(lines: Sequence[PaperLine]) -> bytes:
    """Return the ESC/POS bytes of a paper; raise `ValueError` over `LINES_MAX` lines."""
    if len(lines) > LINES_MAX:
        raise ValueError(f"{len(lines)} lines; at most {LINES_MAX}")
    out = [b"\x1b@", b"\x1bt" + bytes((CODE_PAGE_858,))]
    out += [_bytes_of(line) for line in lines]
    return b"".join([*out, b"\n\n\n\x1dV\x42\x00"])


def _bytes_of(line: PaperLine) -> bytes:
    if line.look == "qr":
        return _qr(line.text)
    if line.look == "rule":
        return b"-" * COLUMNS + b"\n"
    text = _text(line.text) + b"\n"
    if line.look == "title":
        return b"\x1bE\x01\x1d!\x01" + text + b"\x1d!\x00\x1bE\x00"
    if line.look == "strong":
        return b"\x1bE\x01" + text + b"\x1bE\x00"
    return text


def _text(text: str) -> bytes:
    """Return the text in code page 858; what it lacks loses its accent, or becomes ``?``."""
    out = bytearray()
    for letter in text:
        if unicodedata.category(letter) in ("Cc", "Cf"):
            continue
        try:
            out += letter.encode("cp858")
        except UnicodeEncodeError:
            bare = unicodedata.normalize("NFKD", letter).encode("ascii", "ignore")
            out += bare or {"’": b"'", "“": b'"', "”": b'"', "–": b"-"}.get(letter, b"?")
    return bytes(out)


def _qr(text: str) -> bytes:
    """Return a QR code, model 2, level M, six dots a module (ESC/POS ``GS ( k``)."""
    data = text.encode()[:QR_BYTES_MAX]
    store = (len(data) + 3).to_bytes(2, "little")
    return b"".join(
        (
            b"\x1ba\x01",
            b"\x1d(k\x04\x00\x31\x41\x32\x00",
            b"\x1d(k\x03\x00\x31\x43\x06",
            b"\x1d(k\x03\x00\x31\x45\x31",
            b"\x1d(k" + store + b"\x31\x50\x30" + data,
            b"\x1d(k\x03\x00\x31\x51\x30",
            b"\n\x1ba\x00",
        )
    )


class EscPosPrinter:
    """A printer on a port that is a file, such as ``/dev/usb/lp0``."""

    def __init__(self, path: str) -> None:
        self._path = path

    def print(self, lines: Sequence[PaperLine]) -> None:
        """Print and cut; raise `PrinterLost`."""
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as error:
            raise PrinterLost(f"{self._path}: {error.strerror}") from error
        try:
            left = escpos(lines)
            while left:
                left = left[os.write(handle, left) :]
        except OSError as error:
            raise PrinterLost(f"{self._path}: {error.strerror}") from error
        finally:
            os.close(handle)


class VirtualPrinter:
    """Keeps each paper as text and as the very bytes a printer would get; the last 500 of them.

    A file named ``out-of-paper`` in the folder plays an empty roll.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def print(self, lines: Sequence[PaperLine]) -> None:
        """Write the paper; raise `PrinterOut` or `PrinterLost`."""
        if (self._folder / "out-of-paper").exists():
            raise PrinterOut
        papers = sorted(self._folder.glob("*.txt"))
        number = int(papers[-1].stem) + 1 if papers else 1
        try:
            self._write(f"{number:06}.bin", escpos(lines))
            self._write(f"{number:06}.txt", as_text(lines).encode())
        except OSError as error:
            raise PrinterLost(str(error)) from error
        for old in papers[: len(papers) + 1 - PAPERS_KEPT]:
            old.unlink(missing_ok=True)
            old.with_suffix(".bin").unlink(missing_ok=True)

    def _write(self, name: str, data: bytes) -> None:
        draft = self._folder / f".{name}"
        draft.write_bytes(data)
        draft.replace(self._folder / name)


def as_text(lines: Sequence[PaperLine]) -> str:
    """Return a paper as plain text."""
    return "".join(f"{_drawn(line)}\n" for line in lines)


def _drawn(line: PaperLine) -> str:
    if line.look == "rule":
        return "-" * COLUMNS
    return f"[QR {line.text}]" if line.look == "qr" else line.text
