"""From the posterior to the months to come: what is carried on, what is drawn, what is chosen.

Each run takes one row of the posterior with the stocks that it ended with, draws what nobody can
calibrate from its range, and takes what is chosen from the scenario. Published stocks of the first
day are what they are. Row and draws depend on the run's number and the seed alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from tallystick.core.clock import numbers
from tallystick.whatif import layout, windows
from tallystick.whatif.parameters import (
    ALL,
    ASSUMED,
    CALIBRATED,
    CHOSEN,
    Ranges,
    checked,
    drawn,
)
from tallystick.whatif.posterior import Posterior

SETTLED: Final = {"exhausted_start": "exhausted_end", "withdrawn_start": "withdrawn_end"}
"""Stocks that nobody publishes: each run starts from what its own past left."""


def years_of(posterior: Posterior) -> float:
    """Return how long the posterior's window lasted, in years."""
    return len(windows.WINDOWS[posterior.made["window"]].quarters()) / 4


def units(seed: int, count: int, width: int) -> Any:
    """Return numbers in [0, 1) for runs: the same for a run however many there are."""
    return numbers(seed, 5).random((count, width))


def records(
    posterior: Posterior,
    seed: int,
    count: int,
    chosen: Mapping[str, float],
    ranges: Ranges | None = None,
) -> Any:
    """Return runs of a scenario: records of ``layout.RUN``.

    ``ranges`` replaces the ranges of assumed parameters, or spreads chosen ones. Raises
    `BadScenario` for a chosen value outside its limits.
    """
    runs = np.zeros(count, layout.RUN)
    for one in ALL:
        runs[one.name] = one.usual
    unit = units(seed, count, 1 + len(ASSUMED) + len(CHOSEN))
    rows = (unit[:, 0] * len(posterior)).astype(np.int64)
    for name in CALIBRATED:
        runs[name] = posterior.draws[name][rows]
    table = drawn(unit[:, 1 : 1 + len(ASSUMED)], ASSUMED, ranges)
    for at, name in enumerate(ASSUMED):
        runs[name] = table[:, at]
    for name, ended in SETTLED.items():
        if name not in (ranges or {}):
            runs[name] = posterior.draws[ended][rows]
    runs["allow_shift"] += runs["allow_trend"] * years_of(posterior)
    runs["allow_trend"] = 0.0  # success goes on from where it came to, up or down by chance
    table = drawn(unit[:, 1 + len(ASSUMED) :], CHOSEN, ranges)
    for at, name in enumerate(CHOSEN):
        if name in (ranges or {}):
            runs[name] = table[:, at]
        elif name in chosen:
            runs[name] = checked(name, chosen[name])
    return runs
