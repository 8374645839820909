"""Many runs at once: on the threads of one machine, or on a Ray cluster when one is given.

What a run does depends on its number and the seed alone (``chance``), so the result is the same
however the runs are spread. Memory is bounded: months, runs and cohorts have limits, and callers
that need only sums say so.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from tallystick.whatif import kernel, layout
from tallystick.whatif.errors import BadScenario
from tallystick.whatif.world import World

BLOCKS_PER_WORKER: Final = 4
CELLS_MAX: Final = 2**31
"""Runs times months times counts kept: 8 GiB at four bytes."""


@dataclass(frozen=True, slots=True)
class Result:
    """What an ensemble gave. Arrays go by run first."""

    months: Any
    """Records of ``layout.MONTH``: run, month."""
    moves: Any
    """People who made each move: run, move."""
    marked: Any
    """New arrivals who made each move (last: who arrived): run, move, cohort."""
    ends: Any
    """Where everybody is at the end: run, place, cohort."""

    def series(self, name: str) -> Any:
        """Return one count: run, month."""
        return self.months[name]


def workers_here() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0))


def blocks(count: int, workers: int) -> Iterator[slice]:
    """Cut runs into blocks, several for each worker."""
    size = max(1, -(-count // (workers * BLOCKS_PER_WORKER)))
    return (slice(at, min(at + size, count)) for at in range(0, count, size))


def empty(runs: int, months: int, cohorts: int) -> Result:
    """Return a result to be filled; raise `BadScenario` if it is too large to hold."""
    if runs > layout.RUNS_MAX or months > layout.MONTHS_MAX or cohorts > layout.COHORTS_MAX:
        raise BadScenario(f"{runs} runs of {months} months and {cohorts} cohorts are too many")
    if runs * months * len(layout.SERIES) > CELLS_MAX:
        raise BadScenario(f"{runs} runs of {months} months do not fit; ask for fewer at once")
    return Result(
        np.zeros((runs, months), layout.MONTH),
        np.zeros((runs, kernel.MOVES_COUNT)),
        np.zeros((runs, kernel.MOVES_COUNT + 1, cohorts), np.float32),
        np.zeros((runs, kernel.PLACES, cohorts), np.int64),
    )


def fill(seed: int, first: int, runs: Any, world: World, into: Result, part: slice) -> None:
    """Run a block of runs into its part of a result."""
    kernel.many(
        seed,
        first + part.start,
        runs[part],
        world.mix,
        world.mixes,
        world.grants,
        world.allows,
        world.factors,
        world.season,
        world.given,
        into.months[part],
        into.moves[part],
        into.marked[part],
        into.ends[part],
    )


def simulate(
    seed: int, runs: Any, world: World, months: int = 0, workers: int = 0, first: int = 0
) -> Result:
    """Run every row of ``runs`` (records of ``layout.RUN``) for ``months`` (all if 0).

    ``first`` is the number of the first run. Raises `BadScenario` for more than can be held.
    """
    workers = workers or workers_here()
    made = empty(len(runs), months or world.months, len(world.names))
    if workers == 1:
        fill(seed, first, runs, world, made, slice(0, len(runs)))
        return made
    with ThreadPoolExecutor(workers) as pool:
        parts = blocks(len(runs), workers)
        list(pool.map(lambda part: fill(seed, first, runs, world, made, part), parts))
    return made
