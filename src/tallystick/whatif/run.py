"""A scenario beside the same world without a hub: the same runs, the same chance, one change.

Both are run under one seed, so that a difference between them is the scheme's and nothing else's.
What is counted of a pair is worked out here once; questions only ask.
"""

from __future__ import annotations

import dataclasses
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.whatif import ensemble, figures, future, spread, world
from tallystick.whatif.ensemble import Result
from tallystick.whatif.kernel import GIVEN_HEARD_SHARE, MOVES_COUNT
from tallystick.whatif.layout import MOVE_AT
from tallystick.whatif.model import Place as P
from tallystick.whatif.parameters import Ranges
from tallystick.whatif.posterior import Posterior, load
from tallystick.whatif.scenario import PENCE, Scenario

WEEKS_IN_MONTH: Final = 365.25 / 84
NIGHTS_IN_MONTH: Final = 365.25 / 12
YEAR: Final = 12
ARRIVED: Final = MOVES_COUNT
CLUSTER: Final[ContextVar[str]] = ContextVar("CLUSTER", default="")
"""The address of a Ray cluster to run on, or ``local``; nothing for this machine's threads."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A scheme's runs and the same without it."""

    scenario: Scenario
    runs: Any
    hub: Result
    none: Result

    def change(self, name: str) -> Any:
        """Return by how much a monthly count differs through the scheme: run, month."""
        return self.hub.series(name).astype(float) - self.none.series(name)


def world_of(scenario: Scenario) -> world.World:
    """Return the world of a scenario."""
    made = world.future(scenario.months, rates=scenario.grant_rates)
    if scenario.appeal_weeks is not None:
        given = made.given.copy()
        given[GIVEN_HEARD_SHARE] = min(1.0, WEEKS_IN_MONTH / scenario.appeal_weeks)
        made = dataclasses.replace(made, given=given)
    return made


def records(scenario: Scenario, posterior: Posterior, ranges: Ranges | None = None) -> Any:
    """Return the runs of a scenario; the gates' share is the rulebook's or the user's."""
    wide = {"gate_share": scenario.gate_range()} | dict(scenario.ranges) | dict(ranges or {})
    return future.records(posterior, scenario.seed, scenario.runs, scenario.chosen, wide)


def simulate(
    scenario: Scenario,
    ranges: Ranges | None = None,
    posterior: Posterior | None = None,
    workers: int = 0,
) -> Pair:
    """Run a scenario and the same world without its hub; on the cluster that `CLUSTER` names."""
    given = posterior or load()
    here = world_of(scenario)
    runs = records(scenario, given, ranges)
    plain = runs.copy()
    for name in ("hub_places", "deterrence", "encouragement"):
        plain[name] = 0.0

    def go(these: Any) -> Result:
        if cluster := CLUSTER.get():
            return spread.simulate(cluster, scenario.seed, these, here)
        return ensemble.simulate(scenario.seed, these, here, workers=workers)

    return Pair(scenario, runs, go(runs), go(plain))


def arrivals_share(pair: Pair, old: P, new: P, weights: Any | None = None) -> Any:
    """Return the share of new arrivals who made a move within the scenario's months, by run.

    ``weights``: the share of each cohort among the people asked about, instead of arrivals' own.
    """
    marked = pair.hub.marked
    made, arrived = marked[:, MOVE_AT[old, new]], marked[:, ARRIVED]
    if weights is None:
        return made.sum(1) / np.maximum(arrived.sum(1), 1)
    return (made / np.maximum(arrived, 1) * weights).sum(1)


def refused_at_boats() -> float:
    """Return by how much a refusal is less likely for boat arrivals than their nationalities say.

    Within a nationality, those who come by boat are granted more often than others. Published:
    what was decided of the arrivals of 2025; reckoned: the same from each nationality's rate.
    """
    granted, refused, _ = figures.get("boats_2025_seen_2026").value
    rates = 1 / (1 + np.exp(-world.grants_of(2025)))
    reckoned = 1 - float((world.boat_mix() * rates).sum())
    return refused / (granted + refused) / reckoned


def never_granted(runs: Any, rates_year: int) -> Any:
    """Return the share of each cohort's arrivals whose rights come to be exhausted: run, cohort.

    Of those who get a decision: refused and not appealing, or losing every appeal. Worked out as
    an absorbing chain from each run's own parameters; no queue and no time limit in it.
    """
    grant = 1 / (1 + np.exp(-(world.grants_of(rates_year)[None] + runs["grant_shift"][:, None])))
    allow = 1 / (1 + np.exp(-(world.allows()[None] + runs["allow_shift"][:, None])))
    withdrawn = runs["appeal_withdrawn"][:, None]
    won = (1 - withdrawn) * allow
    anew = withdrawn * runs["conceded"][:, None]
    rest = 1 - won - anew
    up = runs["upper_share"][:, None]
    lost = rest * (1 - up) + rest * up * (1 - runs["upper_allowed"][:, None])
    appeal = runs["appeal_share"][:, None]
    refused = 1 - grant
    return refused * (1 - appeal + appeal * lost) / (1 - refused * appeal * anew)


def closing(runs: Any) -> Any:
    """Return the share of each cohort's claims that are withdrawn or closed undecided."""
    ratio = runs["withdraw_ratio"][:, None] * world.factors_of(2025)[3][None]
    return ratio / (1 + ratio)


def ever_cleared(runs: Any) -> Any:
    """Return the share of exhausted people whom the gates let pass at some time, by run."""
    gate = runs["gate_share"]
    anew = runs["reask_month"] * gate
    again = anew / (anew + runs["leave_month"] + runs["further_month"])
    return gate + (1 - gate) * again


def nights(pair: Pair, first: int, months: int) -> Any:
    """Return hotel nights that the scheme saves in some months, whole nights by run."""
    saved = -pair.change("hotels")[:, first : first + months].sum(1) * NIGHTS_IN_MONTH
    return np.rint(saved).astype(np.int64)


def support_saved(pair: Pair) -> Any:
    """Return what is saved on support over all months, in whole pence by run.

    A person fewer in a hotel saves a hotel night; any other person supported, a dispersed one.
    """
    hotel = -pair.change("hotels").sum(1) * NIGHTS_IN_MONTH
    all_nights = -pair.change("supported").sum(1) * NIGHTS_IN_MONTH
    newest = "dispersal_night" if pair.scenario.unverified else "dispersal_night_2023"
    night, other = (int(figures.get(name).value[0]) for name in ("hotel_night", newest))
    whole = np.rint(hotel).astype(np.int64)
    others = np.rint(all_nights).astype(np.int64) - whole
    return whole * night + others * other


def spent(pair: Pair) -> Any:
    """Return what the scheme costs over all months, in whole pence by run."""
    pounds, chosen = pair.scenario.pounds, pair.runs
    open_months = np.maximum(0, pair.scenario.months - chosen["hub_opens_month"]).astype(np.int64)
    places = chosen["hub_places"].astype(np.int64)
    sent = np.rint(pair.hub.series("sent").sum(1)).astype(np.int64)
    monthly = places * open_months * (pounds.hub_place_year * PENCE) // YEAR
    return monthly + sent * (pounds.transfer * PENCE) + pounds.setup * PENCE * (places > 0)
