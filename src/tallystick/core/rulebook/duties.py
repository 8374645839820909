"""Duties that no machine can check, such as a licence: an officer states that each is met.

A statement names the officer and the evidence and ends by itself; it is journalled and never
changed. A place whose duties nobody has stated as met stays closed, and auditors see who stated
what, on what evidence, until when (Decision 9).
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.errors import TallystickError
from tallystick.core.rulebook.adoptions import PROGRAMME, TEXT_LENGTH_MAX
from tallystick.core.rulebook.place import Jurisdiction
from tallystick.core.rulebook.provision import Provision
from tallystick.core.store import METADATA, Moment, Tx

STATED: Final = {
    *("registration", "staffing", "live-support", "analytics", "security", "wording"),
    *("destination", "price-reference", "moratorium"),
}
"""Kinds of duty that are met outside of a purchase, or by means that the law does not name."""
ANY_ZONE: Final = dt.timedelta(hours=12)
"""The day on which a statement begins is the earliest that any place had at that moment: a machine
west of Greenwich asks by its own calendar, on which it may still be yesterday."""
STATEMENT_DAYS_MAX: Final = 400
"""A statement is made anew at least this often: somewhat more than a year."""

STATEMENTS: Final = sa.Table(
    "law_statements",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("provision", sa.Text, nullable=False),
    sa.Column("officer", sa.Text, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("until", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sqlite_strict=True,
)


class StatementRefused(TallystickError):
    """A statement names no duty of the place, or leaves out who, on what evidence, until when."""

    code, money, say = 7003, "not taken: the place stays closed", ""


@dataclass(frozen=True, slots=True)
class Statement:
    """An officer's word that a duty is met, from the day it was given through ``until``."""

    place: str
    provision: str
    by: str
    evidence: str
    on: dt.date
    until: dt.date

    def holds(self, on: dt.date) -> bool:
        """Say whether it speaks of a day."""
        return self.on <= on <= self.until


Statements = tuple[Statement, ...]


def duties_of(place: Jurisdiction, on: dt.date) -> tuple[Provision, ...]:
    """Return the duties to state on a day: those that bind, and those that may."""
    return tuple(p for p in place.on_day(on) if p.kind in STATED and p.in_force(on) is not False)


@functools.lru_cache(maxsize=64)
def unmet(place: Jurisdiction, made: Statements, on: dt.date) -> tuple[Provision, ...]:
    """Return the duties of a day that nobody has stated as met, or not for this day."""
    met = {one.provision for one in made if one.place == place.code and one.holds(on)}
    return tuple(p for p in duties_of(place, on) if p.id not in met)


def stated(tx: Tx, place: str) -> Statements:
    """Return a place's statements, the oldest first."""
    query = sa.select(STATEMENTS).where(STATEMENTS.c.place == place)
    return tuple(
        Statement(
            row.place,
            row.provision,
            row.officer,
            row.evidence,
            (row.at - ANY_ZONE).date(),
            dt.date.fromisoformat(row.until),
        )
        for row in tx.execute(query.order_by(STATEMENTS.c.entry))
    )


def state(
    tx: Tx,
    clock: Clock,
    place: Jurisdiction,
    duties: Iterable[str],
    by: str,
    evidence: str,
    until: dt.date,
) -> list[Statement]:
    """State in the officer's name that duties are met through a day.

    Raises `StatementRefused`, and writes nothing, for what is no duty of the place today, for a
    missing name or evidence, and for an end that is past or more than `STATEMENT_DAYS_MAX` away.
    """
    now = clock.now()
    today, known = now.date(), {p.id for p in duties_of(place, now.date())}
    wanted = [name if "/" in name else f"{place.code}/{name}" for name in duties]
    for name in wanted:
        if name not in known:
            raise StatementRefused(f"{place.code} has no duty of the name {name[:80]} today")
    if not wanted or not (by.strip() and evidence.strip()):
        raise StatementRefused("a statement names its duty, the officer and the evidence")
    if max(len(by), len(evidence)) > TEXT_LENGTH_MAX:
        raise StatementRefused(f"a name or evidence has at most {TEXT_LENGTH_MAX} characters")
    if not today <= until <= today + dt.timedelta(days=STATEMENT_DAYS_MAX):
        raise StatementRefused(f"a statement ends within {STATEMENT_DAYS_MAX} days")
    made = [Statement(place.code, name, by, evidence, today, until) for name in wanted]
    for one in made:
        _write(tx, clock, one, now)
    return made


def _write(tx: Tx, clock: Clock, one: Statement, now: dt.datetime) -> None:
    row = {
        "place": one.place,
        "provision": one.provision,
        "officer": one.by,
        "evidence": one.evidence,
        "until": one.until.isoformat(),
        "at": now,
    }
    salt = clock.random_bytes(journal.SALT_BYTES)
    entry = journal.append(tx, PROGRAMME, "stated", journal.commit(salt, row), now)
    kept = {"id": new_id(clock), **row, "salt": salt.hex(), "entry": entry.seq}
    tx.execute(sa.insert(STATEMENTS).values(**kept))
