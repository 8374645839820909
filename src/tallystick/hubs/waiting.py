"""Who waits for a place, and which hosts there are, read from the cases and the agreements.

Whether a host is lawful for somebody is asked of the gates, once for each agreement of the sender;
only the ceilings are left to `placement`, whose question they are. The order is the day on which a
case became eligible.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from tallystick.core.store import Tx
from tallystick.hubs import agreements, asking, queries
from tallystick.hubs.agreements import PLACE, TAKING, Agreement, Book
from tallystick.hubs.desk import Desk
from tallystick.hubs.gates import GateAnswer
from tallystick.hubs.law import Answer, Stage
from tallystick.hubs.model import State
from tallystick.hubs.placement import Condition, Host, Person
from tallystick.hubs.record import Case
from tallystick.hubs.tables import CASES

IN_FORCE: Final = "in-force"
EVERY_GATE: Final = "every gate passes for this host"


def waiting(tx: Tx, desk: Desk) -> tuple[list[Person], list[Host]]:
    """Return the people who wait for a place today and the hosts in force, ready to be asked."""
    cases = queries.listed(tx, State.ELIGIBLE.value)
    today, hosts, books = desk.today(), [], dict[str, Book]()
    for one in agreements.listed(tx):
        ceilings = _ceilings(tx, one)
        if ceilings is None or agreements.status(tx, one) != IN_FORCE:
            continue
        lawful = frozenset(case.reference for case in cases if _lawful(tx, desk, case, one, books))
        hosts.append(
            Host(
                id=one.id,
                name=one.name,
                ceiling_day=ceilings[0],
                left_total=max(ceilings[1] - agreements.places_taken(tx, one), 0),
                booked=_booked(tx, one),
                conditions=(Condition(1, "gates", EVERY_GATE, lawful),),
            )
        )
    people = [Person(case.reference, case.moved_at.date(), today) for case in cases]
    return people, hosts


def _ceilings(tx: Tx, one: Agreement) -> tuple[int, int] | None:
    found = agreements.terms(tx, one)
    day, total = (found.get(f"term.ceiling_{name}") for name in ("day", "total"))
    return (int(str(day.value)), int(str(total.value))) if day and total else None


def _lawful(tx: Tx, desk: Desk, case: Case, one: Agreement, books: dict[str, Book]) -> bool:
    if one.sender != case.sender:
        return False
    there = replace(case, host=one.id)
    answers = asking.ask(tx, desk, there, Stage.ELIGIBILITY, books=books)
    return bool(answers) and all(map(_passes, answers))


def _passes(answer: GateAnswer) -> bool:
    """Say whether a gate passes, or only its ceiling does not."""
    rest: Sequence[Answer] = [r.answer for r in answer.reasons if r.test.fact != PLACE]
    about_place = any(reason.test.fact == PLACE for reason in answer.reasons)
    if about_place and not answer.doubt:
        return all(one is Answer.PASS for one in rest)
    return answer.answer is Answer.PASS


def _booked(tx: Tx, one: Agreement) -> dict[dt.date, int]:
    """Return for how many a day is planned."""
    states = CASES.c.state.in_([state.value for state in TAKING])
    query = sa.select(CASES.c.planned_on).where(CASES.c.host == one.id, states)
    days = tx.execute(query.where(CASES.c.planned_on.is_not(None))).scalars()
    return dict(Counter(dt.date.fromisoformat(day) for day in days))
