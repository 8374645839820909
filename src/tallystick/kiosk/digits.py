"""A purchase's number as digits alone, for who has twelve keys: sixteen of them.

A reference such as ``TS-60Z-63K-C6R`` is 45 bits in Crockford's base 32. As digits it is that
number in fourteen, and two check digits by ISO/IEC 7064 MOD 97-10, which find each wrong digit and
each pair that was exchanged.
"""

from __future__ import annotations

import re
from typing import Final

from tallystick.core.clock import CROCKFORD, base32

LETTERS, DIGITS, CHECK_DIGITS = 9, 14, 2
LENGTH: Final = DIGITS + CHECK_DIGITS
MODULUS: Final = 97
FORM: Final = re.compile(r"TS-([0-9A-Z]{3})-([0-9A-Z]{3})-([0-9A-Z]{3})")
CODE: Final = re.compile(
    r"(?:TALLYSTICK:)?(TS-[0-9A-Z]{3}-[0-9A-Z]{3}-[0-9A-Z]{3})(?::[0-9A-F:]+)?"
)


def digits_of(reference: str) -> str:
    """Return a reference's sixteen digits, or nothing for what is no reference of ours."""
    found = FORM.fullmatch(reference)
    letters = "".join(found.groups()) if found else ""
    if not letters or set(letters) - set(CROCKFORD):
        return ""
    number = 0
    for letter in letters:
        number = number * len(CROCKFORD) + CROCKFORD.index(letter)
    check = MODULUS + 1 - number * 10**CHECK_DIGITS % MODULUS
    return f"{number:0{DIGITS}}{check:0{CHECK_DIGITS}}"


def reference_of(digits: str) -> str:
    """Return the reference of sixteen digits, or nothing where they do not check."""
    if len(digits) != LENGTH or not (digits.isascii() and digits.isdigit()):
        return ""
    number = int(digits[:DIGITS])
    if int(digits) % MODULUS != 1 or number >= len(CROCKFORD) ** LETTERS:
        return ""
    text = base32(number, LETTERS)
    return f"TS-{text[:3]}-{text[3:6]}-{text[6:]}"


def reference_in(code: str) -> str:
    """Return the reference in a paper's square code, or nothing."""
    found = CODE.fullmatch(code.strip().upper())
    return found[1] if found and digits_of(found[1]) else ""
