"""ID003's framing, and nothing else: bytes to frames and back.

``FC | length of all | command | data | CRC low, high``, with CRC-16/KERMIT over all before it.
A `Reader` takes any bytes whatever: it finds its way back after noise and never raises.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from tallystick.devices.errors import FrameTooLong

SYNC: Final = 0xFC
FRAME_BYTES_MIN: Final = 5
FRAME_BYTES_MAX: Final = 255
DATA_BYTES_MAX: Final = FRAME_BYTES_MAX - FRAME_BYTES_MIN
POLYNOMIAL: Final = 0x8408


class Frame(NamedTuple):
    """One command or answer."""

    command: int
    data: bytes = b""


def _step(byte: int) -> int:
    for _ in range(8):
        byte = (byte >> 1) ^ (POLYNOMIAL if byte & 1 else 0)
    return byte


_STEPS: Final = tuple(_step(byte) for byte in range(256))


def crc(data: bytes | bytearray) -> int:
    """Return CRC-16/KERMIT: polynomial 1021 reflected, seed 0."""
    value = 0
    for byte in data:
        value = (value >> 8) ^ _STEPS[(value ^ byte) & 0xFF]
    return value


def encode(command: int, data: bytes = b"") -> bytes:
    """Return one frame; raise `FrameTooLong` for more than `DATA_BYTES_MAX` bytes of data."""
    if len(data) > DATA_BYTES_MAX:
        raise FrameTooLong(f"{len(data)} bytes; at most {DATA_BYTES_MAX}")
    body = bytes((SYNC, FRAME_BYTES_MIN + len(data), command)) + data
    return body + crc(body).to_bytes(2, "little")


class Reader:
    """Takes bytes as they come, gives whole frames; what is no frame is skipped byte by byte."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Add bytes, and return every frame that they complete."""
        self._held += data
        found = []
        while (frame := self._next()) is not None:
            found.append(frame)
        return found

    def clear(self) -> None:
        """Forget a frame that began and never ended."""
        self._held.clear()

    def _next(self) -> Frame | None:
        held = self._held
        while held:
            start = held.find(SYNC)
            del held[: start if start >= 0 else len(held)]
            if len(held) < 2:
                return None
            length = held[1]
            if length >= FRAME_BYTES_MIN:
                if len(held) < length:
                    return None
                if crc(held[: length - 2]) == int.from_bytes(held[length - 2 : length], "little"):
                    frame = Frame(held[2], bytes(held[3 : length - 2]))
                    del held[:length]
                    return frame
            del held[0]
        return None
