"""The posterior in the package is what calibration makes, and it is closer than guessing."""

from __future__ import annotations

import numpy as np
import pytest

from tallystick.whatif import calibrate, ensemble, posterior, validate, windows
from tallystick.whatif.calibrate import Fit
from tallystick.whatif.errors import BadScenario
from tallystick.whatif.parameters import BY_NAME, CALIBRATED
from tallystick.whatif.posterior import Posterior

DRAWS, KEPT = 12_000, 60


@pytest.fixture(scope="module")
def tiny() -> Fit:
    return calibrate.fit(windows.NOW, 4, DRAWS, KEPT)


@pytest.fixture(scope="module")
def now() -> Posterior:
    return posterior.load("now")


def test_the_same_seed_gives_the_same_posterior_however_it_is_run() -> None:
    one = calibrate.fit(windows.CHECK, 4, 2_000, 20, workers=1)
    two = calibrate.fit(windows.CHECK, 4, 2_000, 20, workers=2)
    other = calibrate.fit(windows.CHECK, 5, 2_000, 20)
    assert np.array_equal(one.distance, two.distance)
    assert all(np.array_equal(one.adjusted[name], two.adjusted[name]) for name in CALIBRATED)
    assert not np.array_equal(one.distance, other.distance)


@pytest.mark.parametrize("name", CALIBRATED)
def test_a_tiny_calibration_agrees_with_the_file(tiny: Fit, now: Posterior, name: str) -> None:
    low, high = np.quantile(now.draws[name], (0.01, 0.99))
    assert low <= np.median(tiny.adjusted[name]) <= high


@pytest.mark.parametrize("window", ["now", "check"])
def test_every_draw_of_the_file_is_within_its_range(window: str) -> None:
    found = posterior.load(window)
    assert len(found) == calibrate.STORED and found.made["window"] == window
    for name in CALIBRATED:
        one = BY_NAME[name]
        assert one.low <= found.draws[name].min() <= found.draws[name].max() <= one.high
    assert min(found.draws[name].min() for name in posterior.ENDS) > 0


def test_the_posterior_is_closer_to_what_was_published_than_guessing(now: Posterior) -> None:
    window = windows.NOW
    past, seen = window.world(), windows.observed(window)
    guessed = calibrate.records(window, np.random.default_rng(1).random((300, _width())))
    fitted = validate.rows_of(now, 1, 300, window.stocks)
    fitted["grant_walk"] = fitted["allow_walk"] = 0.0
    far = []
    for runs in (guessed, fitted):
        result = ensemble.simulate(1, runs, past)
        far.append(windows.distance(windows.summary(windows.simulated(window, result, runs), seen)))
    assert np.median(far[1]) < 0.75 * np.median(far[0])


def _width() -> int:
    from tallystick.whatif.parameters import ASSUMED

    return len(CALIBRATED) + len(ASSUMED)


def test_what_the_figures_say_nothing_about_stays_as_wide_as_it_was(tiny: Fit) -> None:
    left = calibrate.narrowed(tiny)
    assert left["withdraw_ratio"] < 0.7, "closed claims are published"
    assert left["appeal_withdrawn"] > 0.7, "and who withdraws an appeal is not compared"


def test_the_fit_meets_most_of_what_was_published(now: Posterior) -> None:
    found = {one.name: one for one in validate.checks(now, 400)}
    assert found["waiting"].within80 > 0.6 and found["appeals_open"].within80 > 0.5
    assert np.mean([one.within80 for one in found.values()]) > 0.6


def test_the_forecast_was_scored_and_its_misses_are_published() -> None:
    scores = {one.name: one for one in validate.forecast(posterior.load("check"), 400)}
    assert scores["appeals_open"].better and scores["grants"].better
    assert not scores["refusals"].better, "the fall in grant rates was not foreseen, and is said"
    report = (
        posterior.FOLDER.parents[3] / "docs/concepts/whatif-calibration/README.md"
    ).read_text()
    assert "| Refused at first decision |" in report and "**no**" in report
    assert "Refused at first decision, 2025Q1: published 18,759, above" in report


def test_the_score_is_the_known_one() -> None:
    assert validate.crps(np.array([3.0]), 5.0) == pytest.approx(2.0)
    wide = np.random.default_rng(3).standard_normal(20_000)
    assert validate.crps(wide, 0.0) == pytest.approx(2 * 0.39894 - 0.56419, abs=0.01)


def test_the_adjustment_moves_draws_towards_what_made_the_figures() -> None:
    """A world of one line: each statistic is how far a parameter's log odds are from the truth."""
    chance = np.random.default_rng(6)
    width = len(CALIBRATED)
    truth = chance.uniform(0.3, 0.7, width)
    unit = np.clip(truth + chance.uniform(-0.15, 0.25, (800, width)), 0.01, 0.99)
    odds = np.log(unit / (1 - unit))
    summary = odds - np.log(truth / (1 - truth)) + 0.02 * chance.standard_normal(unit.shape)
    far = np.sqrt((summary**2).sum(1))
    order = np.argsort(far)
    moved = calibrate.adjust(unit[order], far[order], summary[order], np.zeros_like(summary))
    closest = unit[order][: len(order) // 10]
    for at, name in enumerate(CALIBRATED):
        one = BY_NAME[name]
        aim = one.low + np.median(closest[:, at]) * (one.high - one.low)
        assert abs(np.median(moved[name]) - aim) < 0.05 * (one.high - one.low), name
        before = unit[:, at].std() * (one.high - one.low)
        assert moved[name].std() < 0.3 * before, name


def test_too_few_draws_are_refused() -> None:
    with pytest.raises(BadScenario, match="cannot be"):
        calibrate.fit(windows.NOW, 1, 50, 10)
