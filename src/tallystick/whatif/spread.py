"""An ensemble over a Ray cluster: the same runs, the same numbers, on more machines.

Ray is asked for only when an address is given (``local`` starts one here); nothing else needs it.
"""

from __future__ import annotations

import logging
from typing import Any, Final

import numpy as np

from tallystick.whatif import ensemble
from tallystick.whatif.ensemble import Result
from tallystick.whatif.errors import WhatIfError
from tallystick.whatif.world import World

LOCAL: Final = "local"
BLOCKS_PER_PROCESSOR: Final = 2


class NoCluster(WhatIfError):
    """A Ray cluster was asked for, and is not there."""

    code = 9004


def connected(address: str, processors: int = 2) -> Any:
    """Return Ray, joined to a cluster or started here; raise `NoCluster` if that fails."""
    try:
        import ray
    except ImportError as error:
        raise NoCluster("Ray is not installed: pip install ray") from error
    try:
        if not ray.is_initialized():
            here: Any = {"num_cpus": processors} if address == LOCAL else {}
            ray.init(
                address=None if address == LOCAL else address,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                **here,
            )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise NoCluster(f"no Ray cluster answers at {address}: {error}") from error
    return ray


def simulate(address: str, seed: int, runs: Any, world: World, months: int = 0) -> Result:
    """Run an ensemble on a cluster; the result is that of ``ensemble.simulate``."""
    ray = connected(address)
    task = ray.remote(ensemble.simulate)
    processors = max(1, int(ray.cluster_resources().get("CPU", 1)))
    size = max(1, -(-len(runs) // (processors * BLOCKS_PER_PROCESSOR)))
    shared = ray.put(world)
    waiting = [
        task.remote(seed, runs[at : at + size], shared, months, 1, at)
        for at in range(0, len(runs), size)
    ]
    parts = ray.get(waiting)
    return Result(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("months", "moves", "marked", "ends")
        )
    )
