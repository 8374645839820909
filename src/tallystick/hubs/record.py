"""A case on disk: its row, its sealed facts, its history; each step committed to in the journal.

What is said of a person is sealed under that person's key, so that erasing the key erases it in
every copy. The journal keeps salted commitments only; kinds, states and moments are plain.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import new_id
from tallystick.core.store import Tx, for_update
from tallystick.core.vault.errors import KeyGone
from tallystick.hubs.claims import value_of
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseErased, CaseFull, CaseStep, CaseUnknown
from tallystick.hubs.gates import Fact
from tallystick.hubs.law import known_facts
from tallystick.hubs.model import NEXT, Alarm, State
from tallystick.hubs.tables import ALARMS, CASES, EVENTS, FACTS

EVENTS_MAX: Final = 5_000
"""In one case."""
LAW: Final = "law"
"""Who moves a case that no person moved: a gate that no longer passes."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case as its row says. ``person`` is a pseudonym; who that is, is in the vault."""

    id: str
    reference: str
    state: State
    sender: str
    host: str
    """The agreement under which a transfer is considered; empty for none."""
    person: str
    identity: str
    """The vault's record with the person's name and language."""
    caseworker: str
    lawyer: str
    proposal: str
    digest: str
    opened_at: dt.datetime
    moved_at: dt.datetime
    planned_on: dt.date | None = None
    transferred_on: dt.date | None = None
    leave_by: dt.date | None = None


DAYS: Final = ("planned_on", "transferred_on", "leave_by")


@dataclass(frozen=True, slots=True)
class Event:
    """One step of a case's history, opened. ``opens``: it is what the journal committed to."""

    n: int
    at: dt.datetime
    kind: str
    before: str
    after: str
    by: str
    content: Mapping[str, Any]
    entry: int
    opens: bool
    salt: str
    commitment: str


def read_case(row: Mapping[Any, Any]) -> Case:
    """Read a case from a row of the table."""
    given = {one.name: row[one.name] for one in fields(Case)}
    days = {name: given[name] and dt.date.fromisoformat(given[name]) for name in DAYS}
    return Case(**{**given, **days, "state": State(given["state"])})


def row_of(case: Case) -> dict[str, Any]:
    """Return a case as the table holds it."""
    row = {one.name: getattr(case, one.name) for one in fields(Case)}
    days = {name: row[name] and row[name].isoformat() for name in DAYS}
    return {**row, **days, "state": case.state.value}


def find(tx: Tx, name: str) -> Case:
    """Return a case by its id or its reference; raise `CaseUnknown`."""
    either = sa.or_(CASES.c.id == name, CASES.c.reference == name)
    row = tx.execute(sa.select(CASES).where(either)).mappings().one_or_none()
    if row is None:
        raise CaseUnknown(f"there is no case {name[:40]}")
    return read_case(row)


def locked(tx: Tx, name: str) -> Case:
    """Return a case that this step alone may change; every step of the programme waits here."""
    journal.lock(tx)
    found = find(tx, name)
    tx.execute(for_update(sa.select(CASES.c.id).where(CASES.c.id == found.id), tx))
    return find(tx, found.id)


def save(tx: Tx, case: Case) -> None:
    """Write a case's row."""
    tx.execute(sa.update(CASES).where(CASES.c.id == case.id).values(**row_of(case)))


def moved(desk: Desk, case: Case, to: State, **change: Any) -> Case:
    """Return a case in another state; raise `CaseStep` where the table does not allow it."""
    if to not in NEXT[case.state]:
        raise CaseStep(f"case {case.reference} is {case.state}, and cannot become {to}")
    return replace(case, state=to, moved_at=desk.clock.now(), **change)


def append(
    tx: Tx,
    desk: Desk,
    before: Case,
    after: Case,
    kind: str,
    by: str,
    content: Mapping[str, Any],
) -> int:
    """Save a case as a step leaves it, and append the step to its history; return its number."""
    count = sa.select(sa.func.count()).where(EVENTS.c.case == before.id)
    n, at = tx.execute(count).scalar_one() + 1, desk.clock.now()
    if n > EVENTS_MAX:
        raise CaseFull(f"case {before.reference} has {EVENTS_MAX} events")
    states = {"before": before.state.value, "after": after.state.value}
    full = {"case": before.id, "n": n, "kind": kind, "at": at, "by": by, **states}
    said = msgspec.to_builtins({**full, "content": content})
    salt = desk.clock.random_bytes(journal.SALT_BYTES)
    commitment = journal.commit(salt, said)
    entry = journal.append(tx, *journal.QUIET, commitment, at)
    inside = msgspec.json.encode({"salt": salt.hex(), "said": said})
    sealed = desk.vault.seal(tx, before.person, f"event {n}", inside)
    more = {"sealed": sealed, "commitment": commitment, "entry": entry.seq}
    tx.execute(sa.insert(EVENTS).values(**full, **more))
    if after != before:
        save(tx, after)
    return n


def history(tx: Tx, desk: Desk, case: Case, kinds: Collection[str] = ()) -> list[Event]:
    """Return a case's steps, of some kinds or all, opened, the oldest first; raise `CaseErased`."""
    query = sa.select(EVENTS).where(EVENTS.c.case == case.id).order_by(EVENTS.c.n)
    query = query.where(EVENTS.c.kind.in_(kinds)) if kinds else query
    return [_event(desk, case, row) for row in tx.execute(query).mappings()]


