"""Nobody is lost, nobody moves where no move leads, and chance depends on its place alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from conftest_whatif import MONTHS, hub_runs, plain_runs

from tallystick.whatif import chance, ensemble, layout
from tallystick.whatif.compiled import compiled
from tallystick.whatif.errors import BadScenario
from tallystick.whatif.layout import MOVES
from tallystick.whatif.model import NEXT, Place
from tallystick.whatif.world import World

SEED = 11


def at_start(small: World, runs: Any) -> Any:
    """Where everybody is before the first month, by run and place, read off a run of no claims."""
    result = ensemble.simulate(SEED, runs, small, months=1)
    moved = np.zeros((len(runs), len(Place)))
    for move, (old, new) in enumerate(MOVES):
        moved[:, old] -= result.moves[:, move]
        moved[:, new] += result.moves[:, move]
    moved[:, Place.WAITING] += result.series("claims")[:, 0]
    return result.ends.sum(2) - moved


@pytest.mark.parametrize("months", [1, 2, 7, MONTHS])
def test_every_person_is_in_exactly_one_place_at_every_step(small: World, months: int) -> None:
    runs = hub_runs(20)
    begun = at_start(small, runs).sum(1)
    result = ensemble.simulate(SEED, runs, small, months=months)
    there = result.ends.sum((1, 2))
    assert np.array_equal(there, begun + result.series("claims").sum(1))
    assert result.ends.min() >= 0 and begun.min() > 100_000


def test_each_place_changes_by_the_moves_that_were_counted(small: World) -> None:
    runs = hub_runs(20)
    result = ensemble.simulate(SEED, runs, small)
    expected = at_start(small, runs)
    expected[:, Place.WAITING] += result.series("claims").sum(1)
    for move, (old, new) in enumerate(MOVES):
        assert new in NEXT[old]
        expected[:, old] -= result.moves[:, move]
        expected[:, new] += result.moves[:, move]
    assert np.array_equal(expected, result.ends.sum(2))
    assert (result.moves.sum(0) > 0).all(), "a way that nobody ever takes tests nothing"


def test_marked_arrivals_are_whole_too(small: World) -> None:
    result = ensemble.simulate(SEED, hub_runs(10), small)
    arrived = result.marked[:, -1].sum(1)
    assert np.allclose(arrived, result.series("claims").sum(1))
    out = np.zeros(10)
    for move, (old, new) in enumerate(MOVES):
        out += result.marked[:, move].sum(1) * (
            (old == Place.WAITING) - 1.0 * (new == Place.WAITING)
        )
    assert (out <= arrived + 1).all() and (out > 0).all()


@pytest.mark.parametrize("workers", [2, 3])
def test_the_same_seed_gives_the_same_for_any_number_of_workers(small: World, workers: int) -> None:
    runs = hub_runs(30, grant_walk=0.4, claims_walk=0.3)
    alone = ensemble.simulate(SEED, runs, small, workers=1)
    spread = ensemble.simulate(SEED, runs, small, workers=workers)
    for name in ("months", "moves", "marked", "ends"):
        assert np.array_equal(getattr(alone, name), getattr(spread, name)), name


def test_any_run_can_be_worked_out_alone(small: World) -> None:
    runs = hub_runs(30, grant_walk=0.4)
    whole = ensemble.simulate(SEED, runs, small)
    one = ensemble.simulate(SEED, runs[17:18], small, first=17)
    assert np.array_equal(whole.months[17], one.months[0])
    assert not np.array_equal(whole.months[17], whole.months[16])
    other = ensemble.simulate(SEED + 1, runs[17:18], small, first=17)
    assert not np.array_equal(other.months[0], one.months[0])


def test_a_shorter_run_is_the_beginning_of_a_longer_one(small: World) -> None:
    runs = hub_runs(10)
    whole = ensemble.simulate(SEED, runs, small)
    part = ensemble.simulate(SEED, runs, small, months=12)
    assert np.array_equal(part.months, whole.months[:, :12])


def test_a_hub_never_holds_more_than_its_places_nor_takes_more_than_it_can(small: World) -> None:
    tight = {"hub_places": 333.0, "hub_intake_month": 60.0, "stay_months": 18.0}
    result = ensemble.simulate(SEED, hub_runs(30, **tight, late_share=0.1), small)
    assert 300 < result.series("in_hub").max() <= 333
    assert 50 < result.series("sent").max() <= 60
    assert result.series("sent").sum() > 1_000
    assert result.series("sent")[:, :6].sum() == 0, "before it opens"


def test_without_places_nobody_is_sent_and_the_rest_is_as_before_it_opens(small: World) -> None:
    none = ensemble.simulate(SEED, hub_runs(20, hub_places=0.0), small)
    some = ensemble.simulate(SEED, hub_runs(20), small)
    assert none.series("sent").sum() == none.series("in_hub").sum() == 0
    for name in layout.SERIES:
        assert np.array_equal(none.series(name)[:, :6], some.series(name)[:, :6]), name
    assert np.array_equal(none.series("claims"), some.series("claims")), "no effect was supposed"


def test_if_the_gates_let_nobody_pass_nobody_is_sent(small: World) -> None:
    result = ensemble.simulate(SEED, hub_runs(20, gate_share=0.0, reask_month=0.05), small)
    assert result.series("sent").sum() == 0
    assert result.ends[:, [Place.CLEARED, Place.READY, Place.HUB, Place.ONWARD]].sum() == 0


@pytest.mark.parametrize(
    ("name", "less", "more", "counted", "sign"),
    [
        ("hub_places", 200.0, 2_000.0, "sent", 1),
        ("gate_share", 0.02, 0.6, "sent", 1),
        ("papers_months", 2.0, 36.0, "sent", -1),
        ("late_share", 0.1, 0.7, "sent", -1),
        ("deterrence", 0.0, 0.4, "claims", -1),
        ("encouragement", 0.0, 1.0, "left", 1),
        ("appeal_share", 0.6, 1.0, "appeals_lodged", 1),
        ("grant_shift", -0.5, 0.5, "granted", 1),
        ("hear_month", 2_500.0, 3_000.0, "appeals_disposed", 1),
        ("supported_share", 0.45, 0.8, "hotels", 1),
    ],
)
def test_what_must_rise_rises(
    small: World, name: str, less: float, more: float, counted: str, sign: int
) -> None:
    wide = {"hub_places": 10_000.0, "hub_intake_month": 5_000.0} if name != "hub_places" else {}
    low = ensemble.simulate(SEED, hub_runs(15, **(wide | {name: less})), small)
    high = ensemble.simulate(SEED, hub_runs(15, **(wide | {name: more})), small)
    change = high.series(counted).sum(1) - low.series(counted).sum(1)
    assert (sign * change > 0).all()


def test_shorter_appeals_shorten_the_queue(small: World) -> None:
    given = small.given.copy()
    given[3] = 4.348 / 20
    quick = World(*[getattr(small, name) for name in small.__slots__[:-1]], given)
    slow = ensemble.simulate(SEED, plain_runs(10), small)
    fast = ensemble.simulate(SEED, plain_runs(10), quick)
    assert (fast.series("appeals_open")[:, -1] < slow.series("appeals_open")[:, -1] / 2).all()


@compiled
def _moments(n: float, p: float, draws: int) -> tuple[float, float, float]:
    total = square = 0.0
    most = 0.0
    for draw in range(draws):
        found = chance.count(n, p, chance.key(3, draw, 5, 7), 11)
        total += found
        square += found * found
        most = max(most, found)
    mean = total / draws
    return mean, square / draws - mean * mean, most


def test_counts_have_the_mean_and_nearly_the_variance_of_the_binomial_law() -> None:
    for n, p in ((1.0, 0.3), (3.0, 0.5), (10.0, 0.3), (20.0, 0.9), (100.0, 0.02), (10_000.0, 0.4)):
        mean, variance, most = _moments(n, p, 40_000)
        law = n * p * (1 - p)
        assert abs(mean - n * p) < 4 * np.sqrt(law / 40_000) + 0.002 * n * p, (n, p)
        assert most <= n
        if n > chance.FEW:
            assert abs(variance / law - 1) < 0.08, (n, p)


def test_what_is_too_large_is_refused_before_it_is_tried(small: World) -> None:
    with pytest.raises(BadScenario, match="too many"):
        ensemble.simulate(SEED, hub_runs(1), small, months=100_000)
    with pytest.raises(BadScenario, match="do not fit"):
        ensemble.empty(1_900_000, 360, 25)
