"""The simulators: runs, persons and draws a second, beside Ciw and SimPy on the same network.

All in one process and one run. Ratios are of persons for each second of processor time on the
three-stage network of ``whatif.tandem``, since each of the three uses one processor and others may
be at work on it; that all three give the same waits is shown beside them and tested on its own.
Where others were at work, seconds of its processors stand for seconds passed, and both are shown.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import ciw
import numpy as np
import simpy

from bench.report import Row, took
from bench.stage import Stage
from tallystick.whatif import calibrate, ensemble, posterior, run, scenario, tandem, windows
from tallystick.whatif.tandem import PIPELINE, PIPELINE_RATE

PERSONS = 1_000_000
PEER_PERSONS = 20_000
RUNS, MONTHS = 10_000, 120
DRAWS = 1_000_000
DRAWS_MEASURED = 100_000


def measure(stage: Stage, options: argparse.Namespace) -> list[Row]:
    """Measure each; compiled kernels are warmed first, and the compiler is not measured."""
    tandem.walk(1, 100, PIPELINE_RATE, PIPELINE)
    calibrate.fit(windows.NOW, 1, 1_000, 20)
    return [*_persons(options.runs), *_ensemble(options.runs), *_draws()]


def _persons(runs: int) -> list[Row]:
    passed, ours, mine = _timed(
        runs, lambda seed: tandem.walk(seed, PERSONS, PIPELINE_RATE, PIPELINE)
    )
    own = [float(np.mean([r[at].waits.mean() for r in mine])) for at in range(len(PIPELINE))]
    _, ciw_s, ciw_waits = _timed(runs, _ciw)
    _, simpy_s, simpy_waits = _timed(runs, _simpy)
    rate = PERSONS / ours
    said = ", ".join(f"{w:.3f}" for w in own)
    told, busy = took(passed, ours)
    rows = [
        Row("exact queue, a million persons", told, "1 s",
            f"{rate:,.0f} persons/s of one processor; mean waits {said}{busy}"),
    ]  # fmt: skip
    for name, seconds, waits, aim in (
        ("Ciw", ciw_s, ciw_waits, "400 times"),
        ("SimPy", simpy_s, simpy_waits, "100 times"),
    ):
        theirs = ", ".join(f"{statistics.mean(w[at] for w in waits):.3f}" for at in range(3))
        rows.append(
            Row(f"against {name}, the same network", f"{rate * seconds / PEER_PERSONS:,.0f} times",
                aim, f"{name}: {PEER_PERSONS / seconds:,.0f} persons/s; mean waits {theirs}"),
        )  # fmt: skip
    return rows


def _timed(runs: int, do: Callable[[int], Any]) -> tuple[float, float, list[Any]]:
    """Return seconds passed, seconds of processors (medians), and what was found."""
    passed, used, found = [], [], []
    for seed in range(runs):
        begun, spent = time.perf_counter(), time.process_time()
        found.append(do(seed))
        passed.append(time.perf_counter() - begun)
        used.append(time.process_time() - spent)
    return statistics.median(passed), statistics.median(used), found


def _ciw(seed: int) -> list[float]:
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(PIPELINE_RATE), None, None],
        service_distributions=[ciw.dists.Exponential(1 / one.mean) for one in PIPELINE],
        number_of_servers=[one.servers for one in PIPELINE],
        routing=[[0.0, 0.6, 0.0], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]],
    )
    ciw.seed(seed)
    simulation = ciw.simulation.Simulation(network)
    simulation.simulate_until_max_customers(PEER_PERSONS, method="Finish")
    records = simulation.get_all_records()
    return [
        statistics.mean(one.waiting_time for one in records if one.node == at)
        for at in range(1, len(PIPELINE) + 1)
    ]


def _simpy(seed: int) -> list[float]:
    chance = np.random.default_rng(seed)
    world = simpy.Environment()
    desks = [simpy.Resource(world, one.servers) for one in PIPELINE]
    waits: list[list[float]] = [[] for _ in PIPELINE]

    def person() -> Any:
        for desk, one, mine in zip(desks, PIPELINE, waits, strict=True):
            asked = world.now
            with desk.request() as turn:
                yield turn
                mine.append(world.now - asked)
                yield world.timeout(chance.exponential(one.mean))
            if chance.random() >= one.goes_on:
                return

    def door() -> Any:
        for _ in range(PEER_PERSONS):
            yield world.timeout(chance.exponential(1 / PIPELINE_RATE))
            world.process(person())

    world.process(door())
    world.run()
    return [statistics.mean(mine) for mine in waits]


def _ensemble(runs: int) -> list[Row]:
    asked = scenario.named("seed").having(months=MONTHS, runs=RUNS)
    given, here = posterior.load(), run.world_of(asked)
    rows = run.records(asked, given)
    seconds, used, _ = _timed(runs, lambda seed: ensemble.simulate(seed, rows, here))
    cells = RUNS * MONTHS * len(here.names)
    page = asked.having(months=36, runs=400)
    answered, spent, _ = _timed(runs, lambda seed: run.simulate(page.having(seed=seed)))
    threads = ensemble.workers_here()
    told, busy = took(seconds, used, threads)
    page_told, page_busy = took(answered, spent, threads)
    return [
        Row("the whole model, 10,000 runs", told, "5 s",
            f"25 nationalities, 120 months; {used:.1f} s of {threads} processors, "
            f"{used / cells * 1e9:.0f} ns a cell, median of {runs}{busy}"),
        Row("the page's answer, simulated", page_told, "1 s",
            f"400 runs of 36 months, with and without a hub{page_busy}"),
    ]  # fmt: skip


def _draws() -> list[Row]:
    seconds, used, _ = _timed(1, lambda seed: calibrate.fit(windows.NOW, seed, DRAWS_MEASURED))
    times, threads = DRAWS // DRAWS_MEASURED, ensemble.workers_here()
    told, busy = took(seconds * times, used * times, threads)
    return [
        Row("calibration, a million draws", told, "240 s",
            f"{DRAWS_MEASURED:,} measured, times {times}, on {threads} processors{busy}"),
    ]  # fmt: skip
