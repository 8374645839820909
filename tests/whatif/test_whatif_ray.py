"""An ensemble over a real Ray cluster, of one machine, gives the numbers of one thread."""

from __future__ import annotations

import numpy as np
import pytest
from conftest_whatif import hub_runs

from tallystick.whatif import ensemble, spread
from tallystick.whatif.world import World

RAY_S_MAX = 400


@pytest.mark.timeout(RAY_S_MAX)
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_gives_the_same(small: World) -> None:
    import ray

    runs = hub_runs(40, grant_walk=0.4)
    here = ensemble.simulate(9, runs, small, months=12, workers=1)
    try:
        there = spread.simulate(spread.LOCAL, 9, runs, small, months=12)
    finally:
        ray.shutdown()
    for name in ("months", "moves", "marked", "ends"):
        assert np.array_equal(getattr(here, name), getattr(there, name)), name
