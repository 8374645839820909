"""Cash by person and day, over all machines: exact sums of counted notes, on the place's own days.

A note counts on the day on which it was counted, by the calendar of the place, so that a purchase
across midnight is two days' cash. A person is a customer where one is known, else an address.
Nothing is kept: what a report says can be computed again from the notes.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from tallystick.core import rulebook
from tallystick.core.store import Tx
from tallystick.kiosk import blocked
from tallystick.kiosk.customers.tables import BUYERS, CUSTOMERS
from tallystick.kiosk.model import Note
from tallystick.kiosk.tables import EVENTS, NOTES, PURCHASES

MARGIN: Final = dt.timedelta(days=2)
"""Clocks of places are at most a day from UTC: a wide window, cut exactly afterwards."""
ADDRESS: Final = "address:"

Zone = Callable[[str], ZoneInfo]
Persons = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Moved:
    """Cash that went in, or came back out, at one moment: minor units, never negative."""

    purchase: str
    machine: str
    person: str
    jurisdiction: str
    currency: str
    at: dt.datetime
    in_minor: int
    out_minor: int
    zone: str = ""
    """The machine's own time zone; empty: the first of its place."""


@dataclass(frozen=True, slots=True)
class PersonDay:
    """What one person put in and got back in one day of one place's law, over all machines."""

    person: str
    day: dt.date
    jurisdiction: str
    currency: str
    in_minor: int
    out_minor: int
    purchases: tuple[str, ...]
    machines: tuple[str, ...]
    zone: str = ""
    """The zone by which the day was reckoned; of several, one of them."""


@functools.cache
def zone_of(jurisdiction: str) -> ZoneInfo:
    """Return the zone by whose calendar a place's days are reckoned."""
    return ZoneInfo(rulebook.load(jurisdiction).zone)


def persons_of(tx: Tx) -> Persons:
    """Return who bought, by purchase, where a customer is known; the merged are one."""
    b, c = BUYERS.c, CUSTOMERS.c
    query = sa.select(b.purchase, sa.func.coalesce(c.merged_into, c.id))
    joined = query.join(CUSTOMERS, c.id == b.customer)
    return {row[0]: row[1] for row in tx.execute(joined)}


def moved(tx: Tx, first: dt.date, last: dt.date, persons: Persons | None = None) -> list[Moved]:
    """Return all cash that moved from one day to another, in each place's own days."""
    low = dt.datetime.combine(first, dt.time(), dt.UTC) - MARGIN
    high = dt.datetime.combine(last, dt.time(), dt.UTC) + MARGIN
    known = persons_of(tx) if persons is None else persons
    taken = sa.and_(NOTES.c.ended_at >= low, NOTES.c.ended_at <= high)
    back = sa.and_(EVENTS.c.at >= low, EVENTS.c.at <= high)
    return [*_taken(tx, taken, known), *_given_back(tx, back, known)]


def moved_in(tx: Tx, purchases: Sequence[str], person: str) -> list[Moved]:
    """Return all cash that moved in some purchases, as one person's."""
    known = dict.fromkeys(purchases, person)
    taken, back = NOTES.c.purchase.in_(purchases), EVENTS.c.purchase.in_(purchases)
    return [*_taken(tx, taken, known), *_given_back(tx, back, known)]


def _taken(tx: Tx, which: sa.ColumnElement[bool], known: Persons) -> list[Moved]:
    n, p = NOTES.c, PURCHASES.c
    query = (
        sa.select(n.purchase, n.machine, p.address, p.jurisdiction, n.currency, n.ended_at, n.minor)
        .add_columns(p.zone)
        .join(PURCHASES, p.id == n.purchase)
        .where(n.state == Note.STACKED.value, which)
        .order_by(n.ended_at, n.id)
    )
    return [
        Moved(r[0], r[1], person_of(known, r[0], r[2]), r[3], r[4], r[5], r[6], 0, r[7])
        for r in tx.execute(query)
    ]


