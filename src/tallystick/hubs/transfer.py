"""From eligible to the door: a place, a notice, the eve, the door; each asks the gates afresh.

`door` is the only way to *transferred*, and it asks every gate in the transaction that records it.
Where one does not pass, nothing moves but back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from tallystick.core import approvals
from tallystick.core.store import Tx
from tallystick.hubs import asking, cases, decide, family, gates, record
from tallystick.hubs.asking import Outcome
from tallystick.hubs.cases import may
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseIncomplete, CaseStep
from tallystick.hubs.gates import Fact, GateAnswer
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


@dataclass(frozen=True, slots=True)
class AtDoor:
    """One of those who are asked together at the door, with what was said of them."""

    case: Case
    others: frozenset[str]
    """The references of the others."""
    known: Mapping[str, Fact]
    answers: tuple[GateAnswer, ...]
    why: tuple[str, ...]

    @property
    def passes(self) -> bool:
        """Say whether every gate passes, and nothing else is missing."""
        return gates.permits(self.answers) and not self.why


def door(tx: Tx, desk: Desk, case: str, by: str) -> Outcome:
    """Ask every gate at the door, count the two officials again, and only then record the transfer.

    Those who stay together are asked together: all are transferred in this step, or nobody is.
    Where anything is missing each goes back to where it belongs. Raises `CaseStep`, and changes
    nothing, while one of them is on the same way and not ready yet.
    """
    held = _in(tx, case, by, State.READY)
    asked = [_at_door(tx, desk, one, group) for one, group in _groups(tx, desk, held)]
    refused = [one for one in asked if not one.passes]
    outs = _refuse(tx, desk, asked, by) if refused else [_send(tx, desk, one, by) for one in asked]
    for one in outs:
        family.watch(tx, desk, one.case)
    return replace(outs[0], together=tuple(outs[1:]))


def _groups(tx: Tx, desk: Desk, held: Case) -> list[tuple[Case, frozenset[str]]]:
    """Return who is asked together, each with the references of the others."""
    party = [held, *family.party(tx, desk, held)]
    for one in party:
        same = (one.host, one.planned_on) == (held.host, held.planned_on)
        if same and one.state is not State.READY:
            raise CaseStep(
                f"case {one.reference} of the same family is {one.state}, not ready: "
                "a family is asked together at the door"
            )
    refs = frozenset(one.reference for one in party)
    ready = [one for one in party if one.state is State.READY]
    return [(one, refs - {one.reference}) for one in ready]


def _at_door(tx: Tx, desk: Desk, held: Case, others: frozenset[str]) -> AtDoor:
    known, today = record.facts(tx, desk, held), desk.today()
    answers = asking.ask(tx, desk, replace(held, planned_on=today), Stage.DOOR, known)
    agreed, apart = asking.agreed(tx, desk, held), decide.independent(tx, desk, held)
    unmet = asking.unmet(tx, desk, held, known, also=others)
    return AtDoor(held, others, known, answers, (*agreed, *apart, *_day(held, today), *unmet))


def _refuse(tx: Tx, desk: Desk, asked: list[AtDoor], by: str) -> list[Outcome]:
    """Record for all that the door stays shut, and stop each; none goes without the others."""
    barred = ", ".join(one.case.reference for one in asked if not one.passes)
    with_them = (f"Not let through: {barred}, of the same family. None goes without the others.",)
    asked = [replace(one, why=with_them) if one.passes else one for one in asked]
    for one in asked:
        told: dict[str, Any] = {"stage": "door", "host": one.case.host, "why": list(one.why)}
        told |= {"gates": asking.said(gates.stopping(one.answers)), "wanted": "transferred"}
        record.append(tx, desk, one.case, one.case, "refused", by, told)
    for one in sorted(asked, key=lambda one: one.why == with_them):
        if (now := record.find(tx, one.case.id)).state is State.READY:
            asking.stop(tx, desk, now, one.answers, one.known, one.why)
    return [
        Outcome(record.find(tx, one.case.id), one.answers, True, True, one.why) for one in asked
    ]


def _send(tx: Tx, desk: Desk, one: AtDoor, by: str) -> Outcome:
    held, today = one.case, desk.today()
    approvals.use(tx, desk.clock, held.proposal, decide.KIND, held.id, held.digest, by)
    leave_by = today + dt.timedelta(days=_stay_days(one.known))
    days = {"planned_on": today, "transferred_on": today, "leave_by": leave_by}
    after = record.moved(desk, held, State.TRANSFERRED, proposal="", digest="", **days)
    told: dict[str, Any] = {"stage": "door", "host": held.host, "why": [], "leave_by": leave_by}
    told |= {"asked": asking.said(one.answers), "proposal": held.proposal}
    told |= {"with": sorted(one.others)}
    record.append(tx, desk, held, after, "transferred", by, told)
    return Outcome(after, one.answers, moved=True)


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
