"""What drives an answer: how much of its spread each unknown explains, and which way it pulls.

Shares are first-order indices by SALib's RBD-FAST (Tarantola, Gatelli and Mara, Reliability
Engineering & System Safety 91, 2006), which works on runs that were made anyway. For a tornado, the
answer's middle among the fifth of runs where the unknown is lowest, and where it is highest.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.whatif.parameters import ALL, BY_NAME

FIFTH: Final = 5
RUNS_MIN: Final = 100
"""With fewer runs nothing can be said about what drives an answer."""
SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Driver:
    """One unknown, its share of the spread (0 to 1), and the answer at its low and high end."""

    name: str
    say: str
    share: float
    low_at: float
    high_at: float
    at_low: float
    at_high: float
    unverified: bool

    @property
    def swing(self) -> float:
        """Return how far the answer moves from end to end."""
        return abs(self.at_high - self.at_low)


def varied(runs: Any) -> tuple[str, ...]:
    """Return the parameters that differ between runs."""
    return tuple(one.name for one in ALL if np.ptp(runs[one.name]) > 0)


def shares(runs: Any, answer: Any, names: tuple[str, ...]) -> dict[str, float]:
    """Return first-order shares of the answer's variance, by parameter."""
    from SALib.analyze import rbd_fast

    if np.ptp(answer) == 0 or len(answer) < RUNS_MIN:
        return dict.fromkeys(names, 0.0)
    problem = {
        "num_vars": len(names),
        "names": list(names),
        "bounds": [[float(runs[name].min()), float(runs[name].max())] for name in names],
    }
    table = np.column_stack([runs[name] for name in names])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = rbd_fast.analyze(problem, table, np.asarray(answer, float), num_resamples=2, seed=1)
    return {name: float(np.clip(s, 0, 1)) for name, s in zip(names, found["S1"], strict=True)}


def of(runs: Any, answer: Any, shown: int = SHOWN) -> tuple[Driver, ...]:
    """Return what drives an answer, the strongest first."""
    answer = np.asarray(answer, float)
    kept = np.isfinite(answer)
    runs, answer = runs[kept], answer[kept]
    if len(answer) < RUNS_MIN:
        return ()
    names = varied(runs)
    share, fifth = shares(runs, answer, names), len(answer) // FIFTH
    found = []
    for name in names:
        order = np.argsort(runs[name], kind="stable")
        low, high = order[:fifth], order[-fifth:]
        found.append(
            Driver(
                name,
                BY_NAME[name].say,
                share[name],
                float(np.median(runs[name][low])),
                float(np.median(runs[name][high])),
                float(np.median(answer[low])),
                float(np.median(answer[high])),
                BY_NAME[name].mark == "M",
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.share, -one.swing))[:shown])
