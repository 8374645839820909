"""ID003 on the wire: ``FC LEN CMD [DATA] CRC``, and the numbers that its bytes stand for.

LEN counts the whole frame. The checksum is CRC-16/KERMIT over all bytes before it, low byte first.
9600 baud, eight bits, even parity, half duplex: the host asks, the device answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SYNC: Final = 0xFC
LEN_MIN: Final = 5
LEN_MAX: Final = 255

STATUS, RESET, STACK_1, STACK_2, RETURN, HOLD, WAIT, ACK = (
    0x11,
    0x40,
    0x41,
    0x42,
    0x43,
    0x44,
    0x45,
    0x50,
)
SET_ENABLE, SET_SECURITY, SET_MODE, SET_INHIBIT, SET_DIRECTION, SET_OPTIONAL = range(0xC0, 0xC6)
GET_VERSION, GET_CURRENCY = 0x88, 0x8A

IDLE, ACCEPTING, ESCROW, STACKING, VEND_VALID, STACKED = range(0x11, 0x17)
REJECTING, RETURNING, HOLDING, INHIBITED, INITIALISING = range(0x17, 0x1C)
POWER_UP, POWER_UP_ACCEPTOR, POWER_UP_STACKER = 0x40, 0x41, 0x42
STACKER_FULL, STACKER_OPEN, JAM_ACCEPTOR, JAM_STACKER, PAUSE, CHEATED = range(0x43, 0x49)
FAILURE, COMM_ERROR, INVALID = 0x49, 0x4A, 0x4B

REJECT_REASONS: Final = {
    0x71: "inserted askew",
    0x72: "magnetic pattern",
    0x73: "another note in the way",
    0x74: "magnetic level",
    0x75: "would not move",
    0x76: "not a known note",
    0x77: "picture",
    0x78: "light level",
    0x79: "returned by inhibit",
    0x7B: "not ready",
    0x7C: "another note in the stacker",
    0x7D: "length",
    0x7E: "picture, second look",
}
RETURNED_BY_INHIBIT: Final = 0x79
NOT_A_NOTE: Final = 0x76


def crc(data: bytes | bytearray) -> int:
    """Return the CRC-16/KERMIT of some bytes: polynomial 0x8408 reflected, start 0."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ 0x8408 if value & 1 else value >> 1
    return value


def encode(command: int, data: bytes = b"") -> bytes:
    """Return one frame; raise `ValueError` for more data than a frame holds."""
    length = LEN_MIN + len(data)
    if length > LEN_MAX:
        raise ValueError(f"{len(data)} bytes of data; at most {LEN_MAX - LEN_MIN}")
    body = bytes((SYNC, length, command)) + data
    return body + crc(body).to_bytes(2, "little")


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole frame with a good checksum."""

    command: int
    data: bytes = b""


class Reader:
    """Finds frames in a stream of bytes; noise between them is passed over, never raised."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Take in bytes, and return the frames that are now complete."""
        self._held += data
        found = []
        while (frame := self._next()) is not None:
            found.append(frame)
        return found

    def _next(self) -> Frame | None:
        held = self._held
        while held:
            if held[0] != SYNC or (len(held) > 1 and held[1] < LEN_MIN):
                del held[0]
                continue
            if len(held) < 2 or len(held) < held[1]:
                return None
            length = held[1]
            body, sum_ = bytes(held[: length - 2]), bytes(held[length - 2 : length])
            if crc(body).to_bytes(2, "little") != sum_:
                del held[0]
                continue
            del held[:length]
            return Frame(body[2], body[3:])
        return None

    def forget(self) -> None:
        """Drop a frame that never ended."""
        self._held.clear()
