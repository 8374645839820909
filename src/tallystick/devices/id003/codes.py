"""The bytes of ID003 that mean something, by name: commands, statuses, reasons.

Source: the protocol as public MIT-licensed drivers and vendors' documents describe it. The driver
and the simulated validator read the same names; the tests hold both against literal bytes.
"""

from __future__ import annotations

import enum
from typing import Final


class Command(enum.IntEnum):
    """What a host sends."""

    STATUS = 0x11
    RESET = 0x40
    STACK_1 = 0x41
    STACK_2 = 0x42
    RETURN = 0x43
    HOLD = 0x44
    WAIT = 0x45
    ACK = 0x50
    """Answers *vend valid*; the device sends nothing back."""
    SET_DENOMINATIONS = 0xC0
    """Two bytes; a set bit refuses that escrow code, the lowest bit being 0x61."""
    SET_SECURITY = 0xC1
    SET_MODE = 0xC2
    """00 is polled, and the only mode used here."""
    SET_INHIBIT = 0xC3
    """01 takes no notes, 00 takes them."""
    SET_DIRECTION = 0xC4
    SET_OPTIONS = 0xC5
    GET_DENOMINATIONS = 0x80
    GET_SECURITY = 0x81
    GET_MODE = 0x82
    GET_INHIBIT = 0x83
    GET_DIRECTION = 0x84
    GET_OPTIONS = 0x85
    GET_VERSION = 0x88
    GET_BOOT = 0x89
    GET_TABLE = 0x8A
    """Four bytes a note: escrow code, country, integer, power of ten; in major units."""


class Status(enum.IntEnum):
    """What a device answers to `Command.STATUS`, and a few answers to other commands."""

    IDLE = 0x11
    ACCEPTING = 0x12
    ESCROW = 0x13
    STACKING = 0x14
    VEND_VALID = 0x15
    STACKED = 0x16
    REJECTING = 0x17
    RETURNING = 0x18
    HOLDING = 0x19
    INHIBITED = 0x1A
    INITIALISING = 0x1B
    POWER_UP = 0x40
    POWER_UP_ACCEPTOR = 0x41
    POWER_UP_STACKER = 0x42
    BOX_FULL = 0x43
    BOX_OPEN = 0x44
    JAM_ACCEPTOR = 0x45
    JAM_STACKER = 0x46
    PAUSED = 0x47
    CHEATED = 0x48
    FAILURE = 0x49
    COMMUNICATION_ERROR = 0x4A
    INVALID_COMMAND = 0x4B
    ACK = 0x50


ESCROW_FIRST: Final = 0x61
"""The lowest escrow code; there are `ESCROW_CODES` of them."""
ESCROW_CODES: Final = 8
REASON_DENOMINATION: Final = 0x76
REASON_INHIBITED: Final = 0x79

REASONS: Final = {
    0x71: "pushed in crooked",
    0x72: "magnetic pattern",
    0x73: "something else in the head",
    0x74: "signal too weak or too strong",
    0x75: "feeding",
    0x76: "denomination not known",
    0x77: "photo pattern: marks or tears",
    0x78: "photo level: double or dirty",
    0x79: "not taken now: denomination or direction",
    0x7A: "reason 7A",
    0x7B: "operation",
    0x7C: "something else in the transport",
    0x7D: "length",
    0x7E: "colour pattern",
}
"""Why a note was rejected, in words for the operator."""
