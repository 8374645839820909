"""Where a person can be between arrival and an end, and how anybody moves: the one table ``NEXT``.

People are counted, never named and never scored; nationality is a cohort in aggregate and nothing
else. Every person is in exactly one place at every moment. The simulators move nobody along a pair
that is not in ``NEXT``, and a test counts every move they make.
"""

from __future__ import annotations

import enum
from typing import Final


class Place(enum.IntEnum):
    """Where people are. The last four are ends; a run never moves anybody out of them."""

    WAITING = 0
    """Claimed, no decision yet."""
    APPEAL = 1
    """An appeal is pending at the First-tier Tribunal."""
    UPPER = 2
    """A further appeal is pending."""
    FURTHER = 3
    """Further submissions are being considered (Immigration Rules, paragraph 353)."""
    STOPPED = 4
    """Appeal rights exhausted; a legal gate stops a transfer."""
    CLEARED = 5
    """Appeal rights exhausted, every gate passed; papers are awaited."""
    READY = 6
    """Papers are there; a place in a hub is awaited."""
    HUB = 7
    """In a hub."""
    WITHDRAWN = 8
    """The claim was withdrawn or closed otherwise; the person may still be in the country."""
    GRANTED = 9
    """Leave to stay."""
    RETURNED = 10
    """Returned to the country of origin by enforcement."""
    LEFT = 11
    """Left voluntarily."""
    ONWARD = 12
    """Went on from a hub, to the country of origin or another."""


P = Place
NEXT: Final[dict[Place, frozenset[Place]]] = {
    P.WAITING: frozenset({P.GRANTED, P.APPEAL, P.STOPPED, P.CLEARED, P.WITHDRAWN}),
    P.APPEAL: frozenset({P.GRANTED, P.WAITING, P.UPPER, P.STOPPED, P.CLEARED}),
    P.UPPER: frozenset({P.GRANTED, P.STOPPED, P.CLEARED}),
    P.FURTHER: frozenset({P.GRANTED, P.APPEAL, P.STOPPED, P.CLEARED}),
    P.STOPPED: frozenset({P.FURTHER, P.CLEARED, P.LEFT, P.RETURNED}),
    P.CLEARED: frozenset({P.FURTHER, P.READY, P.LEFT, P.RETURNED}),
    P.READY: frozenset({P.FURTHER, P.HUB, P.LEFT}),
    P.HUB: frozenset({P.ONWARD, P.LEFT, P.STOPPED}),
    P.WITHDRAWN: frozenset({P.LEFT, P.RETURNED}),
    P.GRANTED: frozenset(),
    P.RETURNED: frozenset(),
    P.LEFT: frozenset(),
    P.ONWARD: frozenset(),
}

WORDS: Final[dict[Place, str]] = {
    P.WAITING: "Waiting for a decision",
    P.APPEAL: "Appeal waiting",
    P.UPPER: "Further appeal waiting",
    P.FURTHER: "Further submissions",
    P.STOPPED: "Rights exhausted, stopped by a legal gate",
    P.CLEARED: "Every gate passed, waiting for papers",
    P.READY: "Waiting for a place",
    P.HUB: "In a hub",
    P.WITHDRAWN: "Claim withdrawn or closed",
    P.GRANTED: "Leave to stay",
    P.RETURNED: "Returned home by enforcement",
    P.LEFT: "Left voluntarily",
    P.ONWARD: "Went on from the hub",
}
