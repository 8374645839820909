"""Chance by counting: what is drawn depends on its place (run, cohort, month), on nothing before.

A number is a hash (the finalizer of splitmix64: Steele, Lea and Flood, OOPSLA 2014) of the seed,
the run, the cohort, the month and the number of the draw. So a run gives the same result on one
processor or on a hundred, and two scenarios under one seed differ only by what was changed in them
(Decision 2: chance comes in by parameter).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from tallystick.whatif.compiled import compiled

GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
STEP: Final = np.uint64(0xD1342543DE82EF95)
MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
MIX_2: Final = np.uint64(0x94D049BB133111EB)
LOW: Final = np.uint64(0xFFFF)
S16, S27, S30, S31, S32, S48 = (np.uint64(n) for n in (16, 27, 30, 31, 32, 48))
S11: Final = np.uint64(11)
TO_UNIT: Final = 1.0 / 9007199254740992.0
LEAST_MEAN: Final = 0.25
"""Below this expectation a whole number is drawn by rounding alone."""
FEW: Final = 4
"""For so many people or fewer, a whole number is drawn by rounding alone."""
IRWIN_HALL: Final = math.sqrt(3.0) / 65536.0


@compiled
def mix(x: np.uint64) -> np.uint64:
    """Return a well mixed 64-bit hash."""
    x = (x ^ (x >> S30)) * MIX_1
    x = (x ^ (x >> S27)) * MIX_2
    return x ^ (x >> S31)


@compiled
def key(seed: int, run: int, cohort: int, month: int) -> np.uint64:
    """Return the key of one cohort in one month of one run."""
    x = mix(np.uint64(seed) + GOLDEN * np.uint64(run + 1))
    return mix(x + STEP * np.uint64(month * 1024 + cohort + 1))


@compiled
def bits(at: np.uint64, draw: int) -> np.uint64:
    """Return the 64 bits of a draw."""
    return mix(at + GOLDEN * np.uint64(draw + 1))


@compiled
def uniform(at: np.uint64, draw: int) -> float:
    """Return a number in [0, 1)."""
    return float(bits(at, draw) >> S11) * TO_UNIT


@compiled
def normal(at: np.uint64, draw: int) -> float:
    """Return a number with mean 0 and variance 1: four uniforms' sum, within 3.5 of the mean."""
    word = bits(at, draw)
    total = (word & LOW) + ((word >> S16) & LOW) + ((word >> S32) & LOW) + (word >> S48)
    return (float(total) - 131070.0) * IRWIN_HALL


@compiled
def gaussian(at: np.uint64, draw: int) -> float:
    """Return a number of the normal law, by Box and Muller; for shocks, where tails matter."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(at, draw)))
    return radius * math.cos(2.0 * math.pi * uniform(at, draw + 1))


@compiled
def count(n: float, p: float, at: np.uint64, draw: int) -> float:
    """Return how many of ``n`` people it happens to, each with probability ``p``: a whole number.

    The root of a count has nearly the same variance whatever its mean (Bartlett, 1936): the root is
    moved by a normal number, its square keeps the mean exactly, and rounding by chance keeps it
    too. So the mean is the binomial law's and the variance nearly (a test compares both); the
    shape for a few people is not, and no answer here depends on it. There is no branch, so that
    the compiler works on several cohorts at once.
    """
    word = bits(at, draw)
    up = p > 0.5
    q = 1.0 - p if up else p
    mean = n * q
    total = (word & LOW) + ((word >> S16) & LOW) + ((word >> S32) & LOW) + (word >> S48)
    z = (float(total) - 131070.0) * IRWIN_HALL
    least = 0.25 * (1.0 - q)
    noise = 2.0 * z * math.sqrt(max(0.0, least * (mean - least))) + least * (z * z - 1.0)
    noise = noise if (mean >= LEAST_MEAN) & (n > FEW) else 0.0
    half = float((word * MIX_1) >> S11) * TO_UNIT
    found = min(math.floor(mean + noise + half), n)
    return n - found if up else found


@compiled
def poisson(mean: float, at: np.uint64, draw: int) -> float:
    """Return a count of independent events with this mean."""
    word = bits(at, draw)
    total = (word & LOW) + ((word >> S16) & LOW) + ((word >> S32) & LOW) + (word >> S48)
    z = (float(total) - 131070.0) * IRWIN_HALL
    noise = z * math.sqrt(max(0.0, mean - 0.25)) + 0.25 * (z * z - 1.0)
    noise = noise if mean >= LEAST_MEAN else 0.0
    return math.floor(mean + noise + float((word * MIX_1) >> S11) * TO_UNIT)