def _given_back(tx: Tx, which: sa.ColumnElement[bool], known: Persons) -> list[Moved]:
    e, p = EVENTS.c, PURCHASES.c
    query = (
        sa.select(p.id, p.machine, p.address, p.jurisdiction, p.currency, e.at, p.cash_minor)
        .add_columns(p.zone)
        .join(EVENTS, e.purchase == p.id)
        .where(e.kind == "refunded", which)
        .order_by(e.at, p.id)
    )
    return [
        Moved(r[0], r[1], person_of(known, r[0], r[2]), r[3], r[4], r[5], 0, r[6], r[7])
        for r in tx.execute(query)
    ]


def person_of(known: Persons, purchase: str, address: str) -> str:
    """Return who a purchase counts for: the customer, else the address that it paid to."""
    return known.get(purchase) or f"{ADDRESS}{blocked.canonical(address)}"


def where_of(one: Moved, zone: Zone = zone_of) -> ZoneInfo:
    """Return the zone by whose calendar cash counts: the machine's own, else its place's first."""
    return ZoneInfo(one.zone) if one.zone else zone(one.jurisdiction)


def days(
    cash: Iterable[Moved], first: dt.date, last: dt.date, zone: Zone = zone_of
) -> list[PersonDay]:
    """Sum cash by person, place and day; only the days from ``first`` to ``last``."""
    groups: defaultdict[tuple[str, str, str, dt.date], list[Moved]] = defaultdict(list)
    for one in cash:
        day = one.at.astimezone(where_of(one, zone)).date()
        if first <= day <= last:
            groups[one.person, one.jurisdiction, one.currency, day].append(one)
    return [
        _summed(*key, held, where_of(held[0], zone).key)
        for key, held in sorted(groups.items(), key=lambda g: g[0])
    ]


def _summed(
    person: str, jurisdiction: str, currency: str, day: dt.date, held: list[Moved], zone: str
) -> PersonDay:
    purchases = sorted({one.purchase for one in held})
    machines = sorted({one.machine for one in held})
    return PersonDay(
        person,
        day,
        jurisdiction,
        currency,
        sum(one.in_minor for one in held),
        sum(one.out_minor for one in held),
        tuple(purchases),
        tuple(machines),
        zone,
    )


def combined(found: Iterable[PersonDay], layer: Callable[[str], str]) -> list[PersonDay]:
    """Sum days of one person over places under one layer of law: the federal duty knows no state.

    ``layer``: the code of the layer that has the duty, for a place's code.
    """
    groups: defaultdict[tuple[str, str, str, dt.date], list[PersonDay]] = defaultdict(list)
    for one in found:
        groups[one.person, layer(one.jurisdiction), one.currency, one.day].append(one)
    return [_joined(key, held) for key, held in sorted(groups.items(), key=lambda g: g[0])]


def _joined(key: tuple[str, str, str, dt.date], held: list[PersonDay]) -> PersonDay:
    person, jurisdiction, currency, day = key

    def every(name: str) -> tuple[str, ...]:
        return tuple(sorted({item for one in held for item in getattr(one, name)}))

    total_in, total_out = sum(d.in_minor for d in held), sum(d.out_minor for d in held)
    ends = (total_in, total_out, every("purchases"), every("machines"), held[0].zone)
    return PersonDay(person, day, jurisdiction, currency, *ends)


def rows(found: Iterable[PersonDay]) -> list[dict[str, Any]]:
    """Return days as plain rows, for a file."""
    return [
        {
            "person": one.person,
            "day": one.day.isoformat(),
            "jurisdiction": one.jurisdiction,
            "currency": one.currency,
            "cash_in_minor": one.in_minor,
            "cash_out_minor": one.out_minor,
            "purchases": " ".join(one.purchases),
            "machines": " ".join(one.machines),
        }
        for one in found
    ]
