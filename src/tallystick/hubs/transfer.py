"""From eligible to the door: a place, a notice, the eve, the door; each asks the gates afresh.

`door` is the only way to *transferred*, and it asks every gate in the transaction that records it.
Where one does not pass, nothing moves but back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from tallystick.core import approvals
from tallystick.core.store import Tx
from tallystick.hubs import asking, cases, decide, gates, record
from tallystick.hubs.asking import Outcome
from tallystick.hubs.cases import may
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseIncomplete, CaseStep
from tallystick.hubs.gates import Fact
from tallystick.hubs.law import Stage, Value
from tallystick.hubs.model import Role, State
from tallystick.hubs.record import Case
from tallystick.hubs.working_days import Country, add_working

PLAN_DAYS_MAX: Final = 180
"""How far ahead a transfer may be planned."""
NOTICE_DAYS_LEAST: Final = 7
"""Calendar days of notice where no provision in force says more."""


def place(tx: Tx, desk: Desk, case: str, by: str, planned_on: dt.date) -> Outcome:
    """Reserve a place under the agreement for a day; raise `CaseIncomplete` for one out of bounds.

    The ceilings are a gate (AG-12), asked with this person counted in.
    """
    held = _in(tx, case, by, State.ELIGIBLE)
    ahead = (planned_on - desk.today()).days
    if not 0 <= ahead <= PLAN_DAYS_MAX:
        raise CaseIncomplete(f"a transfer is planned 0 to {PLAN_DAYS_MAX} days ahead, not {ahead}")
    after = record.moved(desk, held, State.PLACED, planned_on=planned_on)
    told = {"planned_on": planned_on}
    return asking.attempt(tx, desk, held, Stage.ELIGIBILITY, by, after, "placed", told)


def serve_notice(
    tx: Tx, desk: Desk, case: str, by: str, evidence: str, *, names_destination_and_route: bool
) -> Outcome:
    """Record that the notice was served today; its period is reckoned from the law in force.

    A notice that lacked something is served again, and its period begins again.
    """
    held = _in(tx, case, by, State.PLACED, State.NOTICE)
    again = held.state is State.NOTICE
    after = held if again else record.moved(desk, held, State.NOTICE)
    ends = notice_ends(tx, desk, held)
    told = {"evidence": evidence, "period_ends": ends}
    out = asking.attempt(tx, desk, held, Stage.NOTICE, by, after, "notice", told)
    if out.case.state is not State.NOTICE:
        return out
    values: dict[str, Value] = {
        "notice.served": True,
        "notice.destination_and_route": names_destination_and_route,
        "notice.period_ends": ends,
    }
    _add(tx, desk, out.case, by, values, evidence)
    return out


def notice_ends(tx: Tx, desk: Desk, case: Case) -> dt.date:
    """Return the last day of a notice served today: the longest period that a gate in force names.

    Calendar days and working days are reckoned both, the latter by the holidays of each country of
    the United Kingdom; the latest counts. Raises `DayNotKnown` beyond the holidays that are known.
    """
    today = desk.today()
    figures = [g.provision.figures for g in desk.law(tx, case.sender).at(today, today)]
    calendar = [f["calendar_days"] for f in figures if "calendar_days" in f]
    working = max((f["working_days"] for f in figures if "working_days" in f), default=0)
    ends = today + dt.timedelta(max(calendar, default=NOTICE_DAYS_LEAST))
    return max(ends, *(add_working(today, working, country)[0] for country in Country))


def eve(tx: Tx, desk: Desk, case: str, by: str) -> Outcome:
    """Ask every gate on the eve; *ready* only if all of them pass. A notice that runs holds."""
    held = _in(tx, case, by, State.NOTICE)
    after = record.moved(desk, held, State.READY)
    return asking.attempt(tx, desk, held, Stage.EVE, by, after, "ready", {})


def door(tx: Tx, desk: Desk, case: str, by: str) -> Outcome:
    """Ask every gate at the door, count the two officials again, and only then record the transfer.

    Where anything is missing the case goes back to where it belongs, and nobody is transferred.
    """
    held = _in(tx, case, by, State.READY)
    known, today = record.facts(tx, desk, held), desk.today()
    there = replace(held, planned_on=today)
    answers = asking.ask(tx, desk, there, Stage.DOOR, known)
    agreed, apart = asking.agreed(tx, desk, held), decide.independent(tx, desk, held)
    why = (*agreed, *apart, *_day(held, today), *asking.unmet(tx, desk, held, known))
    told: dict[str, Any] = {"stage": "door", "host": held.host, "why": list(why)}
    if not gates.permits(answers) or why:
        refused = {**told, "gates": asking.said(gates.stopping(answers)), "wanted": "transferred"}
        record.append(tx, desk, held, held, "refused", by, refused)
        return asking.stop(tx, desk, held, answers, known, why)
    approvals.use(tx, desk.clock, held.proposal, decide.KIND, held.id, held.digest, by)
    leave_by = today + dt.timedelta(days=_stay_days(known))
    days = {"planned_on": today, "transferred_on": today, "leave_by": leave_by}
    after = record.moved(desk, held, State.TRANSFERRED, proposal="", digest="", **days)
    told |= {"asked": asking.said(answers), "leave_by": leave_by, "proposal": held.proposal}
    record.append(tx, desk, held, after, "transferred", by, told)
    return Outcome(after, answers, moved=True)


def _day(case: Case, today: dt.date) -> tuple[str, ...]:
    if case.planned_on is None or today < case.planned_on:
        return (f"The transfer is planned for {case.planned_on}.",)
    return ()


def _stay_days(known: Mapping[str, Fact]) -> int:
    planned = known.get("stay.planned_days")
    return int(str(planned.value)) if planned else 0


def _in(tx: Tx, case: str, by: str, *states: State) -> Case:
    """Return a case that is where the step begins; raise `CaseStep` or `NotYours`."""
    held = record.locked(tx, case)
    may(tx, held, by, Role.CASEWORKER)
    if held.state not in states:
        raise CaseStep(f"case {held.reference} is {held.state}, not {' or '.join(states)}")
    return held


def _add(
    tx: Tx, desk: Desk, case: Case, by: str, values: Mapping[str, Value], evidence: str
) -> None:
    today = desk.today()
    cases.check(values, evidence, today, today)
    new = {name: Fact(value, evidence, today, today) for name, value in values.items()}
    sets = {name: str(value) for name, value in values.items()}
    n = record.append(tx, desk, case, case, "fact", by, {"evidence": evidence, "sets": sets})
    record.keep_facts(tx, desk, case, n, {**record.facts(tx, desk, case), **new})
