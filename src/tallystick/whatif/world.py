"""What the kernels are given: cohorts, rates, seasons and, for years gone by, what happened.

Twenty-four nationalities and all others. Shares and rates come from ``figures`` alone. Where a
nationality has no yearly series, its pooled figure stands for each year; where claims by
nationality were not published, the mix of decisions stands for them. Both are said in
``docs/concepts/whatif.md``. Nationality enters here, in the aggregate, and nowhere else.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.whatif import figures
from tallystick.whatif.errors import BadScenario
from tallystick.whatif.layout import MONTHS_MAX

ALL: Final = "All nationalities"
OTHERS: Final = "All others"
YEARS: Final = (2022, 2023, 2024, 2025)
BOATS_UNPUBLISHED_PCT: Final = 39.0
"""What the five largest nationalities leave of small-boat arrivals (``boat_pct``)."""
GRANT_LEAST: Final = 0.005
"""Rates are kept this far from nought and one, so that their log odds exist."""
REMOVABLE_LEAST: Final = 0.02
"""Nobody is taken to be wholly beyond enforcement. The scale is set by the nationality second in
rate of enforced returns; the first counts like it."""
FIRST_QUARTER: Final = "2022Q1"


@dataclass(frozen=True, slots=True)
class World:
    """Arrays for ``kernel.many``, from a first month on. Rates as log odds."""

    first: str
    """The quarter in which month 0 falls."""
    names: tuple[str, ...]
    mix: Any
    """Share of each cohort among those who wait at the start."""
    mixes: Any
    """Share of each cohort among arrivals, by month."""
    grants: Any
    allows: Any
    factors: Any
    """Rows: exhausted, closed, removable, closing, boats (see ``kernel``)."""
    season: Any
    """Claims of a month against the year's mean, twelve of them from month 0 on."""
    given: Any
    """Rows: claims, decisions, disposals, share heard, by month; -1 where not given."""

    @property
    def months(self) -> int:
        """Return how many months there are."""
        return int(self.given.shape[1])


@functools.cache
def by_year() -> dict[str, Any]:
    """Return outcomes, grants and refusals as arrays (year, cohort), all others last."""
    table = figures.tables("nationalities")
    names = table.rows[:-1]
    pooled_outcomes = table["outcomes_pooled"][-1]
    found: dict[str, Any] = {}
    for kind in ("outcomes", "grants", "refusals"):
        rows = []
        for year in YEARS:
            column = table[f"{kind}_{year}"]
            share = table[f"outcomes_{year}"][-1] / pooled_outcomes
            known = column[:-1]
            spread = table[f"{kind}_pooled"][:-1] * share
            values = np.where(np.isnan(known), spread, known)
            rows.append(np.append(values, max(column[-1] - values.sum(), 1.0)))
        found[kind] = np.array(rows)
    found["names"] = (*names, OTHERS)
    return found


def logit(share: Any) -> Any:
    """Return log odds, away from nought and one."""
    kept = np.clip(share, GRANT_LEAST, 1 - GRANT_LEAST)
    return np.log(kept / (1 - kept))


def quarters_from(first: str, count: int) -> list[str]:
    """Return the names of ``count`` quarters, such as ``2026Q2``, from one on."""
    year, quarter = int(first[:4]), int(first[-1])
    start = year * 4 + quarter - 1
    return [f"{at // 4}Q{at % 4 + 1}" for at in range(start, start + count)]


@functools.cache
def season_of(first: str) -> Any:
    """Return claims by month against the year's mean, from the quarters of 2023 to 2025."""
    table = figures.tables("quarters")
    sums = np.array(
        [sum(table.at(f"{year}Q{q}", "claims") for year in (2023, 2024, 2025)) for q in range(1, 5)]
    )
    months = np.repeat(sums / sums.mean(), 3)
    return np.roll(months, -3 * (int(first[-1]) - 1))


def factors_of(year: int) -> Any:
    """Return how stocks are spread over cohorts and how cohorts differ, as known for a year."""
    known, table = by_year(), figures.tables("nationalities")
    at = YEARS.index(year)
    refused = known["refusals"][at] / known["refusals"][at].sum()
    pooled = table["withdrawn_pooled"][:-1], table["grants_pooled"] + table["refusals_pooled"]
    ratio = pooled[0] / pooled[1][:-1]
    mean = pooled[0].sum() / pooled[1][:-1].sum()
    closing = np.append(ratio / mean, 1.0)
    closed = known["outcomes"][at] * closing
    left = known["refusals"][at] + known["outcomes"][at] * 0.2 * closing
    enforced = np.nan_to_num(table["enforced"][:-1], nan=0.0)
    rest = max(table["enforced"][-1] - enforced.sum(), 0.0)
    blank = np.isnan(table["enforced"][:-1])
    spread = np.append(np.where(blank, left[:-1], 0.0), left[-1])
    removed = np.append(enforced, 0.0) + rest * spread / spread.sum()
    rate = removed / left
    removable = np.clip(rate / np.sort(rate)[-2], REMOVABLE_LEAST, 1.0)
    return np.array([refused, closed / closed.sum(), removable, closing, boat_share()])


