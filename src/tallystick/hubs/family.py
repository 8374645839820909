"""Who stays together: asked together at the door; and the duty that opens when a family is parted.

All of a family pass the door in one step, or none does (`transfer.door`). Where one was sent and
another was not, however that came about, the question how they will be together again stands at
once on both records, with a day by which it is to be answered. The monitor is told then, and again
when that day has passed. It ends when they are together, by a death, or by their own word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa

from tallystick.core.store import Tx
from tallystick.hubs import needs, record
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseErased, CaseUnknown
from tallystick.hubs.gates import Fact
from tallystick.hubs.law import codes_of
from tallystick.hubs.model import UNDER_WAY, Alarm, State
from tallystick.hubs.record import Case
from tallystick.hubs.tables import EVENTS

ANSWER_DAYS: Final = 7
"""Calendar days in which the question is to be answered. No provision that was read names a number:
this is the programme's own, and stricter than none."""
PARTED: Final = "family_parted"
TOGETHER: Final = "family_together"
LATE: Final = "family_late"
KINDS: Final = (PARTED, TOGETHER, LATE)
_MOVES: Final = (State.TRANSFERRED.value, State.BROUGHT_BACK.value)


@dataclass(frozen=True, slots=True)
class Duty:
    """The question how two of a family will be together again, as it stands on one's record."""

    case: str
    """The reference of the case on whose record it stands."""
    other: str
    away: str
    """Which of the two was sent."""
    since: dt.datetime
    due: dt.date
    ended: str = ""
    """How it ended; empty while it is open."""
    told_late: bool = False

    def late(self, today: dt.date) -> bool:
        """Say whether it is open, and its day has passed."""
        return not self.ended and today > self.due


def named(known: Mapping[str, Fact]) -> frozenset[str]:
    """Return whom a person's record names as staying with them, however old its evidence is."""
    fact = known.get(needs.FAMILY)
    return codes_of(str(fact.value)) if fact else frozenset()


def away(tx: Tx, case: Case) -> bool:
    """Say whether a person was sent and not brought back since, wherever the case stands now."""
    c = EVENTS.c
    query = sa.select(c.after).where(c.case == case.id, c.before != c.after, c.after.in_(_MOVES))
    last = tx.execute(query.order_by(c.n.desc()).limit(1)).scalar_one_or_none()
    return last == State.TRANSFERRED.value


def party(tx: Tx, desk: Desk, case: Case) -> list[Case]:
    """Return the others, under way too, who go together with a case; whoever of two names it."""
    under_way = list(record.one_fact(tx, desk, UNDER_WAY, needs.FAMILY))
    refs = {one.id: one.reference for one, _ in under_way}
    ties = {
        one.reference: {refs.get(name, name) for name in codes_of(text)} - {""}
        for one, text in under_way
    }
    group, size = {case.reference}, 0
    while size != len(group):
        size = len(group)
        group |= {ref for ref, names in ties.items() if names & group}
        group |= {name for ref in group & ties.keys() for name in ties[ref] if name in ties}
    ordered = sorted(group - {case.reference})
    return [record.locked(tx, ref) for ref in ordered]


def duties(tx: Tx, desk: Desk, case: Case) -> list[Duty]:
    """Return every duty on a case's record, the oldest first, ended or not; raise `CaseErased`."""
    found: list[Duty] = []
    open_: dict[str, int] = {}
    for event in record.history(tx, desk, case, KINDS):
        other = str(event.content["with"])
        if event.kind == PARTED:
            open_[other] = len(found)
            due = dt.date.fromisoformat(event.content["due"])
            away_ = str(event.content["away"])
            found.append(Duty(case.reference, other, away_, event.at, due))
        elif event.kind == LATE:
            found[open_[other]] = replace(found[open_[other]], told_late=True)
        else:
            at = open_.pop(other)
            found[at] = replace(found[at], ended=str(event.content["how"]))
    return found


def standing(tx: Tx, desk: Desk, case: Case) -> list[Duty]:
    """Return the duties that are open on a case's record; raise `CaseErased`."""
    return [one for one in duties(tx, desk, case) if not one.ended]


