"""Printers: ESC/POS on a serial or USB port, and a virtual one that keeps its papers as files.

A paper is printed whole, or an error says that it was not. The printer is asked for its paper
before and after, since paper that runs out in the middle looks to the port like a paper printed.
"""

from __future__ import annotations

import errno
import os
import select
import termios
import tty
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal, Protocol

from tallystick.core.clock import Clock, SystemClock
from tallystick.devices.errors import PrinterLost, PrinterOut
from tallystick.devices.escpos import PaperLine, as_bytes, as_text

__all__ = ["EscPosPrinter", "PaperLine", "Printer", "VirtualPrinter"]

PAPERS_KEPT: Final = 500
ANSWER_S_MAX: Final = 1.0
WRITE_S_MAX: Final = 20.0
WRITE_BYTES_MAX: Final = 4_096
ASK_PAPER: Final = b"\x10\x04\x04"
"""``DLE EOT 4``, answered at once even while printing: bits 2 and 3 low, bits 5 and 6 out."""
FIXED_BITS: Final = 0b1001_0011
FIXED: Final = 0b0001_0010
"""What these bits are in every answer to ``DLE EOT``."""
LOW_BITS: Final = 0b0000_1100
OUT_BITS: Final = 0b0110_0000

Condition = Literal["ok", "paper_low", "paper_out", "lost"]


class Printer(Protocol):
    """What prints a paper, whole or not at all as far as it can know."""

    def print(self, lines: Sequence[PaperLine]) -> None:
        """Print and cut; raise `PrinterOut`, `PrinterLost` or `PaperTooLong`."""

    def status(self) -> Condition:
        """Return how it is now; raises nothing."""


class EscPosPrinter:
    """A printer on a port such as ``/dev/usb/lp0`` or ``/dev/ttyS1``.

    With ``answers`` false it is a printer that cannot answer: it is then believed to be ``ok`` as
    long as its port takes bytes. ``baud`` counts for serial ports only.
    """

    def __init__(
        self, path: str, clock: Clock | None = None, answers: bool = True, baud: int = 9_600
    ) -> None:
        self._path, self._clock, self._answers = path, clock or SystemClock(), answers
        self._speed = getattr(termios, f"B{baud}")

    def print(self, lines: Sequence[PaperLine]) -> None:
        """Print and cut; raise `PrinterOut`, `PrinterLost` or `PaperTooLong`."""
        data = as_bytes(lines)
        try:
            handle = self._open()
            try:
                self._demand_paper(handle)
                self._write(handle, data)
                self._demand_paper(handle)
            finally:
                os.close(handle)
        except (OSError, termios.error) as error:
            raise PrinterLost(f"{self._path}: {error}") from error

    def status(self) -> Condition:
        """Return how it is now."""
        try:
            handle = self._open()
            try:
                return self._condition(handle)
            finally:
                os.close(handle)
        except (OSError, termios.error):
            return "lost"

    def _open(self) -> int:
        handle = os.open(self._path, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        if os.isatty(handle):
            tty.setraw(handle)
            held = termios.tcgetattr(handle)
            held[2] |= termios.CLOCAL
            held[4] = held[5] = self._speed
            termios.tcsetattr(handle, termios.TCSANOW, held)
        return handle

    def _demand_paper(self, handle: int) -> None:
        found = self._condition(handle)
        if found == "paper_out":
            raise PrinterOut
        if found == "lost":
            raise PrinterLost(f"{self._path}: no answer")

    def _condition(self, handle: int) -> Condition:
        if not self._answers:
            return "ok"
        self._write(handle, ASK_PAPER)
        until_s = self._clock.monotonic_s() + ANSWER_S_MAX
        while (left_s := until_s - self._clock.monotonic_s()) > 0:
            readable, _, _ = select.select([handle], [], [], left_s)
            if not readable or not (answer := os.read(handle, 1)):
                break
            if answer[0] & FIXED_BITS == FIXED:
                return _meaning(answer[0])
        return "lost"

    def _write(self, handle: int, data: bytes) -> None:
        """Write all, as slowly as the printer takes it; `OSError` when it stops taking."""
        while data:
            _, writable, _ = select.select([], [handle], [], WRITE_S_MAX)
            if not writable:
                raise OSError(errno.ETIMEDOUT, "it takes no more bytes")
            data = data[os.write(handle, data[:WRITE_BYTES_MAX]) :]


def _meaning(answer: int) -> Condition:
    if answer & OUT_BITS:
        return "paper_out"
    return "paper_low" if answer & LOW_BITS else "ok"


class VirtualPrinter:
    """Keeps each paper as text and as the very bytes a printer would get; the last 500 of them.

    A file named ``out-of-paper`` or ``paper-low`` in the folder plays such a roll.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def print(self, lines: Sequence[PaperLine]) -> None:
        """Write the paper; raise `PrinterOut`, `PrinterLost` or `PaperTooLong`."""
        if self.status() == "paper_out":
            raise PrinterOut
        data, text = as_bytes(lines), as_text(lines).encode()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            papers = sorted(path for path in self._folder.glob("*.txt") if path.stem.isdigit())
            number = int(papers[-1].stem) + 1 if papers else 1
            self._write(f"{number:06}.bin", data)
            self._write(f"{number:06}.txt", text)
            for old in papers[: max(0, len(papers) + 1 - PAPERS_KEPT)]:
                old.unlink(missing_ok=True)
                old.with_suffix(".bin").unlink(missing_ok=True)
        except OSError as error:
            raise PrinterLost(str(error)) from error

    def status(self) -> Condition:
        """Return how it is now."""
        if (self._folder / "out-of-paper").exists():
            return "paper_out"
        if self._folder.exists() and not self._folder.is_dir():
            return "lost"
        return "paper_low" if (self._folder / "paper-low").exists() else "ok"

    def _write(self, name: str, data: bytes) -> None:
        draft = self._folder / f".{name}"
        draft.write_bytes(data)
        draft.replace(self._folder / name)
