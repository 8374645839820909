"""Calibration by approximate Bayesian computation: many draws, the closest kept, then adjusted.

Draws of every parameter, calibrated and assumed, are run through a window; the share closest to
what was published is kept, and the calibrated parameters are moved along a weighted linear
regression (Beaumont, Zhang and Balding, Genetics 162, 2002), on the scale of their log odds between
the bounds so that none leaves them. They are moved to where the closest runs stand, not to where
the distance would be nought: no run is there, since the model is simpler than the world, and a
line drawn beyond all runs says nothing. For the same reason each is then moved once more by as
much as the model may be wrong (``windows.doubt``): without that, intervals would be far too narrow.
``smc`` does without the lines, by a kept library, as a check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.core.clock import numbers
from tallystick.whatif import ensemble, layout, windows
from tallystick.whatif.errors import BadScenario
from tallystick.whatif.model import Place
from tallystick.whatif.parameters import ALL, ASSUMED, BY_NAME, CALIBRATED, drawn
from tallystick.whatif.windows import Window

DRAWS: Final = 1_000_000
DRAWS_MAX: Final = 100_000_000
BLOCK: Final = 25_000
KEPT: Final = 1_000
STORED: Final = 400
"""Rows of the file in the package."""
EDGE: Final = 1e-4
NEAREST: Final = 0.1
"""The share of the kept runs whose mean is the point to which the others are moved."""
SMALLEST: Final = 1e-3
"""Ridge of the regression: what is not told apart is not moved."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Fit:
    """What a calibration found: unit-interval draws, how far each was, and the adjusted draws."""

    window: Window
    seed: int
    draws: int
    unit: Any
    distance: Any
    summary: Any
    ends: Any
    adjusted: dict[str, Any]


def records(window: Window, unit: Any) -> Any:
    """Return runs for draws in [0, 1): first the calibrated, then the assumed parameters."""
    runs = np.zeros(len(unit), layout.RUN)
    for one in ALL:
        runs[one.name] = one.usual
    split = len(CALIBRATED)
    values = drawn(unit[:, :split], CALIBRATED), drawn(unit[:, split:], ASSUMED, window.stocks)
    for names, table in zip((CALIBRATED, ASSUMED), values, strict=True):
        for at, name in enumerate(names):
            runs[name] = table[:, at]
    for walk in ("grant_walk", "allow_walk"):
        runs[walk] = 0.0  # rates of years gone by are given
    return runs


def fit(
    window: Window,
    seed: int,
    draws: int = DRAWS,
    kept: int = KEPT,
    workers: int = 0,
    progress: Progress | None = None,
) -> Fit:
    """Draw, run, compare and keep; raise `BadScenario` for a number of draws that cannot be."""
    if not 10 * len(CALIBRATED) <= draws <= DRAWS_MAX or not 0 < kept <= draws:
        raise BadScenario(f"{draws} draws, {kept} kept: cannot be")
    past, seen = window.world(), windows.observed(window)
    width = len(CALIBRATED) + len(ASSUMED)
    best: list[Any] = []
    for at in range(0, draws, BLOCK):
        count = min(BLOCK, draws - at)
        unit = numbers(seed, at).random((count, width))
        runs = records(window, unit)
        result = ensemble.simulate(seed, runs, past, workers=workers, first=at)
        summary = windows.summary(windows.simulated(window, result, runs), seen)
        far = windows.distance(summary)
        some = np.argsort(far)[:kept]
        best.append((unit[some], far[some], summary[some], stocks_at_end(result)[some]))
        best = [closest(best, kept)]
        if progress:
            progress(at + count, draws)
    unit, far, summary, ends = best[0]
    error = windows.doubt(seen, len(unit), numbers(seed, draws))
    return Fit(window, seed, draws, unit, far, summary, ends, adjust(unit, far, summary, error))


def closest(parts: list[Any], kept: int) -> Any:
    """Return the closest of several blocks together."""
    whole = [np.concatenate([part[at] for part in parts]) for at in range(4)]
    order = np.argsort(whole[1], kind="stable")[:kept]
    return tuple(table[order] for table in whole)


def stocks_at_end(result: ensemble.Result) -> Any:
    """Return who is still here without a right to stay: exhausted, and closed, by run."""
    held = result.ends.sum(2)
    exhausted = sum(held[:, p] for p in (Place.STOPPED, Place.CLEARED, Place.READY, Place.FURTHER))
    return np.stack([exhausted, held[:, Place.WITHDRAWN]], axis=1)


def adjust(unit: Any, far: Any, summary: Any, error: Any) -> dict[str, Any]:
    """Move the calibrated parameters to where their runs would have been among the closest."""
    theta = np.clip(unit[:, : len(CALIBRATED)], EDGE, 1 - EDGE)
    odds = np.log(theta / (1 - theta))
    weight = np.maximum(1 - (far / (far.max() * (1 + EDGE))) ** 2, 0.0)
    design = np.column_stack([np.ones(len(unit)), summary])
    heavy = design * weight[:, None]
    ridge = SMALLEST * np.trace(heavy.T @ design) / design.shape[1] * np.eye(design.shape[1])
    ridge[0, 0] = 0.0
    slopes = np.linalg.solve(heavy.T @ design + ridge, heavy.T @ odds)
    aim = summary[: max(1, int(NEAREST * len(summary)))].mean(0)
    moved = odds - (summary - aim + error) @ slopes[1:]
    values = drawn(1 / (1 + np.exp(-moved)), CALIBRATED)
    return {name: values[:, at] for at, name in enumerate(CALIBRATED)}


def stored(found: Fit, rows: int = STORED) -> dict[str, Any]:
    """Return the draws to be kept in a file: the closest ones."""
    ends = {"exhausted_end": found.ends[:rows, 0], "withdrawn_end": found.ends[:rows, 1]}
    return {name: values[:rows] for name, values in found.adjusted.items()} | ends


def narrowed(found: Fit) -> dict[str, float]:
    """Return how much of each calibrated range is left: 8 in 10 of the posterior to 8 in 10 of
    the range before. Near one, the figures say nothing about it."""
    spans = {}
    for name in CALIBRATED:
        low, high = np.quantile(found.adjusted[name], (0.1, 0.9))
        before = BY_NAME[name].high - BY_NAME[name].low
        spans[name] = float((high - low) / (0.8 * before))
    return spans
