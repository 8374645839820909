"""Stages one after another, each an exact queue: decision, appeal, hub, for a million persons.

Those who go on from a stage come to the next in the order in which they were served. Units of time
are the caller's own. No feedback: further submissions are the monthly kernel's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.whatif import queue
from tallystick.whatif.errors import BadScenario


@dataclass(frozen=True, slots=True)
class Stage:
    """One queue: how many servers, the mean time with one, and the share who go on."""

    name: str
    servers: int
    mean: float
    goes_on: float


PIPELINE: Final = (
    Stage("decision", 250, 1.0, 0.6),
    Stage("appeal", 120, 0.8, 0.5),
    Stage("hub", 300, 3.6, 0.0),
)
"""The network on which others are measured beside us: busy, and not beyond what it can serve."""
PIPELINE_RATE: Final = 240.0


@dataclass(frozen=True, slots=True)
class Passed:
    """What a stage did: who came to it, in order, their waits, and when they left."""

    stage: Stage
    persons: Any
    waits: Any
    left: Any


def walk(seed: int, persons: int, rate: float, stages: Sequence[Stage]) -> tuple[Passed, ...]:
    """Send persons through the stages; raise `BadScenario` for more than can be held."""
    if not 0 < persons <= queue.PERSONS_MAX or not 0 < len(stages) <= queue.STAGES_MAX:
        raise BadScenario(f"{persons} persons through {len(stages)} stages: cannot be")
    if any(not 0 < stage.servers <= queue.SERVERS_MAX for stage in stages):
        raise BadScenario(f"a stage has between 1 and {queue.SERVERS_MAX} servers")
    ready = np.empty(persons)
    queue.arrivals(seed, rate, ready)
    coming = np.arange(persons)
    found = []
    for number, stage in enumerate(stages):
        wait, leave = np.empty(len(coming)), np.empty(len(coming))
        onward = np.empty(len(coming), np.int64)
        count = queue.serve(
            seed,
            number,
            stage.servers,
            stage.mean,
            stage.goes_on,
            coming,
            ready,
            wait,
            leave,
            onward,
        )
        found.append(Passed(stage, coming, wait, leave))
        onward = onward[:count]
        left = leave[onward]
        order = np.argsort(left)
        coming, ready = coming[onward[order]], left[order]
    return tuple(found)