def open_duties(tx: Tx, desk: Desk) -> list[Duty]:
    """Return every open duty once, from the side of who was not sent, the soonest due first."""
    query = sa.select(EVENTS.c.case).where(EVENTS.c.kind == PARTED).distinct()
    found = []
    for one in tx.execute(query).scalars().all():
        try:
            held = duties(tx, desk, record.find(tx, one))
        except CaseErased:
            continue
        found += [duty for duty in held if not duty.ended and duty.away != duty.case]
    return sorted(found, key=lambda duty: (duty.due, duty.case, duty.other))


def watch(tx: Tx, desk: Desk, case: Case) -> None:
    """Open and end duties as a case stands now; every step that changes where it stands asks it."""
    mine = named(record.facts(tx, desk, case))
    open_ = {duty.other for duty in standing(tx, desk, case)}
    for other, linked in _others(tx, desk, case, mine, open_ | _sent_with(tx, desk, case)):
        how = _together(tx, case, other, linked)
        if how and other.reference in open_:
            _end(tx, desk, case, other, how)
        elif not how and other.reference not in open_:
            _begin(tx, desk, case, other)


def _sent_with(tx: Tx, desk: Desk, case: Case) -> set[str]:
    """Return with whom a person passed the door, though only the others' records may say so."""
    passed = record.history(tx, desk, case, [State.TRANSFERRED.value])
    return {ref for event in passed for ref in event.content.get("with", ())}


def _others(
    tx: Tx, desk: Desk, case: Case, mine: frozenset[str], also: Iterable[str]
) -> list[tuple[Case, bool]]:
    """Return those whom a record names, or did, each with whether one names the other today."""
    found: dict[str, tuple[Case, bool]] = {}
    for name in sorted(mine | {*also}):
        try:
            other = record.find(tx, name)
            theirs = named(record.facts(tx, desk, other))
        except (CaseUnknown, CaseErased):
            continue  # of no case here there is nothing to answer for
        linked = bool({other.reference, other.id} & mine or {case.reference, case.id} & theirs)
        if other.id != case.id:
            found[other.id] = (other, linked)
    return list(found.values())


def _together(tx: Tx, one: Case, other: Case, linked: bool) -> str:
    """Return why two are not parted; empty where they are."""
    if State.DIED in (one.state, other.state):
        return "one of them died"
    if not linked:
        return "neither record names the other any more"
    there = away(tx, one), away(tx, other)
    if there == (False, False):
        return "neither of them is abroad"
    if all(there) and one.host == other.host:
        return "both are at the same host"
    return ""


def _begin(tx: Tx, desk: Desk, case: Case, other: Case) -> None:
    sent = case if away(tx, case) else other
    left = other if sent is case else case
    due = desk.today() + dt.timedelta(ANSWER_DAYS)
    for one, two in ((case, other), (other, case)):
        told = {"with": two.reference, "away": sent.reference, "due": due}
        record.append(tx, desk, one, one, PARTED, record.LAW, told)
    what = (
        f"{sent.reference} of the same family was sent, and {left.reference} was not. "
        f"How they will be together again is to be answered by {due}."
    )
    record.tell(tx, desk, left, Alarm.PARTED, {"what": what, "due": due.isoformat()})


def _end(tx: Tx, desk: Desk, case: Case, other: Case, how: str) -> None:
    for one, two in ((case, other), (other, case)):
        told = {"with": two.reference, "how": how}
        record.append(tx, desk, one, one, TOGETHER, record.LAW, told)


def tell_late(tx: Tx, desk: Desk) -> list[Duty]:
    """Tell the monitor, once each, of the duties whose day has passed; return those."""
    late = [d for d in open_duties(tx, desk) if d.late(desk.today()) and not d.told_late]
    for duty in late:
        for name, other in ((duty.case, duty.other), (duty.other, duty.case)):
            held = record.locked(tx, name)
            told = {"with": other, "due": duty.due}
            record.append(tx, desk, held, held, LATE, record.LAW, told)
        what = (
            f"Nobody answered by {duty.due} how {duty.case} and {duty.away}, of the same family, "
            "will be together again."
        )
        held = record.find(tx, duty.case)
        record.tell(tx, desk, held, Alarm.PARTED, {"what": what, "due": duty.due.isoformat()})
    return late
