"""The years a calibration is fitted to, what was published about them, and how close is close.

Two windows: ``check`` is 2022 and 2023, whose posterior has to predict 2024 and 2025, which it has
not seen; ``now`` is 2024 to the first quarter of 2026 and carries every answer. Claims, decisions
and disposals of a window are given to the model; what it is compared by is everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.whatif import figures, world
from tallystick.whatif.ensemble import Result
from tallystick.whatif.parameters import Ranges
from tallystick.whatif.world import World


@dataclass(frozen=True, slots=True)
class Window:
    """Quarters to fit, and the year-end stocks before them."""

    name: str
    first: str
    last: str
    stocks: Ranges
    """What the parameters of the start are: published, or a wide range."""
    returns: tuple[tuple[int, int, float, float, float], ...]
    """Months from and to, and asylum-related returns then: enforced, voluntary, or both."""

    def quarters(self) -> list[str]:
        """Return the names of the quarters."""
        names = world.quarters_from(self.first, 40)
        return names[: names.index(self.last) + 1]

    def world(self, known: int | None = None) -> World:
        """Return the window's world."""
        return world.past(self.first, self.last, known)


def exactly(value: float) -> tuple[float, float]:
    """Return a range of one value."""
    return (value, value)


NONE: Final = float("nan")
CHECK: Final = Window(
    "check",
    "2022Q1",
    "2023Q4",
    {
        "waiting_start": exactly(100_564),
        "appeals_start": exactly(7_007),
        "exhausted_start": (20_000, 100_000),
        "withdrawn_start": (10_000, 60_000),
        "housing_places": (63_000, 69_000),
    },
    ((0, 24, 586 + 1_862, 2_207 + 4_010, NONE),),
)
NOW: Final = Window(
    "now",
    "2024Q1",
    "2026Q1",
    {
        "waiting_start": exactly(128_786),
        "appeals_start": exactly(19_459),
        "exhausted_start": (20_000, 110_000),
        "withdrawn_start": (20_000, 90_000),
        "housing_places": (70_000, 77_000),
    },
    ((6, 15, NONE, NONE, 6_781),),
)
WINDOWS: Final = {window.name: window for window in (CHECK, NOW)}

CLOSE: Final = {
    "granted": 0.08,
    "closed": 0.2,
    "waiting": 0.06,
    "appeals_open": 0.1,
    "allowed": 0.08,
    "supported": 0.05,
    "returned": 0.3,
    "left": 0.3,
    "all_returns": 0.25,
}
"""How far, as a share, a run may be from a published figure and still count as close: our
judgement of what the model leaves out, wider where the definition differs."""


def quarterly(result: Result, name: str, stock: bool) -> Any:
    """Return a count by run and quarter: the last month of a stock, the sum of a flow."""
    months = result.series(name)
    whole = months.shape[1] // 3
    if stock:
        return months[:, 2 : 3 * whole : 3]
    return months[:, : 3 * whole].reshape(len(months), whole, 3).sum(2)


def yearly(quarters: Any, window: Window) -> Any:
    """Return sums of a flow by calendar year: rates by nationality are known by year alone."""
    years = [int(name[:4]) for name in window.quarters()]
    return np.stack(
        [quarters[..., np.array(years) == year].sum(-1) for year in sorted(set(years))], axis=-1
    )


def observed(window: Window) -> dict[str, Any]:
    """Return what was published about a window, in the order of ``simulated``."""
    table = figures.tables("quarters")
    column = {
        name: np.array([table.at(quarter, name) for quarter in window.quarters()])
        for name in ("grants", "refusals", "outcomes", "awaiting", "appeals_open", "supported")
    }
    allowed = np.array([table.at(quarter, "allowed_pct") for quarter in window.quarters()])
    found = {
        "granted": yearly(column["grants"], window),
        "closed": yearly(column["outcomes"] - column["grants"] - column["refusals"], window),
        "waiting": column["awaiting"],
        "appeals_open": column["appeals_open"],
        "allowed": allowed / 100,
        "supported": column["supported"],
    }
    returns = np.array(window.returns)
    for at, name in ((2, "returned"), (3, "left"), (4, "all_returns")):
        found[name] = returns[:, at]
    return found


def simulated(window: Window, result: Result, runs: Any) -> dict[str, Any]:
    """Return the same of runs: run first."""
    people = runs["people_per_appeal"][:, None]
    disposed = quarterly(result, "appeals_disposed", False)
    heard = disposed * (1 - runs["appeal_withdrawn"])[:, None]
    allowed = quarterly(result, "appeals_allowed", False)
    found = {
        "granted": yearly(quarterly(result, "granted", False), window),
        "closed": yearly(quarterly(result, "withdrawn", False), window),
        "waiting": quarterly(result, "waiting", True),
        "appeals_open": quarterly(result, "appeals_open", True) / people,
        "allowed": allowed / np.maximum(heard, 1),
        "supported": quarterly(result, "supported", True),
    }
    spans = [slice(int(begins), int(ends)) for begins, ends, *_ in window.returns]
    returned = np.array([result.series("returned")[:, span].sum(1) for span in spans]).T
    left = np.array([result.series("left")[:, span].sum(1) for span in spans]).T
    return found | {"returned": returned, "left": left, "all_returns": returned + left}


def summary(found: dict[str, Any], seen: dict[str, Any]) -> Any:
    """Return log ratios of runs to what was seen, in units of what is close: run, statistic."""
    parts = []
    for name, close in CLOSE.items():
        known = ~np.isnan(seen[name])
        ratio = np.log(np.maximum(found[name][:, known], 1e-6) / seen[name][known])
        weight = np.sqrt(max(1, known.sum()))
        parts.append(ratio / close / weight)
    return np.concatenate(parts, axis=1)


def doubt(seen: dict[str, Any], count: int, chance: np.random.Generator) -> Any:
    """Return by how much a perfect run may differ from what was published: run, statistic.

    One normal error for each kind of figure, as large as what is close, common to its quarters.
    """
    parts = []
    for name in CLOSE:
        known = int((~np.isnan(seen[name])).sum())
        error = chance.standard_normal((count, 1)) / np.sqrt(max(1, known))
        parts.append(np.repeat(error, known, axis=1))
    return np.concatenate(parts, axis=1)


def distance(summaries: Any) -> Any:
    """Return how far each run is: one means about as far as is close, on every kind of figure."""
    return np.sqrt((summaries**2).sum(1) / len(CLOSE))
