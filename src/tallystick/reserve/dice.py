"""Recorded dice: what a key takes beside its device's own chance, which has failed unseen before.

The rolls themselves are kept nowhere; a ceremony's record has their number and a commitment.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from tallystick.reserve.key_errors import CeremonyRefuses

DICE_MIN: Final = 99
"""Rolls of a six-sided die for 256 bits: 99 x log2(6) is 255.9."""
DICE_MAX: Final = 1_000
FACE_SHARE_MAX: Final = (35, 100)
"""A face that comes up more often than this is no die, or was not rolled."""


def check_dice(rolls: str) -> None:
    """Check recorded dice; raise `CeremonyRefuses`. They are not kept."""
    if not re.fullmatch(r"[1-6]*", rolls):
        raise CeremonyRefuses("dice are written as digits from 1 to 6")
    if not DICE_MIN <= len(rolls) <= DICE_MAX:
        raise CeremonyRefuses(f"{len(rolls)} dice; from {DICE_MIN} to {DICE_MAX} are rolled")
    most = max(Counter(rolls).values())
    if most * FACE_SHARE_MAX[1] > len(rolls) * FACE_SHARE_MAX[0]:
        raise CeremonyRefuses("one face comes up too often for rolled dice")
    half = len(rolls) // 2
    if any(rolls[:half] == rolls[at : at + half] for at in range(1, half)):
        raise CeremonyRefuses("the dice repeat themselves")