def _event(desk: Desk, case: Case, row: Mapping[Any, Any]) -> Event:
    inside = msgspec.json.decode(_open(desk, case, f"event {row['n']}", row["sealed"]))
    said, salt = inside["said"], bytes.fromhex(inside["salt"])
    plain = {"case": case.id, **{k: row[k] for k in ("n", "kind", "by", "before", "after")}}
    opens = journal.commit(salt, said) == row["commitment"] and plain.items() <= said.items()
    names = ("n", "at", "kind", "before", "after", "by", "entry", "commitment")
    given = {name: row[name] for name in names}
    return Event(**given, content=said["content"], opens=opens, salt=inside["salt"])


def keep_facts(tx: Tx, desk: Desk, case: Case, n: int, facts: Mapping[str, Fact]) -> None:
    """Keep what is known of the person from a step on; the earlier versions stay."""
    about, inside = f"facts {n}", msgspec.json.encode(facts)
    sealed = desk.vault.seal(tx, case.person, about, inside)
    row = {"case": case.id, "n": n, "at": desk.clock.now(), "sealed": sealed}
    tx.execute(sa.insert(FACTS).values(**row))


def facts(tx: Tx, desk: Desk, case: Case, known_on: dt.date | None = None) -> dict[str, Fact]:
    """Return what is known of the person, or was at the end of a day; raise `CaseErased`."""
    query = sa.select(FACTS).where(FACTS.c.case == case.id)
    if known_on is not None:
        after = dt.datetime.combine(known_on + dt.timedelta(1), dt.time(), dt.UTC)
        moment = FACTS.c.at < sa.literal(after, FACTS.c.at.type)
        query = query.where(moment)
    row = tx.execute(query.order_by(FACTS.c.n.desc()).limit(1)).mappings().one_or_none()
    if row is None:
        return {}
    return dict(_facts(_open(desk, case, f"facts {row['n']}", row["sealed"])))


def one_fact(tx: Tx, desk: Desk, states: Iterable[State], name: str) -> Iterator[tuple[Case, str]]:
    """Give each case of some states with one of its facts as text, empty where it is not there;
    those that were erased are left out.

    Read together, for thousands of cases: at the door all who are under way are asked.
    """
    newest = sa.select(FACTS.c.case, sa.func.max(FACTS.c.n).label("n")).group_by(FACTS.c.case)
    last, c = newest.subquery(), FACTS.c
    rows = (
        sa.select(CASES, c.n, c.sealed)
        .join(last, last.c.case == CASES.c.id)
        .join(FACTS, sa.and_(c.case == last.c.case, c.n == last.c.n))
        .where(CASES.c.state.in_([state.value for state in states]))
    )
    for row in tx.execute(rows).mappings():
        case = read_case(row)
        try:
            inside = msgspec.json.decode(_open(desk, case, f"facts {row['n']}", row["sealed"]))
        except CaseErased:
            continue  # it takes no step any more
        yield case, str(inside[name]["value"]) if name in inside else ""


def _facts(inside: bytes) -> Iterator[tuple[str, Fact]]:
    kinds = known_facts()
    for name, one in msgspec.json.decode(inside).items():
        days = {key: one[key] and dt.date.fromisoformat(one[key]) for key in ("recorded", "on")}
        until = one["until"] and dt.date.fromisoformat(one["until"])
        yield name, Fact(value_of(kinds[name], one["value"]), one["evidence"], **days, until=until)


def _open(desk: Desk, case: Case, about: str, sealed: bytes) -> bytes:
    try:
        return desk.vault.unseal(case.person, about, sealed)
    except KeyGone as error:
        raise CaseErased(f"case {case.reference} was erased") from error


def erased(desk: Desk, case: Case) -> bool:
    """Say whether a person's key was destroyed: nothing of the case can be read or asked then."""
    return not desk.vault.keys.has(case.person)


def tell(tx: Tx, desk: Desk, case: Case, kind: Alarm, content: Mapping[str, Any]) -> str:
    """Tell the independent monitor; the caseworker cannot take it back. Returns the alarm's id."""
    one = new_id(desk.clock)
    sealed = desk.vault.seal(tx, case.person, f"alarm {one}", msgspec.json.encode(content))
    row = {"id": one, "case": case.id, "kind": kind.value, "at": desk.clock.now()}
    tx.execute(sa.insert(ALARMS).values(**row, sealed=sealed, seen_by=""))
    return one


def alarms(tx: Tx, desk: Desk, kind: str = "") -> list[dict[str, Any]]:
    """Return what the monitor was told, the newest first: the row, with its content opened."""
    query = sa.select(ALARMS, CASES.c.reference).join(CASES, CASES.c.id == ALARMS.c.case)
    query = query.where(ALARMS.c.kind == kind) if kind else query
    found = []
    for row in tx.execute(query.order_by(ALARMS.c.at.desc(), ALARMS.c.id.desc())).mappings():
        try:
            inside = _open(desk, find(tx, row["case"]), f"alarm {row['id']}", row["sealed"])
            content = msgspec.json.decode(inside)
        except CaseErased:
            content = {}
        found.append({**row, "content": content})
    return found
