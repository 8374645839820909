"""ID003's table of notes: four bytes each, and what they are worth in minor units.

``escrow code | country | integer | power of ten`` in major units: 14 00 is 20, 01 02 is 100. A
line without an integer is a code that stands for no note.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tallystick.core.money import Asset
from tallystick.devices.errors import TableUnreadable
from tallystick.devices.id003.codes import ESCROW_CODES, ESCROW_FIRST

LINE_BYTES: Final = 4
TENS_MAX: Final = 6
COUNTRY: Final = 0x01
"""What the simulated validator writes for the United States; not read by the driver."""
CODES: Final = range(ESCROW_FIRST, ESCROW_FIRST + ESCROW_CODES)
US_NOTES: Final = {
    0x61: 100,
    0x62: 200,
    0x63: 500,
    0x64: 1_000,
    0x65: 2_000,
    0x66: 5_000,
    0x67: 10_000,
}
"""The dollar's notes by escrow code, in minor units."""


def read_table(data: bytes, of: Asset) -> dict[int, int]:
    """Return escrow code to minor units; raise `TableUnreadable` for one that cannot be right.

    The lines end at the first byte that is no escrow code: a version text follows there.
    """
    found: dict[int, int] = {}
    for at in range(0, len(data), LINE_BYTES):
        line = data[at : at + LINE_BYTES]
        if len(line) < LINE_BYTES or line[0] not in CODES:
            break
        if line[3] > TENS_MAX or line[0] in found:
            raise TableUnreadable(f"line {line.hex(' ')} of the table of notes")
        if line[2]:
            found[line[0]] = line[2] * 10 ** line[3] * 10**of.exponent
    if not found:
        raise TableUnreadable("the table of notes is empty")
    return found


def write_table(notes: Mapping[int, int], of: Asset) -> bytes:
    """Return the table as a device sends it, all codes, unused ones without an integer."""
    lines = b""
    for code in CODES:
        number, tens = notes.get(code, 0) // 10**of.exponent, 0
        while number and number % 10 == 0:
            number, tens = number // 10, tens + 1
        lines += bytes((code, COUNTRY if number else 0, number, tens))
    return lines
