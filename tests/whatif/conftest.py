"""One scenario run once for all tests that only look, and worlds small enough to run often."""

from __future__ import annotations

import fcntl

import pytest
from conftest_whatif import MONTHS, RUNS, hub_runs

from tallystick.whatif import answers, compiled, ensemble, posterior, run, scenario, world
from tallystick.whatif.answers import Answers
from tallystick.whatif.run import Pair
from tallystick.whatif.scenario import Scenario


@pytest.fixture(scope="session", autouse=True)
def kernels(small: world.World) -> None:
    """Compile once where several test processes begin together: the others wait, and read it."""
    folder = compiled.cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ensemble.simulate(1, hub_runs(1), small, months=1, workers=1)


@pytest.fixture(scope="session")
def small() -> world.World:
    return world.future(MONTHS)


@pytest.fixture(scope="session")
def seed_scenario() -> Scenario:
    return scenario.named("seed").having(runs=RUNS, months=MONTHS)


@pytest.fixture(scope="session")
def pair(seed_scenario: Scenario) -> Pair:
    return run.simulate(seed_scenario)


@pytest.fixture(scope="session")
def found(seed_scenario: Scenario) -> Answers:
    return answers.answer(seed_scenario, ("channel", "gates"), given=posterior.load())
