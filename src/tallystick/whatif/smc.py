"""The same calibration by a kept library: sequential Monte Carlo of pyABC, as a check on ours.

Toni and others (J. R. Soc. Interface 6, 2009). It uses the same runs, figures and distance, no
regression, and is slower for each draw; the two posteriors are shown side by side in the report.
It moves the calibrated parameters only; the assumed ones are drawn anew in each run.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Final

import numpy as np

from tallystick.core.clock import borrowed_chance, numbers
from tallystick.whatif import calibrate, ensemble, windows
from tallystick.whatif.errors import WhatIfError
from tallystick.whatif.parameters import ASSUMED, CALIBRATED, drawn
from tallystick.whatif.windows import Window

PARTICLES: Final = 200
GENERATIONS: Final = 6


class NoLibrary(WhatIfError):
    """pyABC is not installed: it is a development tool, not needed to run what-if."""

    code = 9005


def fit(
    window: Window, seed: int, particles: int = PARTICLES, generations: int = GENERATIONS
) -> dict[str, Any]:
    """Return weighted draws of the calibrated parameters, with ``weight``, in their own units."""
    try:
        import pyabc as library
    except ImportError as error:
        raise NoLibrary("pip install pyabc") from error
    pyabc: Any = library
    names = CALIBRATED
    chance = numbers(seed, 9)
    past, seen = window.world(), windows.observed(window)
    tries = iter(range(1 << 40))

    def model(given: Any) -> dict[str, Any]:
        unit = np.array([[*(given[name] for name in names), *chance.random(len(ASSUMED))]])
        runs = calibrate.records(window, unit)
        result = ensemble.simulate(seed, runs, past, workers=1, first=next(tries))
        summary = windows.summary(windows.simulated(window, result, runs), seen)
        return {"far": float(windows.distance(summary)[0])}

    def far(one: Any, other: Any) -> float:
        return float(one["far"])

    prior = pyabc.Distribution(**{name: pyabc.RV("uniform", 0, 1) for name in names})
    sampler = pyabc.sampler.SingleCoreSampler()
    runner = pyabc.ABCSMC(model, prior, far, population_size=particles, sampler=sampler)
    with tempfile.TemporaryDirectory() as folder, borrowed_chance(seed):
        runner.new(f"sqlite:///{Path(folder) / 'abc.db'}", {"far": 0.0})
        history = runner.run(max_nr_populations=generations)
        frame, weight = history.get_distribution()
    values = drawn(np.clip(frame[list(names)].to_numpy(), 0, 1), CALIBRATED)
    found = {name: values[:, at] for at, name in enumerate(CALIBRATED)}
    return found | {"weight": np.asarray(weight)}
