"""Open a case, and record what happens in it: each event asks the gates again at once.

Officials record events and single facts with their evidence; the person's own lawyer records what
protects the person. Nothing here moves a case towards a transfer: `decide` and `transfer` do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import new_id, reference
from tallystick.core.identity import grants
from tallystick.core.store import Tx
from tallystick.hubs import asking, family, record
from tallystick.hubs.asking import Outcome
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseIncomplete, NotYours
from tallystick.hubs.gates import Fact
from tallystick.hubs.law import SENDERS, Value, known_facts
from tallystick.hubs.model import BY_LAWYER, EVENTS, Role, State
from tallystick.hubs.record import Case
from tallystick.hubs.tables import CASES
from tallystick.hubs.tables import EVENTS as EVENT_ROWS

EVIDENCE_CHARS_MAX: Final = 500
NOTE_CHARS_MAX: Final = 2_000
NAME_CHARS_MAX: Final = 120
DECIDING: Final = ("approved", "vetoed", "order")
"""Kinds of steps by which somebody does not become one of those who work on the case."""


class Identity(msgspec.Struct, frozen=True):
    """Who the person is. Kept in the vault and nowhere else."""

    name: str
    language: str = "en"
    born: str = ""
    nationality: str = ""
    contact: str = ""


def may(tx: Tx, case: Case | None, by: str, *roles: Role) -> None:
    """Raise `NotYours` unless somebody holds one of the roles; a lawyer only in their own case."""
    held = grants.held(tx, by)
    mine = {role for role in roles if role.value in held}
    if case is not None and case.lawyer != by:
        mine -= {Role.LAWYER}
    if not mine:
        raise NotYours(f"this needs the role {' or '.join(sorted(roles))}")


def open_case(
    tx: Tx, desk: Desk, identity: Identity, sender: str, caseworker: str, lawyer: str = ""
) -> Case:
    """Open a person's case, from the refusal on; the caseworker is who opens it.

    Raises `CaseIncomplete` and `NotYours`.
    """
    journal.lock(tx)
    may(tx, None, caseworker, Role.CASEWORKER)
    if sender not in SENDERS or not 0 < len(identity.name.strip()) <= NAME_CHARS_MAX:
        raise CaseIncomplete(f"a case has a sender ({', '.join(SENDERS)}) and a person's name")
    if lawyer:
        may(tx, None, lawyer, Role.LAWYER)
    clock, now = desk.clock, desk.clock.now()
    person = new_id(clock)
    kept = desk.vault.put(tx, person, "identity", msgspec.json.encode(identity), caseworker)
    made = Case(
        id=new_id(clock),
        reference=reference(clock),
        state=State.REFUSED,
        sender=sender,
        host="",
        person=person,
        identity=kept,
        caseworker=caseworker,
        lawyer=lawyer,
        proposal="",
        digest="",
        opened_at=now,
        moved_at=now,
    )
    tx.execute(sa.insert(CASES).values(**record.row_of(made)))
    record.append(tx, desk, made, made, "opened", caseworker, {"sender": sender})
    return made


def happen(
    tx: Tx,
    desk: Desk,
    case: str,
    kind: str,
    by: str,
    evidence: str,
    on: dt.date | None = None,
    day: dt.date | None = None,
    note: str = "",
) -> Outcome:
    """Record an event of `model.EVENTS`, and ask the gates again; return where the case is then.

    ``on`` is the day of the evidence, today if left out; ``day`` what the event asks a day for.
    Raises `CaseIncomplete`, `CaseStep`, `NotYours`, `CaseUnknown`.
    """
    held = record.locked(tx, case)
    may(tx, held, by, Role.CASEWORKER, *((Role.LAWYER,) if kind in BY_LAWYER else ()))
    event = EVENTS.get(kind)
    if event is None:
        raise CaseIncomplete(f"{kind[:40]} is no event of a case")
    if day is not None and not event.day:
        raise CaseIncomplete(f"{kind} takes no day")
    values: dict[str, Value] = dict(event.sets)
    if day is not None:
        values[event.day] = day
    after = record.moved(desk, held, event.to) if event.to else held
    content = {"evidence": evidence, "note": note, "sets": {k: str(v) for k, v in values.items()}}
    out = _write(tx, desk, held, after, kind, by, content, values, evidence, on)
    if event.alarm is not None:
        record.tell(tx, desk, out.case, event.alarm, {"by": by, "note": note, "what": event.say})
    return out


def attest(
    tx: Tx,
    desk: Desk,
    case: str,
    name: str,
    value: Value,
    by: str,
    evidence: str,
    on: dt.date | None = None,
    until: dt.date | None = None,
) -> Outcome:
    """Record one fact of the person with its evidence, and ask the gates again.

    Raises `CaseIncomplete` for a fact that no gate asks of a person, or of another kind.
    """
    return attest_all(tx, desk, case, {name: value}, by, evidence, on, until)


def attest_all(
    tx: Tx,
    desk: Desk,
    case: str,
    values: Mapping[str, Value],
    by: str,
    evidence: str,
    on: dt.date | None = None,
    until: dt.date | None = None,
) -> Outcome:
    """Record several facts that one piece of evidence shows; see `attest`.

    What a notice says of itself is recorded by serving it alone: nobody shortens its period.
    """
    held = record.locked(tx, case)
    may(tx, held, by, Role.CASEWORKER)
    if own := sorted(set(values) & set(asking.LAPSING)):
        raise CaseIncomplete(f"{own[0]} is recorded when the notice is served, and not otherwise")
    content = {"evidence": evidence, "sets": {k: str(v) for k, v in values.items()}}
    return _write(tx, desk, held, held, "fact", by, content, values, evidence, on, until)


def _write(
    tx: Tx,
    desk: Desk,
    held: Case,
    after: Case,
    kind: str,
    by: str,
    content: Mapping[str, Any],
    values: Mapping[str, Value],
    evidence: str,
    on: dt.date | None = None,
    until: dt.date | None = None,
) -> Outcome:
    """Write an event with the facts that it sets, then let the law put the case in its place."""
    today = desk.today()
    day = on or today
    check(values, evidence, day, today, str(content.get("note", "")))
    known = record.facts(tx, desk, held)
    new = {name: Fact(value, evidence, day, today, until) for name, value in values.items()}
    if after.state is not held.state:
        asking.lapse(tx, desk, held)
        after = replace(after, proposal="", digest="", planned_on=_kept_day(after))
    n = record.append(tx, desk, held, after, kind, by, content)
    if new:
        record.keep_facts(tx, desk, after, n, {**known, **new})
    settled = asking.settle(tx, desk, after)
    family.watch(tx, desk, settled.case)
    names = family.named(known) | family.named(new)
    together = settled.together or asking.with_family(tx, desk, names)
    moved = settled.moved or after.state is not held.state
    return replace(settled, moved=moved, together=together)


def _kept_day(case: Case) -> dt.date | None:
    return case.planned_on if case.transferred_on else None


def check(
    values: Mapping[str, Value], evidence: str, on: dt.date, today: dt.date, note: str = ""
) -> None:
    """Raise `CaseIncomplete` for facts that no gate asks for, or that nothing shows."""
    if not 0 < len(evidence.strip()) <= EVIDENCE_CHARS_MAX:
        raise CaseIncomplete(f"say what shows it, in at most {EVIDENCE_CHARS_MAX} characters")
    if len(note) > NOTE_CHARS_MAX:
        raise CaseIncomplete(f"a note has at most {NOTE_CHARS_MAX} characters")
    if on > today:
        raise CaseIncomplete(f"the day of the evidence, {on}, has not come yet")
    for name, value in values.items():
        kind = known_facts().get(name)
        if kind is None or kind.of != "person":
            raise CaseIncomplete(f"no gate asks for {name[:60]} of a person")
        try:
            kind.code(value)
        except ValueError as error:
            raise CaseIncomplete(str(error)) from error


def assign(tx: Tx, desk: Desk, case: str, by: str, caseworker: str = "", lawyer: str = "") -> Case:
    """Give a case to another caseworker, or name the person's lawyer; an approval then lapses.

    Who was caseworker stays in the history, and never decides in the case.
    """
    held = record.locked(tx, case)
    may(tx, held, by, Role.CASEWORKER)
    after = held
    if caseworker:
        may(tx, None, caseworker, Role.CASEWORKER)
        after = replace(after, caseworker=caseworker)
    if lawyer:
        may(tx, None, lawyer, Role.LAWYER)
        after = replace(after, lawyer=lawyer)
    record.append(
        tx, desk, held, after, "assigned", by, {"caseworker": caseworker, "lawyer": lawyer}
    )
    return after


def workers(tx: Tx, case: Case) -> frozenset[str]:
    """Return everybody who has worked on a case: none of them ever decides in it."""
    kinds = EVENT_ROWS.c.kind.not_in(DECIDING)
    query = sa.select(EVENT_ROWS.c.by).where(EVENT_ROWS.c.case == case.id, kinds).distinct()
    return (frozenset(tx.execute(query).scalars()) | {case.caseworker}) - {record.LAW}
