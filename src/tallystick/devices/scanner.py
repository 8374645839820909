"""QR scanners that type what they read into a serial port, one code a line."""

from __future__ import annotations

import contextlib
import os
from typing import Final

from tallystick.core.clock import Clock

CODE_BYTES_MAX: Final = 512
HALF_CODE_S_MAX: Final = 1.0
REOPEN_S: Final = 1.0


class SerialScanner:
    """Reads codes that end with CR or LF; never waits, and drops what is too long or half."""

    def __init__(self, path: str, clock: Clock) -> None:
        self._path, self._clock = path, clock
        self._handle: int | None = None
        self._held = bytearray()
        self._since, self._reopen_at = 0.0, 0.0
        self._too_long = False

    def read(self) -> str | None:
        """Return the next whole code, or None."""
        data = self._bytes()
        now = self._clock.monotonic_s()
        if data:
            self._held += data
            self._since = now
        elif self._held and now - self._since > HALF_CODE_S_MAX:
            self._held.clear()
        return self._code()

    def _code(self) -> str | None:
        ends = [at for at in (self._held.find(b"\r"), self._held.find(b"\n")) if at >= 0]
        if not ends:
            if len(self._held) > CODE_BYTES_MAX:
                self._held.clear()
                self._too_long = True
            return None
        line, dropped = bytes(self._held[: min(ends)]), self._too_long
        del self._held[: min(ends) + 1]
        self._too_long = False
        text = "".join(c for c in line.decode("utf-8", "replace") if c.isprintable()).strip()
        return None if dropped or not text or len(line) > CODE_BYTES_MAX else text

    def _bytes(self) -> bytes:
        if self._handle is None and self._clock.monotonic_s() >= self._reopen_at:
            self._open()
        if self._handle is None:
            return b""
        try:
            return os.read(self._handle, CODE_BYTES_MAX)
        except BlockingIOError:
            return b""
        except OSError:
            self._shut()
            return b""

    def _open(self) -> None:
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        try:
            self._handle = os.open(self._path, flags)
        except OSError:
            self._reopen_at = self._clock.monotonic_s() + REOPEN_S

    def _shut(self) -> None:
        if self._handle is not None:
            with contextlib.suppress(OSError):
                os.close(self._handle)
        self._handle = None
        self._reopen_at = self._clock.monotonic_s() + REOPEN_S
