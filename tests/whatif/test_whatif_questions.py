"""Each answer changes when what drives it is taken away, and says what it supposes."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from tallystick.whatif import answers, claims, drivers, questions, run, scenario
from tallystick.whatif.answers import Answers
from tallystick.whatif.errors import BadScenario
from tallystick.whatif.run import Pair
from tallystick.whatif.scenario import Costs, Scenario


@pytest.fixture(scope="module")
def tiny(seed_scenario: Scenario) -> Scenario:
    return seed_scenario.having(runs=100, months=24)


def test_the_seed_is_answered_on_every_question(found: Answers) -> None:
    told = json.loads(json.dumps(answers.as_json(found)))
    assert [one["id"] for one in told["questions"]] == ["channel", "gates"]
    assert told["law_now"] == 0 and told["claim"] and len(told["cards"]) == 9
    assert (
        told["not_known"] and "A person's night in dispersed housing" in told["unverified_figures"]
    )
    assert 0.01 < told["headline"]["could"]["middle"] < 0.3
    low, high = told["headline"]["could"]["low80"], told["headline"]["could"]["high80"]
    assert low < told["headline"]["could"]["middle"] < high


def test_every_answer_says_which_effect_on_arrivals_it_supposes(tiny: Scenario) -> None:
    for effect, word in ((0.0, "none"), (0.3, "30%")):
        one = questions.channel(tiny.having(deterrence=effect))
        assert word in one.deterrence and "Nobody has measured it" in one.deterrence


def test_without_gates_that_pass_nobody_could_be_sent(tiny: Scenario) -> None:
    some, none = questions.channel(tiny), questions.channel(tiny.having(gates="as it stands"))
    assert some.rows[1].interval.low95 > 0.01
    assert none.rows[1].interval.high95 == none.rows[3].interval.high95 == 0
    assert none.rows[0].interval.middle == pytest.approx(some.rows[0].interval.middle)


def test_if_nobody_supported_is_sent_hardly_a_night_is_saved(tiny: Scenario) -> None:
    saved = run.nights(run.simulate(tiny), 12, 12)
    free = run.nights(run.simulate(tiny, {"exhausted_supported": (0.0, 0.0)}), 12, 12)
    assert np.median(saved) > 5_000 and abs(np.median(free)) < 0.1 * np.median(saved)
    none = run.nights(run.simulate(tiny.having(hub_places=0.0)), 12, 12)
    assert not none.any()


def test_an_effect_is_needed_only_where_there_is_a_cost(tiny: Scenario) -> None:
    free = dataclasses.replace(tiny, pounds=Costs(0, 0, 0))
    dear = dataclasses.replace(tiny, pounds=Costs(400_000, 20_000, 0))
    cheap, costly = questions.break_even(free), questions.break_even(dear)
    assert cheap.rows[0].interval.middle < 0.02 and cheap.rows[0].none < 0.2
    assert costly.rows[0].none > cheap.rows[0].none
    assert "none is supposed" in cheap.deterrence


def test_where_a_gain_crosses_nought() -> None:
    effects = (0.0, 0.1, 0.2)
    gains = np.array([[-10.0, 5.0, -10.0, -1.0], [-5.0, 6.0, -9.0, 1.0], [5.0, 7.0, -8.0, 3.0]])
    found = questions.crossing(effects, gains)
    assert found[:2] == pytest.approx([0.15, 0.0]) and np.isnan(found[2])
    assert found[3] == pytest.approx(0.05)


def test_quicker_appeals_change_nothing_if_they_are_not_quicker(tiny: Scenario) -> None:
    def same(base: Scenario, weeks: float) -> questions.Answer:
        return questions.compared(
            "x", "x", base.having(appeal_weeks=54.0), base.having(appeal_weeks=weeks),
            ("a", "b"), lambda pair: pair.hub.series("hotels").sum(1), "nights",
        )  # fmt: skip

    assert same(tiny, 54.0).rows[2].interval.middle == 0
    assert same(tiny, 20.0).rows[2].interval.middle < 0


def test_grant_rates_of_another_year_change_who_is_refused(tiny: Scenario) -> None:
    base, other = run.simulate(tiny), run.simulate(tiny.having(grant_rates=2022))
    fewer = other.hub.series("refused").sum(1) - base.hub.series("refused").sum(1)
    assert (fewer < 0).mean() > 0.95


def test_the_gates_alone_set_the_flow_when_places_do_not(tiny: Scenario) -> None:
    rows = questions.gates_alone(tiny).rows
    middles = [row.interval.middle for row in rows[:-1]]
    assert middles[0] == 0 and middles == sorted(middles) and middles[-1] > 5_000


def test_an_unknown_held_still_drives_nothing(tiny: Scenario) -> None:
    pair = run.simulate(tiny.having(runs=300))
    could = answers.could_of(pair)
    strongest = drivers.of(pair.runs, could)[0]
    held = run.simulate(tiny.having(runs=300), {strongest.name: (strongest.low_at,) * 2})
    then = answers.could_of(held)
    assert strongest.name not in drivers.varied(held.runs)
    assert then.std() < could.std() and strongest.share > 0.1


def test_what_drives_an_answer_is_found(tiny: Scenario) -> None:
    runs = run.simulate(tiny.having(runs=400, months=12)).runs
    made = 3 * runs["late_share"] + 0.2 * runs["stay_months"] / 10 + 0.001
    first = drivers.of(runs, made)[0]
    assert first.name == "late_share" and first.share > 0.7 and first.at_high > first.at_low
    assert drivers.of(runs, np.ones(len(runs)))[0].share == 0


def test_flows_keep_everybody(found: Answers) -> None:
    by = {(one.old, one.new): one.people for one in found.flows}
    assert sum(v for (old, _), v in by.items() if old == "arrived") == pytest.approx(1_000, abs=1)
    for place in ("refused", "appealed", "exhausted", "cleared"):
        come = sum(v for (_, new), v in by.items() if new == place)
        gone = sum(v for (old, _), v in by.items() if old == place)
        assert gone == pytest.approx(come, rel=0.15), place


def test_a_difference_is_the_schemes_alone(pair: Pair) -> None:
    opens = int(pair.runs["hub_opens_month"][0])
    assert not pair.change("hotels")[:, :opens].any()
    assert pair.change("in_hub")[:, opens:].any() and not pair.change("claims").any()


def test_money_is_whole_pence(pair: Pair) -> None:
    for values in (run.spent(pair), run.support_saved(pair), run.nights(pair, 12, 12)):
        assert values.dtype == np.int64
    places = 1_200 * 110_000 * 100 * 24 // 12
    assert run.spent(pair).min() >= places


def test_figures_that_nobody_verified_are_used_only_when_switched_on(tiny: Scenario) -> None:
    wide = tiny.having(runs=60, deterrence=0.5)
    plain, doubtful = run.simulate(wide), run.simulate(wide.having(unverified=True))
    assert np.array_equal(run.spent(plain), run.spent(doubtful))
    moved = run.support_saved(doubtful) - run.support_saved(plain)
    assert (moved % (2_325 - 1_441) == 0).all() and (moved > 0).any()


def test_an_own_range_replaces_what_is_assumed(tiny: Scenario) -> None:
    own = run.simulate(tiny.having(ranges={"late_share": (0.6, 0.6)}))
    assert np.ptp(own.runs["late_share"]) == 0
    assert own.hub.series("sent").sum() < run.simulate(tiny).hub.series("sent").sum()


def test_the_two_clocks_differ() -> None:
    assert 1.2 < claims.people_per_main() < 1.35


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"months": 2}, "months: 2 is not 12 to 360"),
        ({"runs": 10}, "runs: 10 is not 50 to 100000"),
        ({"grant_rates": 1999}, "grant_rates: 1999"),
        ({"gates": "open"}, "gates: 'open' is no share"),
        ({"appeal_weeks": 1.0}, "appeal_weeks: 1 is not 8 to 260"),
        ({"hub_places": -5.0}, "hub_places: -5 is not 0 to 10000 places"),
        ({"deterrence": 0.9}, "deterrence: 0.9 is not 0 to 0.5 share"),
        ({"appeal_share": 0.8}, "'appeal_share' cannot be chosen"),
        ({"gate_share": 0.8}, "'gate_share' cannot be chosen"),
        ({"ranges": {"late_share": (0.5, 0.2)}}, "late_share: 0.5 to 0.2 is no range"),
        ({"ranges": {"hub_places": (1.0, 2.0)}}, "'hub_places' is not assumed"),
        ({"ranges": {"late_share": (0.5, 3.0)}}, "late_share: 3 is not 0.1 to 0.7"),
        ({"title": "x" * 121}, "title: more than 120"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(BadScenario, match=says):
        Scenario().having(**change)


def test_files_that_are_no_scenario_are_refused() -> None:
    with pytest.raises(BadScenario, match="seed are known"):
        scenario.named("nowhere")
    with pytest.raises(BadScenario, match="unknown: places"):
        scenario.read({"places": 3})
    with pytest.raises(BadScenario, match=r"pounds.setup"):
        scenario.read({"pounds": {"setup": -1}})
    with pytest.raises(BadScenario, match="no question 'x'"):
        questions.ask(["x"], Scenario())
