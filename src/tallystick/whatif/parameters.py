"""Every number that the model does not know: its range, where that comes from, and its kind.

*Calibrated* numbers get their posterior from published figures (``calibrate``). *Assumed* ones
cannot be had from them: their ranges are wide and shown. *Chosen* ones are the scheme's and the
user's. The effect of a hub on arrivals is chosen, never calibrated: nobody has measured it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.whatif.errors import BadScenario
from tallystick.whatif.layout import PARAMETERS


class Kind(enum.Enum):
    """Where a number comes from."""

    CALIBRATED = "calibrated"
    ASSUMED = "assumed"
    CHOSEN = "chosen"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number: uniform between ``low`` and ``high`` before anything is known."""

    name: str
    say: str
    unit: str
    kind: Kind
    low: float
    high: float
    usual: float
    """Where it stands when nothing is said: the middle, or what a scheme without a hub has."""
    mark: str
    source: str


def _calibrated(name: str, say: str, unit: str, low: float, high: float, source: str) -> Parameter:
    return Parameter(name, say, unit, Kind.CALIBRATED, low, high, (low + high) / 2, "C", source)


def _assumed(
    name: str, say: str, unit: str, low: float, high: float, mark: str, source: str
) -> Parameter:
    return Parameter(name, say, unit, Kind.ASSUMED, low, high, (low + high) / 2, mark, source)


def _chosen(
    name: str, say: str, unit: str, low: float, high: float, usual: float, mark: str, source: str
) -> Parameter:
    return Parameter(name, say, unit, Kind.CHOSEN, low, high, usual, mark, source)


QUARTERS: Final = "quarters.csv"
GUESS: Final = "no figure was found: a range wide enough to hold any that we would believe"
USER: Final = "the user's own"

