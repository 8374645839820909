"""Gates with everything settled, and how each of their tests is made to fail."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tallystick.core.rulebook.place import Adoption
from tallystick.hubs import gates, sample
from tallystick.hubs.gates import Fact, GateAnswer
from tallystick.hubs.law import Law, Stage, Test, Value, load

TODAY = dt.date(2026, 11, 28)
BEFORE = dt.date(2026, 11, 2)


def settled(code: str) -> Law:
    """A sender's law with every unverified gate adopted by a sample officer."""
    law = load(code)
    return law.adopt(
        Adoption(f"hubs-{code}", gate, {}, sample.OFFICER, sample.SOURCE, BEFORE)
        for gate in dict.fromkeys(one.id for one in law.open_gates(TODAY))
    )


@dataclass(frozen=True)
class Break:
    """Values that make one test of one gate fail."""

    gate: str
    test: Test
    values: Mapping[str, Value]


def bad_value(law: Law, test: Test, on: dt.date) -> Value:
    match test.rule:
        case "is":
            return not test.wanted
        case "past":
            return on
        case "reached":
            return on + dt.timedelta(1)
        case "not_after":
            return on - dt.timedelta(1)
        case "most":
            return int(test.wanted) + 1
        case "most_fact":
            return 91
    kind = law.facts[test.fact]
    return next(c for i, c in enumerate(kind.choices) if i not in test.wanted)


def breaks(law: Law, on: dt.date = TODAY) -> Iterator[Break]:
    for gate in law.at(on, on):
        for test in gate.tests:
            values = {test.fact: bad_value(law, test, on)}
            values |= {test.when: True} if test.when else {}
            values |= {test.unless: False} if test.unless else {}
            yield Break(gate.id, test, values)


def ask(
    law: Law,
    changed: Mapping[str, Value | None] | None = None,
    on: dt.date = TODAY,
    known_on: dt.date | None = None,
    stage: Stage = Stage.DOOR,
) -> tuple[GateAnswer, ...]:
    """Ask with a person for whom all gates pass, but for what is changed; None: not recorded."""
    values: dict[str, Value | None] = {**sample.values(law, on), **(changed or {})}
    books: dict[str, dict[str, Fact]] = {"person": {}, "agreement": {}, "country": {}}
    for name, value in values.items():
        if value is not None:
            books[law.facts[name].of][name] = Fact(value, f"paper:{name}", on, on)
    return gates.ask(
        law, books["person"], books["agreement"], books["country"], on, known_on or on, stage
    )
