"""Agreements with host states: claims with sources, terms, places taken, and what stops them.

A claim that changes what a gate would say asks the gates of every case under way again, in the
same transaction: a suspended agreement stops all of them at once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.store import Tx, insert_once
from tallystick.hubs import claims
from tallystick.hubs.claims import Claim
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import AgreementThere, AgreementUnknown
from tallystick.hubs.gates import Fact
from tallystick.hubs.law import SENDERS
from tallystick.hubs.model import State
from tallystick.hubs.record import Case
from tallystick.hubs.tables import AGREEMENTS, CASES, EVENTS

ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{2,40}")
COUNTRY: Final = re.compile(r"[A-Z]{2}")
NAME_CHARS_MAX: Final = 80
PLACE: Final = "agreement.place_from"
TAKING: Final = (State.PLACED, State.NOTICE, State.READY, State.TRANSFERRED, State.STAY)
"""States in which a person has a place, or has it reserved."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement, or the report of one. ``country`` is ISO 3166-1 alpha-2, or XK."""

    id: str
    sender: str
    country: str
    name: str
    made_at: dt.datetime

    @property
    def about(self) -> str:
        """Return the name under which claims about it are kept."""
        return f"agreement:{self.id}"


def add(tx: Tx, desk: Desk, one: str, sender: str, country: str, name: str) -> Agreement:
    """Put an agreement on record, of which nothing is claimed yet; raise `AgreementThere`."""
    right = ID.fullmatch(one) and COUNTRY.fullmatch(country) and sender in SENDERS
    if not right or not 0 < len(name.strip()) <= NAME_CHARS_MAX:
        raise AgreementThere(
            "an agreement has an id of 3 to 41 small letters, digits or -, a sender, a country of "
            f"two capitals, and a name of at most {NAME_CHARS_MAX} characters"
        )
    made = Agreement(one, sender, country, name.strip(), desk.clock.now())
    row = {"id": one, "sender": sender, "country": country, "name": made.name}
    if not insert_once(tx, AGREEMENTS, {**row, "made_at": made.made_at}):
        raise AgreementThere(f"there is an agreement {one} already")
    return made


def find(tx: Tx, one: str) -> Agreement:
    """Return an agreement; raise `AgreementUnknown`."""
    row = tx.execute(sa.select(AGREEMENTS).where(AGREEMENTS.c.id == one)).mappings().first()
    if row is None:
        raise AgreementUnknown(f"there is no agreement {one[:40]}")
    return Agreement(**row)


def listed(tx: Tx, sender: str = "") -> list[Agreement]:
    """Return every agreement, by name."""
    query = sa.select(AGREEMENTS).order_by(AGREEMENTS.c.name, AGREEMENTS.c.id)
    query = query.where(AGREEMENTS.c.sender == sender) if sender else query
    return [Agreement(**row) for row in tx.execute(query).mappings()]


def terms(tx: Tx, one: Agreement, known_on: dt.date | None = None) -> dict[str, Claim]:
    """Return the newest claim of each name about an agreement."""
    return claims.newest(tx, one.about, known_on)


def status(tx: Tx, one: Agreement, known_on: dt.date | None = None) -> str:
    """Return how the agreement stands by the newest claim; empty when nobody claimed anything."""
    found = terms(tx, one, known_on).get("agreement.status")
    return str(found.value) if found else ""


@dataclass(frozen=True, slots=True)
class Book:
    """What was claimed of an agreement and its host state, read once for many cases."""

    agreement: Agreement
    newest: Mapping[str, Claim]
    facts: Mapping[str, Fact]
    country: Mapping[str, Fact]
    known_on: dt.date


def book(tx: Tx, one: Agreement, known_on: dt.date) -> Book:
    """Read what gates ask of an agreement and its host state, as known on a day."""
    found = claims.facts(tx, one.about, known_on)
    found.pop(PLACE, None)
    country = claims.facts(tx, f"country:{one.country}", known_on)
    return Book(one, terms(tx, one, known_on), found, country, known_on)


def facts(tx: Tx, desk: Desk, held: Book, case: Case | None = None) -> dict[str, Fact]:
    """Return what gates ask of an agreement, the free place reckoned from the places taken.

    ``case`` does not count against itself; with its day of transfer the day's ceiling is that
    day's.
    """
    place = _place(tx, desk, held, case)
    return {**held.facts, **({PLACE: place} if place else {})}


def _place(tx: Tx, desk: Desk, held: Book, case: Case | None) -> Fact | None:
    """Return from when a place is free; nothing when no ceiling is claimed or all are taken."""
    total, day = (held.newest.get(f"term.ceiling_{name}") for name in ("total", "day"))
    if total is None or day is None:
        return None
    one, on, mine = held.agreement, held.known_on, case.id if case else ""
    then = None if on == desk.today() else on
    taken = places_taken(tx, one, mine, known_on=then)
    if taken >= int(str(total.value)):
        return None
    wanted = (case.planned_on if case else None) or on
    that_day = places_taken(tx, one, mine, wanted, then)
    first = on if that_day < int(str(day.value)) else wanted + dt.timedelta(1)
    shown = f"{taken} of {total.value} places taken; {that_day} of {day.value} on {wanted}"
    return Fact(first, shown, on, on)


def places_taken(
    tx: Tx,
    one: Agreement,
    but: str = "",
    on: dt.date | None = None,
    known_on: dt.date | None = None,
) -> int:
    """Return how many persons hold a place, or are planned for a day.

    ``known_on`` counts by each case's state at the end of that day, among cases of this host now.
    """
    c = CASES.c
    those = [c.host == one.id, c.id != but]
    if on is not None:
        those.append(c.planned_on == on.isoformat())
    if known_on is None:
        now = c.state.in_([state.value for state in TAKING])
        query = sa.select(sa.func.count()).select_from(CASES).where(*those, now)
        return int(tx.execute(query).scalar_one())
    cases = list(tx.execute(sa.select(c.id).where(*those)).scalars())
    return sum(1 for state in _states_at(tx, cases, known_on).values() if state in TAKING)


def _states_at(tx: Tx, cases: list[str], known_on: dt.date) -> dict[str, str]:
    end = dt.datetime.combine(known_on + dt.timedelta(1), dt.time(), dt.UTC)
    e = EVENTS.c
    query = sa.select(e.case, e.after).where(e.case.in_(cases), e.at < sa.literal(end, e.at.type))
    return dict(tx.execute(query.order_by(e.case, e.n)).all())


def concerned(tx: Tx, of: str, which: str) -> list[Agreement]:
    """Return the agreements that a claim is about: one, or all with a country."""
    if of == "agreement":
        return [find(tx, which)]
    return [one for one in listed(tx) if one.country == which]


def board(tx: Tx, desk: Desk) -> list[dict[str, Any]]:
    """Return every agreement with its terms, places and history, for a page."""
    today = desk.today()
    return [
        {
            "agreement": one,
            "terms": terms(tx, one),
            "status": status(tx, one),
            "taken": places_taken(tx, one),
            "history": claims.history(tx, one.about),
            "country": claims.newest(tx, f"country:{one.country}"),
            "today": today,
        }
        for one in listed(tx)
    ]
