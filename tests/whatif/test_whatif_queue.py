"""The exact queue says what general simulators say: the same waits from the same times."""

from __future__ import annotations

import math
from typing import Any

import ciw
import numpy as np
import pytest
import simpy

from tallystick.whatif import queue, tandem
from tallystick.whatif.errors import BadScenario

PERSONS = 3_000
SERVERS, MEAN, RATE = 12, 1.0, 11.0
SEED = 21


def ours(seed: int, persons: int, servers: int = SERVERS, goes_on: float = 0.0) -> Any:
    times = np.empty(persons)
    queue.arrivals(seed, RATE, times)
    wait, leave = np.zeros(persons), np.zeros(persons)
    onward = np.empty(persons, np.int64)
    count = queue.serve(
        seed, 0, servers, MEAN, goes_on, np.arange(persons), times, wait, leave, onward
    )
    return times, wait, leave, onward[:count]


def test_simpy_gives_every_person_the_same_wait() -> None:
    times, wait, _, _ = ours(SEED, PERSONS)
    world = simpy.Environment()
    desk = simpy.Resource(world, SERVERS)
    waits = np.zeros(PERSONS)

    def person(number: int) -> Any:
        yield world.timeout(times[number])
        with desk.request() as turn:
            yield turn
            waits[number] = world.now - times[number]
            yield world.timeout(queue.service(SEED, number, 0, MEAN))

    for number in range(PERSONS):
        world.process(person(number))
    world.run()
    assert waits.max() > 0.5 and np.allclose(waits, wait, atol=1e-9)


def test_ciw_agrees_within_chance() -> None:
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=RATE)],
        service_distributions=[ciw.dists.Exponential(rate=1 / MEAN)],
        number_of_servers=[SERVERS],
    )
    theirs, mine = [], []
    for seed in range(4):
        ciw.seed(seed)
        simulation = ciw.Simulation(network)
        simulation.simulate_until_max_customers(PERSONS, method="Finish")
        theirs.append(np.mean([one.waiting_time for one in simulation.get_all_records()]))
        mine.append(ours(seed, PERSONS)[1].mean())
    error = math.hypot(np.std(theirs, ddof=1), np.std(mine, ddof=1)) / 2
    assert abs(np.mean(theirs) - np.mean(mine)) < 4 * error + 0.02
    assert 0.1 < np.mean(mine) < 3


def erlang_wait(servers: int, rate: float, mean: float) -> float:
    """The mean wait of an M/M/c queue (Erlang C)."""
    load = rate * mean
    blocked = 1.0
    for n in range(1, servers + 1):
        blocked = load * blocked / (n + load * blocked)
    waits = blocked / (1 - load / servers * (1 - blocked))
    return waits * mean / (servers - load)


def test_the_mean_wait_is_erlangs() -> None:
    found = np.mean([ours(seed, 200_000)[1].mean() for seed in range(4)])
    assert found == pytest.approx(erlang_wait(SERVERS, RATE, MEAN), rel=0.06)


def test_first_come_is_first_served_and_nobody_is_lost() -> None:
    times, wait, leave, onward = ours(SEED, PERSONS, goes_on=0.4)
    begins = times + wait
    assert (np.diff(begins) >= -1e-12).all() and (leave > begins).all() and wait.min() >= 0
    assert len(set(onward.tolist())) == len(onward)
    assert abs(len(onward) / PERSONS - 0.4) < 0.05
    busy = [((begins <= t) & (leave > t)).sum() for t in np.linspace(10, 200, 50)]
    assert max(busy) <= SERVERS


def test_published_waits_lag_behind_what_a_new_arrival_meets() -> None:
    """In a growing queue, those served now had waited less than those who come now will."""
    times, wait, leave, _ = ours(SEED, 20_000, servers=6)
    now = times[10_000]
    served = (leave > now - 50) & (leave <= now)
    coming = slice(10_000, 10_100)
    assert wait[coming].mean() > 1.5 * wait[served].mean()


def test_stages_follow_one_another_and_keep_everybody() -> None:
    first, second, third = tandem.walk(SEED, 20_000, tandem.PIPELINE_RATE, tandem.PIPELINE)
    assert len(first.persons) == 20_000
    assert abs(len(second.persons) / 20_000 - 0.6) < 0.02
    assert abs(len(third.persons) / len(second.persons) - 0.5) < 0.02
    assert set(third.persons) <= set(second.persons) <= set(first.persons)
    left = dict(zip(first.persons.tolist(), first.left.tolist(), strict=True))
    came = [left[person] for person in second.persons.tolist()]
    assert came == sorted(came), "in the order in which they were served"


@pytest.mark.parametrize(("persons", "servers"), [(0, 5), (10, 0), (10, 10**6)])
def test_what_cannot_be_walked_is_refused(persons: int, servers: int) -> None:
    with pytest.raises(BadScenario):
        tandem.walk(SEED, persons, 1.0, [tandem.Stage("one", servers, 1.0, 0.0)])