ALL: Final = (
    _assumed("claims_month", "Claims a month at the start", "people", 4_600, 8_700, "C",
             "a year's claims between four times 2026 Q1 in its season and those of 2025"),
    _assumed("claims_walk", "Yearly shock to claims", "log", 0.1, 0.35, "C",
             "yearly changes of claims 2021 to 2026"),
    _assumed("decide_month", "Decisions a month, grants and refusals", "people", 6_000, 11_500,
             "C", "quarters of 2024 to 2026"),
    _assumed("decide_walk", "Yearly shock to decisions", "log", 0.1, 0.4, "C",
             "yearly changes of decisions 2022 to 2026"),
    _calibrated("grant_shift", "All grant rates together, against the year's own", "log odds",
                -0.5, 0.5, QUARTERS),
    _assumed("grant_walk", "Yearly shock to grant rates", "log odds", 0.1, 0.8, "C",
             "yearly changes by nationality 2022 to 2025, of 30 to 70 points"),
    _calibrated("withdraw_ratio", "Claims withdrawn or closed, for each decided", "ratio", 0.08,
                0.5, QUARTERS),
    _calibrated("appeal_share", "Refused people who appeal", "share", 0.6, 1.0, QUARTERS),
    _calibrated("people_per_appeal", "People in an appeal", "people", 1.1, 1.45,
                "80,333 appeals, about 104,433 people"),
    _assumed("hear_month", "Appeals disposed of a month at the start", "appeals", 2_500, 3_000,
             "C", "7,789 in 2026 Q1, 8,709 in Q2"),
    _assumed("hear_growth", "Yearly growth of disposals", "log", 0.0, 0.4, "C",
             "0.35 a year from 2022 to 2026; what follows is not known"),
    _assumed("hear_months_max", "Months for which disposals grow", "months", 6, 36, "M", GUESS),
    _calibrated("allow_shift", "All appeal success together, at the start", "log odds", -1.0, 1.5,
                QUARTERS),
    _calibrated("allow_trend", "Yearly change of appeal success", "log odds", -0.5, 0.2, QUARTERS),
    _assumed("allow_walk", "Yearly shock to appeal success", "log odds", 0.05, 0.25, "C",
             "yearly changes 2022 to 2026"),
    _calibrated("appeal_withdrawn", "Disposed appeals that were withdrawn", "share", 0.1, 0.4,
                "15 to 37 per cent"),
    _assumed("conceded", "Of those withdrawn, decided anew by the Home Office", "share", 0.2, 0.8,
             "M", GUESS),
    _assumed("upper_share", "Dismissed people who go to the Upper Tribunal", "share", 0.1, 0.35,
             "M", GUESS),
    _assumed("upper_months", "Months there", "months", 4, 12, "M", GUESS),
    _assumed("upper_allowed", "Allowed there", "share", 0.05, 0.3, "M", GUESS),
    _assumed("further_month", "Exhausted people who make further submissions, a month", "share",
             0.004, 0.02, "M", "set so that about 2,900 a year are granted by this loop"),
    _assumed("further_months", "Months until they are decided", "months", 4, 14, "M", GUESS),
    _assumed("further_granted", "Granted by them", "share", 0.2, 0.45, "M",
             "14,378 people were granted in 2019 to 2023; how many applied was not found"),
    _assumed("further_fresh", "Of the others, accepted as a fresh claim with an appeal", "share",
             0.1, 0.4, "M", GUESS),
    _calibrated("leave_month", "Voluntary departures a month, of those who may not stay", "share",
                0.001, 0.02, "asylum-related voluntary returns"),
    _calibrated("remove_month", "Enforced asylum-related returns a month", "people", 20, 400,
                "asylum-related enforced returns"),
    _assumed("waiting_start", "People who wait for a decision at the start", "people", 48_758,
             48_758, "C", QUARTERS),
    _assumed("appeals_start", "Appeals open at the start", "appeals", 87_450, 87_450, "C",
             QUARTERS),
    _assumed("exhausted_start", "People at the start whose rights are exhausted", "people", 30_000,
             110_000, "M", GUESS),
    _assumed("withdrawn_start", "People at the start whose claim was closed", "people", 20_000,
             90_000, "M", GUESS),
    _calibrated("supported_share", "Of those with a claim or an appeal, supported", "share", 0.45,
                0.8, QUARTERS),
    _assumed("exhausted_supported", "Of those whose rights are exhausted, supported", "share", 0.05,
             0.4, "M", GUESS),
    _assumed("housing_places", "Supported people who are not in hotels, at most", "people", 74_000,
             79_000, "C", "supported less hotels, 2025 to 2026"),
    _chosen("hub_places", "Places in hubs", "places", 0, 10_000, 0, "M", USER),
    _chosen("hub_opens_month", "Months until hubs open", "months", 0, 60, 12, "M", USER),
    _chosen("hub_intake_month", "People taken in a month, at most", "people", 10, 5_000, 300, "M",
            USER),
    _chosen("gate_share", "Exhausted people whom no legal gate stops", "share", 0.0, 1.0, 0.0, "M",
            "tallystick.whatif.gates: the rulebook's answer, never a figure of ours"),
    _assumed("reask_month", "Stopped people whose facts change: gates are asked anew, a month",
             "share", 0.005, 0.05, "M", GUESS),
    _chosen("papers_months", "Months to get travel papers", "months", 1, 36, 9, "M",
            "no duration by country is published: elicit, do not invent"),
    _assumed("late_share", "Offered people stopped on the eve by a new submission or review",
             "share", 0.1, 0.7, "M", GUESS),
    _assumed("stay_months", "Months in a hub", "months", 2, 18, "M", GUESS),
    _assumed("back_share", "Of those who leave a hub, sent back to the sender", "share", 0.2, 0.9,
             "T", "about 70 per cent came back from Albania to Italy"),
    _assumed("home_share", "Of the others, home voluntarily", "share", 0.2, 0.8, "M", GUESS),
    _chosen("deterrence", "Small-boat arrivals that do not come while a hub is open", "share", 0.0,
            0.5, 0.0, "M", "never estimated from our data: there is not sufficient evidence"),
    _chosen("encouragement", "More voluntary departures while a hub is open", "share", 0.0, 1.0,
            0.0, "M", "never estimated from our data"),
)  # fmt: skip
BY_NAME: Final = {one.name: one for one in ALL}
CALIBRATED: Final = tuple(one.name for one in ALL if one.kind is Kind.CALIBRATED)
ASSUMED: Final = tuple(one.name for one in ALL if one.kind is Kind.ASSUMED)
CHOSEN: Final = tuple(one.name for one in ALL if one.kind is Kind.CHOSEN)
if tuple(BY_NAME) != PARAMETERS:
    raise BadScenario("the parameters and the kernel's layout differ")

Ranges = Mapping[str, tuple[float, float]]


def checked(name: str, value: float) -> float:
    """Return a chosen value within the parameter's limits; raise `BadScenario` otherwise."""
    known = BY_NAME.get(name)
    if known is None:
        raise BadScenario(f"there is no parameter {name[:40]!r}")
    if not known.low <= value <= known.high:
        raise BadScenario(f"{name}: {value:g} is not {known.low:g} to {known.high:g} {known.unit}")
    return float(value)


def drawn(unit: Any, names: tuple[str, ...], ranges: Ranges | None = None) -> Any:
    """Return values for numbers in [0, 1), column by column, uniform over each range."""
    pairs = [(ranges or {}).get(name, (BY_NAME[name].low, BY_NAME[name].high)) for name in names]
    low = np.array([pair[0] for pair in pairs])
    high = np.array([pair[1] for pair in pairs])
    return low + unit * (high - low)
