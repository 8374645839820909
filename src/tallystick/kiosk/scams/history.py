"""Fill a scene with what all machines know of the person, the telephone and the address.

It reads the desk's own record, so that a sum split over machines, days or addresses is one sum
(requirement 14). A person who is not identified has no history, which is the stricter reading.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.store import Tx, prepared
from tallystick.kiosk import blocked
from tallystick.kiosk.scams.policy import Step
from tallystick.kiosk.scams.signals import PERCENT, Scene
from tallystick.kiosk.scams.tables import INTERVENTIONS

ROWS_MAX: Final = 5_000
NEW_ADDRESS_HOURS: Final = 72
"""Until this long after it was first paid, an address still has no history."""
LATELY_DAYS: Final = 30
DAY: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Who:
    """Who buys, where, to which address. Person and phone are pseudonyms; empty if not known."""

    purchase: str
    machine: str
    address: str
    person: str = ""
    phone: str = ""


Rows = Sequence[sa.Row[Any]]


@dataclass(frozen=True, slots=True)
class History:
    """The desk's rows of other purchases, newest first: by person, by address, by telephone."""

    mine: Rows
    there: Rows
    lent: Rows

    def flags(self) -> list[tuple[Step, dt.datetime]]:
        """Return each step that this person or address was flagged with, and when."""
        return [(Step(row.raised), row.at) for row in (*self.mine, *self.there)]


def read(tx: Tx, who: Who) -> History:
    """Return what the desk's record has of the person, the address and the telephone."""
    address = blocked.canonical(who.address)
    return History(
        _of_person(tx, value=who.person, but=who.purchase).all() if who.person else (),
        _of_address(tx, value=address, but=who.purchase).all() if address else (),
        _of_phone(tx, value=who.phone, but=who.purchase).all() if who.phone else (),
    )


def fill(tx: Tx, who: Who, scene: Scene, now: dt.datetime, known: History | None = None) -> Scene:
    """Return the scene with its history, lists and earlier stops as of ``now``.

    ``known``: what `read` says of them in this very step, if it was asked already.
    """
    known = known or read(tx, who)
    mine, there, lent = known.mine, known.there, known.lent
    lists = blocked.lists_of(tx, who.address, now)
    new, new_sum = _newness(tx, mine, there, now)
    return replace(
        scene,
        purchases_before=sum(bool(row.sent_minor) for row in mine),
        usual_minor=int(statistics.median_low([r.in_minor for r in mine if r.in_minor] or [0])),
        today_minor=max(_paid(mine, now - DAY), _paid(there, now - DAY)),
        near_limit_before=_shares(mine, now - LATELY_DAYS * DAY),
        address_others=len(_persons(there) - {who.person}),
        phone_others=len(_persons(lent) - {who.person}),
        address_new=new,
        new_address_minor=new_sum,
        address_list=next((name for name in lists if name != blocked.STOPS), ""),
        address_stopped=blocked.STOPS in lists,
        refused_s=_refused_s([*mine, *there], now),
        address_machines=len(_machines(there, now) | {who.machine}),
    )


def _newest(column: sa.Column[str], value: str, but: str) -> sa.Select[Any]:
    i = INTERVENTIONS.c
    figures = (i.in_minor, i.sent_minor, i.returned_minor, i.limit_minor, i.step, i.raised)
    query = sa.select(i.purchase, i.person, i.machine, i.address, i.at, *figures)
    query = query.where(column == value, i.purchase != but)
    return query.order_by(i.at.desc()).limit(ROWS_MAX)


@prepared
def _of_person(value: str, but: str) -> sa.Select[Any]:
    return _newest(INTERVENTIONS.c.person, value, but)


@prepared
def _of_address(value: str, but: str) -> sa.Select[Any]:
    return _newest(INTERVENTIONS.c.address, value, but)


@prepared
def _of_phone(value: str, but: str) -> sa.Select[Any]:
    return _newest(INTERVENTIONS.c.phone, value, but)


def _paid(rows: Rows, since: dt.datetime) -> int:
    return sum(_kept(row) for row in rows if row.at > since)


def _kept(row: sa.Row[Any]) -> int:
    """Return what a purchase took and did not give back, in minor units."""
    return int(row.in_minor - row.returned_minor)


def _shares(rows: Rows, since: dt.datetime) -> tuple[int, ...]:
    near = [row for row in rows if row.at > since and row.limit_minor]
    return tuple(row.in_minor * PERCENT // row.limit_minor for row in near)


def _persons(rows: Rows) -> set[str]:
    """Return who paid; each purchase of somebody unknown counts as another person."""
    return {row.person or row.purchase for row in rows if row.in_minor}


def _machines(rows: Rows, now: dt.datetime) -> set[str]:
    since = now - LATELY_DAYS * DAY
    return {row.machine for row in rows if row.at > since and row.in_minor}


def _refused_s(rows: Rows, now: dt.datetime) -> int | None:
    stopped = [row.at for row in rows if row.step >= Step.HOLD]
    return int((now - max(stopped)).total_seconds()) if stopped else None


def _newness(tx: Tx, mine: Rows, there: Rows, now: dt.datetime) -> tuple[bool, int]:
    """Say whether the address has no history yet, and what went to such addresses lately.

    A first purchase split into several, or over several new addresses, is summed again.
    """
    since = now - dt.timedelta(hours=NEW_ADDRESS_HOURS)
    old = [row for row in there if row.sent_minor and row.at <= since]
    to_it = _paid(there, since)
    firsts = _first_paid(tx, {row.address for row in mine if row.at > since})
    fresh = [row for row in mine if firsts.get(row.address, now) > since]
    return not old, max(to_it, _paid(fresh, since))


def _first_paid(tx: Tx, addresses: set[str]) -> dict[str, dt.datetime]:
    if not addresses:
        return {}
    i = INTERVENTIONS.c
    query = sa.select(i.address, sa.func.min(i.at)).where(i.address.in_(sorted(addresses)))
    return {row[0]: row[1] for row in tx.execute(query.where(i.sent_minor > 0).group_by(i.address))}
