"""What the kernels keep in arrays, and in which order: parameters, moves, and what is counted.

Parameters and monthly counts are records with names; moves are numbered. The files that a kernel
is made of are part of the name of its cache (``compiled``), so that a changed order is never read
by a kernel that knew another.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from tallystick.whatif.model import NEXT, Place

PARAMETERS: Final = (
    "claims_month",
    "claims_walk",
    "decide_month",
    "decide_walk",
    "grant_shift",
    "grant_walk",
    "withdraw_ratio",
    "appeal_share",
    "people_per_appeal",
    "hear_month",
    "hear_growth",
    "hear_months_max",
    "allow_shift",
    "allow_trend",
    "allow_walk",
    "appeal_withdrawn",
    "conceded",
    "upper_share",
    "upper_months",
    "upper_allowed",
    "further_month",
    "further_months",
    "further_granted",
    "further_fresh",
    "leave_month",
    "remove_month",
    "waiting_start",
    "appeals_start",
    "exhausted_start",
    "withdrawn_start",
    "supported_share",
    "exhausted_supported",
    "housing_places",
    "hub_places",
    "hub_opens_month",
    "hub_intake_month",
    "gate_share",
    "reask_month",
    "papers_months",
    "late_share",
    "stay_months",
    "back_share",
    "home_share",
    "deterrence",
    "encouragement",
)
RUN: Final = np.dtype([(name, "f8") for name in PARAMETERS])
"""One run's parameters as a record; a kernel reads them by name."""

MOVES: Final = tuple((old, new) for old in Place for new in sorted(NEXT[old]))
"""Every move a person can make, from and to, in order."""
MOVE_AT: Final = {pair: position for position, pair in enumerate(MOVES)}

SERIES: Final = (
    "claims",
    "decided",
    "granted",
    "refused",
    "withdrawn",
    "waiting",
    "appeals_open",
    "appeals_lodged",
    "appeals_disposed",
    "appeals_heard",
    "appeals_allowed",
    "further",
    "exhausted",
    "ready",
    "in_hub",
    "sent",
    "back",
    "onward",
    "left",
    "returned",
    "supported",
    "hotels",
    "granted_later",
)
"""What is counted each month: people; stocks at the month's end, flows in the month."""
MONTH: Final = np.dtype([(name, "f4") for name in SERIES])
"""One month's counts as a record."""
STOCKS: Final = frozenset(
    {"waiting", "appeals_open", "further", "exhausted", "ready", "in_hub", "supported", "hotels"}
)

COHORTS_MAX: Final = 1000
MONTHS_MAX: Final = 360
RUNS_MAX: Final = 2_000_000
