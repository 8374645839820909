"""An invented programme: values under which every gate passes, staff, an agreement, a person.

Read from the gates themselves, so that a gate added to a file is asked here too. Synthetic people
and an invented state only: nothing here is about anybody, or claims anything of a real agreement.
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from tallystick.core.identity import grants, people
from tallystick.core.rulebook import adoptions
from tallystick.core.store import Tx
from tallystick.hubs import agreements, asking, cases, claims, needs, record
from tallystick.hubs.agreements import Agreement
from tallystick.hubs.cases import Identity
from tallystick.hubs.desk import Desk
from tallystick.hubs.gates import Fact
from tallystick.hubs.law import FactKind, Law, Test, Value
from tallystick.hubs.model import Role
from tallystick.hubs.record import Case

OFFICER: Final = "Sample officer"
SOURCE: Final = "Adopted for the demonstration only; nobody read the provision."
PAST_DAYS: Final = 30
AHEAD_DAYS: Final = 365
HOST: Final = "sample-hub"
COUNTRY: Final = "XS"
"""A country of no map: user-assigned by ISO 3166-1."""
CEILINGS: Final = {"term.ceiling_day": 5, "term.ceiling_total": 100}
STAFF: Final = {
    "caseworker": ("Sample caseworker", Role.CASEWORKER),
    "official": ("Sample deciding official", Role.OFFICIAL),
    "independent": ("Sample independent official", Role.INDEPENDENT),
    "monitor": ("Sample monitor", Role.MONITOR),
    "lawyer": ("Sample lawyer", Role.LAWYER),
}
NEEDS: Final = {
    needs.LANGUAGES: "en",
    needs.CARE: "none",
    needs.FAMILY: "none",
    needs.LINKS: "none",
}
LATER: Final = ("notice.served", "notice.destination_and_route", "notice.period_ends")
"""Facts that a step of its own records."""


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


def staff(tx: Tx, desk: Desk) -> dict[str, str]:
    """Add a person for each role; return their ids by the keys of `STAFF`."""
    made = {}
    for key, (name, role) in STAFF.items():
        now = desk.clock.now()
        token = people.invite(tx, name, people.Role.OFFICIAL, now, desk.clock)
        made[key] = people.invited(tx, token, now).id
        grants.grant(tx, desk.clock, made[key], role.value)
    return made


def adopt_all(tx: Tx, desk: Desk, sender: str) -> None:
    """Adopt every unverified gate of a sender, in the sample officer's name."""
    law = desk.law(tx, sender)
    held = {one.subject for one in law.adopted}
    for gate in dict.fromkeys(one.id for one in law.open_gates(desk.today())):
        if gate not in held:
            adoptions.record(tx, desk.clock, desk.load(sender), gate, {}, OFFICER, SOURCE)


def agreement(tx: Tx, desk: Desk, sender: str, by: str) -> Agreement:
    """Put an invented agreement in force, with evidence on its invented country."""
    made = agreements.add(tx, desk, HOST, sender, COUNTRY, "Sample hub (invented)")
    law, today = desk.law(tx, sender), desk.today()
    for name, value in values(law, today).items():
        of = law.facts[name].of
        if of != "person" and name != agreements.PLACE:
            about = made.about if of == "agreement" else f"country:{COUNTRY}"
            claims.record(tx, desk, about, name, value, "Invented for the sample", today, by)
    terms: dict[str, Value] = {**CEILINGS, "term.kind": "transit", "term.monitor": "Sample monitor"}
    for name, value in terms.items():
        claims.record(tx, desk, made.about, name, value, "Invented for the sample", today, by)
    return made


def person(tx: Tx, desk: Desk, sender: str, name: str, caseworker: str, lawyer: str = "") -> Case:
    """Open the case of an invented person."""
    return cases.open_case(tx, desk, Identity(name, "en"), sender, caseworker, lawyer)


def complete(tx: Tx, desk: Desk, case: str, by: str, sender: str) -> asking.Outcome:
    """Record, with evidence of today, every fact with which the person's gates pass.

    What the person needs of a place is left as it is where it is on record.
    """
    law, known = desk.law(tx, sender), record.facts(tx, desk, record.find(tx, case))
    wanted: dict[str, Value] = {
        name: value
        for name, value in values(law, desk.today()).items()
        if law.facts[name].of == "person" and name not in LATER
    }
    wanted |= {name: value for name, value in NEEDS.items() if name not in known}
    return cases.attest_all(tx, desk, case, wanted, by, "Invented for the sample")
