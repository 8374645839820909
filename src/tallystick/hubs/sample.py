"""Invented values under which every gate passes: what the demo's persons and what-if start from.

Read from the gates themselves, so that a gate added to a file is asked here too. Synthetic people
only: no value here is about anybody.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from tallystick.hubs.gates import Fact
from tallystick.hubs.law import FactKind, Law, Test, Value

OFFICER: Final = "Sample officer"
SOURCE: Final = "Adopted for the demonstration only; nobody read the provision."
PAST_DAYS: Final = 30
AHEAD_DAYS: Final = 365


def value_for(test: Test, kind: FactKind, on: dt.date) -> Value:
    """Return a value with which a test passes on a day."""
    match test.rule:
        case "is":
            return bool(test.wanted)
        case "past" | "reached":
            return on - dt.timedelta(PAST_DAYS)
        case "not_after":
            return on + dt.timedelta(AHEAD_DAYS)
        case "most":
            return int(test.wanted)
        case "most_fact":
            return 30
    return str(kind.choices[test.wanted[0]])


def values(law: Law, on: dt.date) -> dict[str, Value]:
    """Return a value for every fact of every gate that binds on a day, so that all pass.

    A guard is not met (nobody here is pregnant or detained), and what it guards is kept anyway.
    """
    found: dict[str, Value] = {}
    tests = [test for gate in law.at(on, on) for test in gate.tests]
    for test in tests:
        found.setdefault(test.fact, value_for(test, law.facts[test.fact], on))
        if test.rule == "most":
            least = (int(one.wanted) for one in tests if one.fact == test.fact)
            found[test.fact] = min(least)
        if test.rule == "most_fact":
            found.setdefault(test.wanted, 90)
    for test in tests:
        for guard in (test.when, test.unless):
            if guard:
                found.setdefault(guard, False)
    return found


def facts(law: Law, on: dt.date, of: str) -> dict[str, Fact]:
    """Return those values as facts of a person, a country or an agreement, recorded that day."""
    return {
        name: Fact(value, f"sample:{name}", on, on)
        for name, value in values(law, on).items()
        if law.facts[name].of == of
    }
