"""How good is it? Checks of the fit, and a forecast of two years that it had not seen.

*Checks*: runs of the posterior through their own window, against what was published. *Forecast*:
fitted to 2022 and 2023, started from the published stocks of the end of 2023 with the rates known
then, it predicts 2024 and 2025; each series is scored by the continuous ranked probability score
against carrying the last quarter forward unchanged. Misses are published with the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.whatif import ensemble, figures, future, layout, windows, world
from tallystick.whatif.interval import Interval
from tallystick.whatif.parameters import ALL, ASSUMED, CALIBRATED, drawn
from tallystick.whatif.posterior import Posterior
from tallystick.whatif.windows import quarterly
from tallystick.whatif.world import World

RUNS: Final = 2_000
SEED: Final = 8
HELD_OUT: Final = world.quarters_from("2024Q1", 8)
LAST_KNOWN: Final = "2023Q4"
KNOWN_THEN: Final = {
    "claims_month": (5_500.0, 9_100.0),
    "claims_walk": (0.15, 0.4),
    "decide_month": (5_000.0, 14_000.0),
    "hear_month": (750.0, 900.0),
    "hear_growth": (0.0, 0.5),
    "waiting_start": windows.exactly(128_786),
    "appeals_start": windows.exactly(19_459),
    "housing_places": (63_000.0, 70_000.0),
}
"""What a forecaster could have believed at the end of 2023, from the two years before."""
SCORED: Final = {
    "claims": ("claims", False),
    "grants": ("granted", False),
    "refusals": ("refused", False),
    "awaiting": ("waiting", True),
    "appeals_open": ("appeals_open", True),
    "supported": ("supported", True),
    "hotels": ("hotels", True),
}
"""Published series, and the model's with whether it is a stock."""


@dataclass(frozen=True, slots=True)
class Check:
    """One series of the window: published, and what the posterior's runs give."""

    name: str
    quarters: tuple[str, ...]
    seen: Any
    runs: tuple[Interval, ...]

    @property
    def within80(self) -> float:
        """Return the share of quarters that lie within 8 in 10 of the runs."""
        inside = [i.low80 <= s <= i.high80 for i, s in zip(self.runs, self.seen, strict=True)]
        return float(np.mean(inside))


@dataclass(frozen=True, slots=True)
class Score:
    """How a forecast did on one series."""

    name: str
    seen: Any
    runs: tuple[Interval, ...]
    naive: float
    crps: float
    crps_naive: float
    within80: float
    within95: float

    @property
    def better(self) -> bool:
        """Say whether it beat carrying the last quarter forward."""
        return self.crps < self.crps_naive


def rows_of(posterior: Posterior, seed: int, count: int, ranges: Any) -> Any:
    """Return runs whose calibrated parameters are the posterior's, the others from ranges."""
    runs = np.zeros(count, layout.RUN)
    for one in ALL:
        runs[one.name] = one.usual
    unit = future.units(seed, count, 1 + len(ASSUMED))
    rows = (unit[:, 0] * len(posterior)).astype(np.int64)
    for name in CALIBRATED:
        runs[name] = posterior.draws[name][rows]
    table = drawn(unit[:, 1:], ASSUMED, ranges)
    for at, name in enumerate(ASSUMED):
        runs[name] = table[:, at]
    return runs


def checks(posterior: Posterior, count: int = RUNS) -> tuple[Check, ...]:
    """Return the posterior's runs through its own window, beside what was published."""
    window = windows.WINDOWS[posterior.made["window"]]
    runs = rows_of(posterior, SEED, count, window.stocks)
    runs["grant_walk"] = runs["allow_walk"] = 0.0
    result = ensemble.simulate(SEED, runs, window.world())
    found, seen = windows.simulated(window, result, runs), windows.observed(window)
    quarters = tuple(window.quarters())
    years = tuple(sorted({name[:4] for name in quarters}))
    return tuple(
        Check(
            name,
            years if len(seen[name]) == len(years) else quarters,
            seen[name],
            tuple(Interval.of(column) for column in found[name].T),
        )
        for name in ("granted", "closed", "waiting", "appeals_open", "allowed", "supported")
    )


def forecast_world() -> World:
    """Return 2024 and 2025 as they could be seen at the end of 2023: nothing given."""
    made = world.future(3 * len(HELD_OUT), "2024Q1", 2023)
    return made


def forecast(posterior: Posterior, count: int = RUNS) -> tuple[Score, ...]:
    """Return how the forecast of 2024 and 2025 did, series by series."""
    runs = rows_of(posterior, SEED, count, KNOWN_THEN)
    ended = {"exhausted_start": "exhausted_end", "withdrawn_start": "withdrawn_end"}
    rows = (future.units(SEED, count, 1 + len(ASSUMED))[:, 0] * len(posterior)).astype(np.int64)
    for name, end in ended.items():
        runs[name] = posterior.draws[end][rows]
    runs["allow_shift"] += runs["allow_trend"] * future.years_of(posterior)
    runs["allow_trend"] = 0.0
    result, table = ensemble.simulate(SEED, runs, forecast_world()), figures.tables("quarters")
    found = []
    for name, (series, stock) in SCORED.items():
        seen = np.array([table.at(quarter, name) for quarter in HELD_OUT])
        values = quarterly(result, series, stock)
        if name == "appeals_open":
            values = values / runs["people_per_appeal"][:, None]
        naive = table.at(LAST_KNOWN, name)
        intervals = tuple(Interval.of(column) for column in values.T)
        found.append(
            Score(
                name,
                seen,
                intervals,
                naive,
                float(np.mean([crps(v, s) for v, s in zip(values.T, seen, strict=True)])),
                float(np.abs(seen - naive).mean()),
                share_inside(intervals, seen, "low80", "high80"),
                share_inside(intervals, seen, "low95", "high95"),
            )
        )
    return tuple(found)


def share_inside(intervals: tuple[Interval, ...], seen: Any, low: str, high: str) -> float:
    """Return the share of what was seen that lies inside its interval."""
    pairs = zip(intervals, seen, strict=True)
    return float(np.mean([getattr(i, low) <= s <= getattr(i, high) for i, s in pairs]))


def crps(values: Any, seen: float) -> float:
    """Return the continuous ranked probability score of an ensemble; of one value, its error.

    Hersbach, Weather and Forecasting 15, 2000. In the unit of what is scored; smaller is better.
    """
    ordered = np.sort(values)
    count = len(ordered)
    weight = 2 * np.arange(1, count + 1) - count - 1
    return float(np.abs(ordered - seen).mean() - (weight @ ordered) / count**2)
