"""Telephone numbers in one spelling (ITU-T E.164), so that one number is one link.

Digits only come from the machine's keys. A number without a country's prefix is of the machine's
own country; what cannot be a number is refused before any text is sent.
"""

from __future__ import annotations

import re
from typing import Final

E164_DIGITS_MAX: Final = 15
DIGITS_MIN: Final = 7
NATIONAL_DIGITS_MIN: Final = 5
CALLING: Final = {
    **dict.fromkeys(("US", "CA", "DEMO"), "1"),
    "GB": "44",
    "DE": "49",
    "CH": "41",
    "AU": "61",
    "NZ": "64",
    "SG": "65",
}
"""Calling codes of the places whose law we have."""
NANP: Final = re.compile(r"[2-9]\d\d[2-9]\d{6}")
"""A number of the North American plan: area and exchange begin with 2 to 9."""


def normal(text: str, place: str) -> str | None:
    """Return ``+`` and digits, or None for what is no number. ``place``: such as ``US-CA``."""
    digits = "".join(letter for letter in text if letter.isascii() and letter.isdigit())
    if len(text) > 2 * E164_DIGITS_MAX or len(digits) < DIGITS_MIN:
        return None
    code = CALLING.get(place.partition("-")[0], "")
    if text.strip().startswith("+"):
        whole = digits
    elif digits.startswith(("00", "011")):
        whole = digits[2:] if digits.startswith("00") else digits[3:]
    elif code == "1":
        whole = digits if len(digits) == 11 and digits[0] == "1" else f"1{digits}"
    else:
        whole = f"{code}{digits.removeprefix('0')}" if code else ""
    return f"+{whole}" if _possible(whole) else None


def _possible(whole: str) -> bool:
    if whole.startswith("1"):
        return bool(NANP.fullmatch(whole[1:]))
    return not whole.startswith("0") and DIGITS_MIN <= len(whole) <= E164_DIGITS_MAX


def covered(number: str) -> str:
    """Return a number of which only the last two digits can be read."""
    return f"•••• {number[-2:]}"
