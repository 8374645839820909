"""The rulebook is called, not copied: what it says of one person, the simulator says of many."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from tallystick.hubs import gates as hub_gates
from tallystick.hubs import law as hub_law
from tallystick.hubs import sample
from tallystick.hubs.gates import Columns, Fact
from tallystick.whatif import gates

DAY = gates.DAY


def test_as_the_law_stands_nobody_passes_and_it_is_said_why() -> None:
    now = gates.passing(False)
    assert now.shares.max() == 0
    assert {"UK-18", "AG-01"} <= {name for name, share in now.stops.items() if share == 1}


def test_if_all_were_in_order_what_is_left_differs_between_persons() -> None:
    met = gates.passing(True)
    low, high = met.range
    assert 0.02 < low < met.middle < high < 0.7
    assert max(met.stops.values()) < 0.5, "no gate stops everybody"


def test_one_person_at_a_time_is_told_the_same() -> None:
    """Each synthetic person asked alone, through the door that a real case goes through."""
    law = gates.in_order(hub_law.load(gates.SENDER), DAY)
    columns = Columns.of(law, DAY, DAY)
    chance = np.random.default_rng(4)
    facts = gates.facts_of(columns, law, DAY, chance, [one.high for one in gates.persons()])
    many = columns.permits(facts, DAY.toordinal())
    usual = sample.values(law, DAY)
    own = {one.fact: one.value for one in gates.persons()}
    books = {of: sample.facts(law, DAY, of) for of in ("agreement", "country")}
    asked = 0
    for person in range(40):
        mine = {
            name: Fact(value, "sample", DAY, DAY)
            for name, value in usual.items()
            if law.facts[name].of == "person"
        }
        for name, value in own.items():
            if name in usual:
                has = facts[name][person] == columns.code(name, value)
                mine[name] = Fact(value if has else not value, "sample", DAY, DAY)
        answers = hub_gates.ask(law, mine, books["agreement"], books["country"], DAY, DAY)
        assert hub_gates.permits(answers) == bool(many[person]), person
        asked += bool(many[person])
    assert 0 < asked < 40


@pytest.mark.parametrize("gate", ["UK-12", "UK-13", "UK-11", "UK-21"])
def test_a_gate_left_out_lets_more_pass(gate: str) -> None:
    met, without = gates.passing(True), gates.passing(True, without=gate)
    assert without.middle > met.middle
    assert met.alone[gate] == pytest.approx(without.shares.mean() - met.shares.mean(), abs=1e-9)


def test_on_a_day_on_which_gates_were_not_known_nobody_passes() -> None:
    earlier = gates.passing(True, dt.date(2025, 6, 1))
    assert earlier.shares.max() == 0 and earlier.stops["UK-18"] == 1
