"""The ways out of each place, as a table that the kernel walks and a reader can check.

A *way* takes people out of one place: by what is short (decisions, hearings, hub places,
enforcement, which all who wait share) or by a monthly hazard. Those taken are then split among the
way's targets, one after another. Each pair of place and target is a move of ``model.NEXT``.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tallystick.whatif.layout import MOVE_AT
from tallystick.whatif.model import Place as P

HAZARD, DECIDING, HEARING, PLACING, REMOVING = -1, 0, 1, 2, 3
SHORT: Final = 4
"""How many things are short."""

WAYS: Final = (
    (P.WAITING, DECIDING, (P.GRANTED, P.APPEAL, P.CLEARED, P.STOPPED)),
    (P.WAITING, HAZARD, (P.WITHDRAWN,)),
    (P.APPEAL, HEARING, (P.GRANTED, P.WAITING, P.UPPER, P.CLEARED, P.STOPPED)),
    (P.UPPER, HAZARD, (P.GRANTED, P.CLEARED, P.STOPPED)),
    (P.FURTHER, HAZARD, (P.GRANTED, P.APPEAL, P.CLEARED, P.STOPPED)),
    (P.STOPPED, REMOVING, (P.RETURNED,)),
    (P.STOPPED, HAZARD, (P.FURTHER, P.LEFT, P.CLEARED)),
    (P.CLEARED, REMOVING, (P.RETURNED,)),
    (P.CLEARED, HAZARD, (P.FURTHER, P.LEFT, P.READY)),
    (P.READY, PLACING, (P.FURTHER, P.HUB)),
    (P.READY, HAZARD, (P.FURTHER, P.LEFT)),
    (P.HUB, HAZARD, (P.STOPPED, P.LEFT, P.ONWARD)),
    (P.WITHDRAWN, REMOVING, (P.RETURNED,)),
    (P.WITHDRAWN, HAZARD, (P.LEFT,)),
)
W_DECIDE, W_WITHDRAW, W_HEAR, W_UPPER, W_FURTHER = 0, 1, 2, 3, 4
W_STOPPED, W_CLEARED, W_OFFER, W_READY, W_HUB, W_GONE = 6, 8, 9, 10, 11, 13

PLACE_OF: Final = np.array([int(place) for place, _, _ in WAYS])
KIND_OF: Final = np.array([kind for _, kind, _ in WAYS])
FIRST: Final = np.cumsum([0, *(len(targets) for _, _, targets in WAYS)])
"""Where each way's targets begin in the list of all targets; the last is that list's length."""
MOVE_OF: Final = np.array([MOVE_AT[place, to] for place, _, to_s in WAYS for to in to_s])
TO: Final = np.array([int(to) for _, _, targets in WAYS for to in targets])


def target(way: int, place: P) -> int:
    """Return the position of a way's target in the list of all targets."""
    return int(FIRST[way]) + WAYS[way][2].index(place)
