"""A serial wire: bytes out, bytes in within a time, and one error for a port that is not there.

A `SerialWire` opens its port when it is first used and again after it was lost, so that a device
that is unplugged and plugged in again needs no restart.
"""

from __future__ import annotations

import os
import termios
from pathlib import Path
from typing import Any, Final, Protocol

import serial

from tallystick.devices.errors import PortLost

READ_BYTES_MAX: Final = 4_096
WRITE_S_MAX: Final = 0.5
PSEUDO: Final = "/dev/pts/"
OPEN: Final[Any] = serial.Serial  # type: ignore[attr-defined]
"""pyserial says no types of its own."""
BROKEN: Final = (OSError, ValueError, termios.error)
"""What pyserial raises for a port that is missing, taken or gone; its own error is an `OSError`."""


class Wire(Protocol):
    """What a driver needs of a port. Every method may raise `PortLost`."""

    def write(self, data: bytes) -> None:
        """Send bytes."""

    def read(self, wait_s: float) -> bytes:
        """Return the bytes that came, waiting up to ``wait_s`` seconds for the first one."""

    def flush(self) -> None:
        """Drop what came in and was not read."""

    def close(self) -> None:
        """Let go of the port."""


class SerialWire:
    """A serial port or a pseudo-terminal; ``parity`` is N, E or O, with 8 bits and 1 stop bit.

    A pseudo-terminal has no parity: the kernel refuses to set one there, and none is asked for.
    """

    def __init__(self, path: str | Path, baud: int = 9_600, parity: str = "N") -> None:
        self._path, self._baud, self._parity = Path(path), baud, parity
        self._port: Any = None

    def write(self, data: bytes) -> None:
        """Send bytes."""
        port = self._open()
        try:
            port.write(data)
        except BROKEN as error:
            self._lost(error)

    def read(self, wait_s: float) -> bytes:
        """Return what came, at most `READ_BYTES_MAX` bytes."""
        port = self._open()
        try:
            waiting = port.in_waiting
            if not waiting:
                port.timeout = wait_s
                first = bytes(port.read(1))
                return first + bytes(port.read(min(port.in_waiting, READ_BYTES_MAX - 1)))
            return bytes(port.read(min(waiting, READ_BYTES_MAX)))
        except BROKEN as error:
            return self._lost(error)

    def flush(self) -> None:
        """Drop what came in and was not read."""
        port = self._open()
        try:
            port.reset_input_buffer()
        except BROKEN as error:
            self._lost(error)

    def close(self) -> None:
        """Let go of the port; it opens again when it is used."""
        port, self._port = self._port, None
        if port is not None:
            try:
                port.close()
            except BROKEN:
                return

    def _open(self) -> Any:
        if self._port is None:
            try:
                real = os.path.realpath(self._path)
                self._port = OPEN(
                    real,
                    self._baud,
                    parity="N" if real.startswith(PSEUDO) else self._parity,
                    timeout=0,
                    write_timeout=WRITE_S_MAX,
                    exclusive=True,
                )
            except BROKEN as error:
                raise PortLost(f"{self._path}: {error}") from error
        return self._port

    def _lost(self, error: Exception) -> bytes:
        self.close()
        raise PortLost(f"{self._path}: {error}") from error
