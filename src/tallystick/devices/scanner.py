"""QR scanners that type what they read into a serial port, one code a line.

A scanner is an open door: anybody can hold anything before it. What comes out here is one short
line of visible text or nothing; it is never trusted to be an address.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from tallystick.core.clock import Clock
from tallystick.devices.errors import PortLost
from tallystick.devices.wire import SerialWire

CODE_BYTES_MAX: Final = 512
HALF_CODE_S_MAX: Final = 1.0
REOPEN_S: Final = 1.0


class Scanner(Protocol):
    """What reads codes."""

    def read(self) -> str | None:
        """Return the next whole code, of at most `CODE_BYTES_MAX` characters, or None; never
        waits, and raises nothing."""


class SerialScanner:
    """Reads codes that end with CR or LF, and drops what is too long, half or empty."""

    def __init__(self, path: str | Path, clock: Clock) -> None:
        self._wire, self._clock = SerialWire(path), clock
        self._held = bytearray()
        self._since_s, self._reopen_at_s = 0.0, 0.0
        self._too_long = False

    def read(self) -> str | None:
        """Return the next whole code, or None."""
        now_s = self._clock.monotonic_s()
        if now_s - self._since_s > HALF_CODE_S_MAX and not self._ended():
            self._drop_half()
        if not self._ended() and (data := self._bytes(now_s)):
            self._held += data
            self._since_s = now_s
        return self._code()

    def close(self) -> None:
        """Let go of the port."""
        self._wire.close()

    def _bytes(self, now_s: float) -> bytes:
        if now_s < self._reopen_at_s:
            return b""
        try:
            return self._wire.read(0)
        except PortLost:
            self._reopen_at_s = now_s + REOPEN_S
            self._drop_half()
            return b""

    def _ended(self) -> bool:
        return b"\r" in self._held or b"\n" in self._held

    def _drop_half(self) -> None:
        self._held.clear()
        self._too_long = False

    def _code(self) -> str | None:
        """Return the first code held that is one; what is none is passed over."""
        while self._ended():
            line, _, rest = bytes(self._held.replace(b"\n", b"\r")).partition(b"\r")
            self._held[:] = rest
            whole, self._too_long = not self._too_long, False
            text = _visible(line) if whole and len(line) <= CODE_BYTES_MAX else ""
            if text:
                return text
        if len(self._held) > CODE_BYTES_MAX:
            self._held.clear()
            self._too_long = True
        return None


def _visible(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return "".join(letter for letter in text if letter.isprintable()).strip()
