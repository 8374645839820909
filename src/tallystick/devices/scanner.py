"""Scanners that type what they read into a serial port: one code a line, or a whole licence.

A scanner is an open door: anybody can hold anything before it. What comes out here is one short
line of visible text, or the text of a licence with its line ends, or nothing; it is never trusted.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from tallystick.core.clock import Clock
from tallystick.devices.errors import PortLost
from tallystick.devices.wire import SerialWire

CODE_BYTES_MAX: Final = 512
LICENCE_BYTES_MAX: Final = 2_048
LICENCE_STARTS: Final = (b"@\n", b"@\r")
"""How the code of a driver's licence begins (AAMVA, annex D): it holds line ends of its own."""
LICENCE_QUIET_S: Final = 0.3
"""A licence is whole when nothing more came for so long."""
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
        if bytes(self._held[:2]) in LICENCE_STARTS:
            return self._licence(now_s)
        if now_s - self._since_s > HALF_CODE_S_MAX and not self._ended():
            self._drop_half()
        if not self._ended() and (data := self._bytes(now_s)):
            self._held += data
            self._since_s = now_s
        return None if bytes(self._held[:2]) in LICENCE_STARTS else self._code()

    def _licence(self, now_s: float) -> str | None:
        """Collect a licence, with its line ends, until the scanner is quiet."""
        if data := self._bytes(now_s):
            self._held += data
            self._since_s = now_s
            if len(self._held) > LICENCE_BYTES_MAX:
                self._held[:] = b"@\n"
                self._too_long = True
            return None
        if now_s - self._since_s < LICENCE_QUIET_S:
            return None
        text = "" if self._too_long else self._held.decode("utf-8", "replace")
        self._drop_half()
        return text or None

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
