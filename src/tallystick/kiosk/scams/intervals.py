"""The closed forms that the report of interventions needs, on counts and never on money.

Wilson for one share, Newcombe's method 10 for a difference, persons needed for a given power, and
the rule of three when nothing happened. Sources: Wilson 1927; Newcombe 1998 (Stat. Med. 17);
Fleiss, Levin and Paik 2003, ch. 4; Hanley and Lippman-Hand 1983.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

NORMAL: Final = NormalDist()
TWO_SIDED: Final = 0.05
POWER: Final = 0.80
NONE_OF: Final = 3
"""No event among n: with 95 % confidence fewer than 3/n happen."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A share or a difference with its 95 % interval."""

    estimate: float
    low: float
    high: float


def z(two_sided: float = TWO_SIDED) -> float:
    """Return the normal quantile for a two-sided error: 1.96 for 5 %."""
    return NORMAL.inv_cdf(1 - two_sided / 2)


def wilson(events: int, persons: int) -> Interval:
    """Return a share with Wilson's interval; nobody at all leaves it open from 0 to 1."""
    if not persons:
        return Interval(0.0, 0.0, 1.0)
    share, square = events / persons, z() ** 2
    middle = (share + square / (2 * persons)) / (1 + square / persons)
    root = math.sqrt(share * (1 - share) / persons + square / (4 * persons**2))
    half = z() * root / (1 + square / persons)
    low = 0.0 if events == 0 else max(0.0, middle - half)
    high = 1.0 if events == persons else min(1.0, middle + half)
    return Interval(share, low, high)


def newcombe(events: int, persons: int, control: int, controls: int) -> Interval:
    """Return the difference of two shares, arm minus control, by Newcombe's method 10."""
    arm, base = wilson(events, persons), wilson(control, controls)
    gap = arm.estimate - base.estimate
    below = math.hypot(arm.estimate - arm.low, base.high - base.estimate)
    above = math.hypot(arm.high - arm.estimate, base.estimate - base.low)
    return Interval(gap, max(-1.0, gap - below), min(1.0, gap + above))


def upper_if_none(persons: int) -> float:
    """Return the upper 95 % bound of a share when nothing was seen: the rule of three."""
    return min(1.0, NONE_OF / persons) if persons else 1.0


def persons_needed(control: float, arm: float) -> int:
    """Return the persons each arm needs to see this difference: 5 % two-sided, power 80 %."""
    if control == arm:
        raise ValueError("no number of persons shows a difference of nothing")
    mean = (control + arm) / 2
    pooled = z() * math.sqrt(2 * mean * (1 - mean))
    apart = NORMAL.inv_cdf(POWER) * math.sqrt(control * (1 - control) + arm * (1 - arm))
    return math.ceil(((pooled + apart) / (control - arm)) ** 2)


def persons_not_worse(share: float, margin: float) -> int:
    """Return the persons each arm needs to show a share no worse by ``margin``: 97.5 %, 80 %."""
    reach = z() + NORMAL.inv_cdf(POWER)
    return math.ceil(reach**2 * 2 * share * (1 - share) / margin**2)


def design_effect(per_person: float, correlation: float) -> float:
    """Return by how much repeated sessions of one person swell the sample: 1 + (m - 1) rho."""
    return 1 + (per_person - 1) * correlation
