"""Runs with usual values, for tests of the what-if kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from tallystick.whatif import layout
from tallystick.whatif.parameters import ALL

RUNS = 150
MONTHS = 36


def plain_runs(count: int, **values: float) -> Any:
    """Runs whose parameters all stand where they usually do, but for those given."""
    runs = np.zeros(count, layout.RUN)
    for one in ALL:
        runs[one.name] = one.usual
    for name, value in values.items():
        runs[name] = value
    return runs


def hub_runs(count: int, **values: float) -> Any:
    """The same with a hub that opens after half a year."""
    hub = {"hub_places": 1_000.0, "hub_opens_month": 6.0, "hub_intake_month": 200.0}
    return plain_runs(count, **(hub | {"gate_share": 0.3} | values))