@functools.cache
def boat_mix() -> Any:
    """Return each cohort's share of small-boat arrivals."""
    known, table = by_year(), figures.tables("nationalities")
    published = np.append(table["boat_pct"][:-1], np.nan)
    rest = np.where(np.isnan(published), known["outcomes"][-1], 0.0)
    mix = np.nan_to_num(published, nan=0.0) + BOATS_UNPUBLISHED_PCT * rest / rest.sum()
    return mix / mix.sum()


@functools.cache
def boat_share() -> Any:
    """Return which share of each cohort's claims came by small boat in 2025, at most all."""
    boats = figures.get("boats_year").value[-1] * boat_mix()
    table = figures.tables("quarters")
    claims = sum(table.at(f"2025Q{q}", "claims") for q in range(1, 5))
    return np.minimum(boats / (claims * mix_of(2025)), 1.0)


def mix_of(year: int) -> Any:
    """Return each cohort's share of decisions in a year, which stands for its share of claims."""
    outcomes = by_year()["outcomes"][YEARS.index(year)]
    return outcomes / outcomes.sum()


def grants_of(year: int) -> Any:
    """Return log odds of a grant at first decision, by cohort, in a year."""
    known, at = by_year(), YEARS.index(year)
    return logit(known["grants"][at] / (known["grants"][at] + known["refusals"][at]))


@functools.cache
def allows() -> Any:
    """Return log odds that a refused person's case is allowed later, by cohort, pooled 2015-23.

    From the cohorts' first and latest grant rates; the model shifts all of them together.
    """
    table = figures.tables("nationalities")
    first, latest = table["initial_pct"][:-1], table["latest_pct"][:-1]
    gained = (latest - first) / (100 - first)
    refused = by_year()["refusals"][-1][:-1]
    mean = float((gained * refused).sum() / refused.sum())
    return logit(np.append(gained, mean))


def past(first: str = FIRST_QUARTER, last: str = "2026Q1", known: int | None = None) -> World:
    """Return a world of quarters gone by, with what happened given.

    With ``known``, rates and mixes after that year are that year's: what a forecaster knew then.
    """
    names = quarters_from(first, MONTHS_MAX // 3)
    names = names[: names.index(last) + 1]
    table = figures.tables("quarters")
    years = [min(int(name[:4]), known or YEARS[-1], YEARS[-1]) for name in names]
    months = 3 * len(names)
    given = np.full((4, months), -1.0)
    for at, name in enumerate(names):
        month = slice(3 * at, 3 * at + 3)
        given[0, month] = table.at(name, "claims") / 3
        given[1, month] = (table.at(name, "grants") + table.at(name, "refusals")) / 3
        given[2, month] = table.at(name, "appeals_disposed") / 3
    grants = np.repeat([grants_of(year) for year in years], 3, axis=0)
    mixes = np.repeat([mix_of(year) for year in years], 3, axis=0)
    return World(
        first,
        by_year()["names"],
        np.mean([mix_of(years[0]), mix_of(min(years[0] + 1, known or YEARS[-1]))], axis=0),
        mixes,
        grants,
        allows(),
        factors_of(years[0]),
        season_of(first),
        given,
    )


def future(months: int, first: str = "2026Q2", year: int = 2025, rates: int = 0) -> World:
    """Return a world whose months are not known yet, with the rates of a year (``rates`` if set).

    Raises `BadScenario` for more months than a run may have, or a year without figures.
    """
    if not 1 <= months <= MONTHS_MAX:
        raise BadScenario(f"months: {months} is not 1 to {MONTHS_MAX}")
    if (rates or year) not in YEARS:
        raise BadScenario(f"grant rates of {rates or year} are not known; {YEARS} are")
    mix = mix_of(year)
    return World(
        first,
        by_year()["names"],
        mix,
        np.repeat(mix[None], months, axis=0),
        np.repeat(grants_of(rates or year)[None], months, axis=0),
        allows(),
        factors_of(year),
        season_of(first),
        np.full((4, months), -1.0),
    )
