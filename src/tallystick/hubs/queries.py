"""Read cases for boards and pages: lists, counts by state, clocks that run, stays that are over.

No list here is in an order of persons: by when a case last moved, and by nothing about anybody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from tallystick.core.store import Tx
from tallystick.hubs.gates import GateAnswer
from tallystick.hubs.law import Answer
from tallystick.hubs.model import ABROAD, State
from tallystick.hubs.record import Case, read_case
from tallystick.hubs.tables import CASES

LIST_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class ClockRunning:
    """A day that is waited for. ``what`` is the sentence of the gate that holds until then."""

    until: dt.date
    gate: str
    what: str


def listed(tx: Tx, state: str = "", lawyer: str = "", limit: int = LIST_MAX) -> list[Case]:
    """Return cases, those that moved last first; of one state or of one lawyer's clients."""
    query = sa.select(CASES).order_by(CASES.c.moved_at.desc(), CASES.c.id.desc())
    query = query.where(CASES.c.state == state) if state else query
    query = query.where(CASES.c.lawyer == lawyer) if lawyer else query
    return [read_case(row) for row in tx.execute(query.limit(min(limit, LIST_MAX))).mappings()]


def in_order(tx: Tx, state: State) -> list[Case]:
    """Return every case of a state, in order of the moment at which each came into it."""
    query = sa.select(CASES).where(CASES.c.state == state.value)
    query = query.order_by(CASES.c.moved_at, CASES.c.reference)
    return [read_case(row) for row in tx.execute(query).mappings()]


def counts(tx: Tx, lawyer: str = "") -> dict[str, int]:
    """Return how many cases are in each state, those of none too."""
    query = sa.select(CASES.c.state, sa.func.count()).group_by(CASES.c.state)
    query = query.where(CASES.c.lawyer == lawyer) if lawyer else query
    found: dict[str, int] = dict(tx.execute(query).all())
    return {state.value: found.get(state.value, 0) for state in State}


def clocks(answers: Iterable[GateAnswer]) -> list[ClockRunning]:
    """Return the days that are waited for in a case, the soonest first."""
    found = [
        ClockRunning(reason.until, one.gate.id, reason.test.say)
        for one in answers
        for reason in one.reasons
        if reason.answer is Answer.HOLD and reason.until is not None
    ]
    return sorted(found, key=lambda one: (one.until, one.gate))


def overstaying(tx: Tx, today: dt.date) -> list[Case]:
    """Return the cases in a hub beyond the day by which the stay had to end."""
    query = sa.select(CASES).where(
        CASES.c.state.in_([state.value for state in ABROAD]),
        CASES.c.leave_by < today.isoformat(),
    )
    return [read_case(row) for row in tx.execute(query.order_by(CASES.c.leave_by)).mappings()]
