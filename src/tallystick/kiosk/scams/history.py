"""Fill a scene with what all machines know of the person, the telephone and the address.

It reads the desk's own record, so that a sum split over machines, days or addresses is one sum
(requirement 14). A person who is not identified has no history, which is the stricter reading.

Once a listed address is taken off on appeal, its earlier flags count no more against it, nor
against whoever was flagged for the listing alone; what else a person was flagged for stands.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core.store import Tx, prepared
from tallystick.kiosk import blocked
from tallystick.kiosk.scams.policy import Answer, Policy, Step, after_answers, minimum_step
from tallystick.kiosk.scams.signals import PERCENT, Kind, Scene, read
from tallystick.kiosk.scams.tables import AFTER, INTERVENTIONS

ROWS_MAX: Final = 5_000
NEW_ADDRESS_HOURS: Final = 72
"""Until this long after it was first paid, an address still has no history."""
LATELY_DAYS: Final = 30
DAY: Final = dt.timedelta(days=1)
LIST_LIFTED: Final = "list-lifted"
OF_THE_ADDRESS: Final = frozenset(
    {
        Kind.ADDRESS_LISTED,
        Kind.ADDRESS_STOPPED,
        Kind.ADDRESS_SHARED,
        Kind.MANY_MACHINES,
        Kind.REPEAT,
    }
)
"""What speaks against the address and not the person: an appeal that is upheld answers it."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who buys, where, to which address. Person and phone are pseudonyms; empty if not known."""

    purchase: str
    machine: str
    address: str
    person: str = ""
    phone: str = ""
    known: bool = True
    """False where the address itself stands for a person whom nobody identified."""


Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """The desk's rows of other purchases, newest first: by person, by address, by telephone."""

    mine: list[Row]
    there: list[Row]
    lent: list[Row]
    gone: Collection[str]
    """Rows whose flag ended with a listing that was lifted on appeal."""

    def flags(self, who: Who, policy: Policy) -> list[tuple[Step, dt.datetime]]:
        """Return each step that this person or address was flagged with, and when."""
        rows = _standing(who, self.mine, self.there, self.gone, policy)
        return [(Step(row["raised"]), row["at"]) for row in rows]


def history_of(tx: Tx, who: Who) -> History:
    """Return what the desk's record has of the person, the address and the telephone."""
    mine = _rows(_of_person, tx, who, who.person)
    there = _rows(_of_address, tx, who, blocked.canonical(who.address))
    return History(mine, there, _rows(_of_phone, tx, who, who.phone), _gone(tx, mine, there))


def fill(
    tx: Tx,
    who: Who,
    scene: Scene,
    now: dt.datetime,
    policy: Policy,
    known: History | None = None,
) -> Scene:
    """Return the scene with its history, lists and earlier stops as of ``now``.

    ``known``: what `history_of` says of them in this very step, if it was asked already.
    """
    known = known or history_of(tx, who)
    mine, there, lent, gone = known.mine, known.there, known.lent, known.gone
    lists = blocked.lists_of(tx, who.address, now)
    new, new_sum = _newness(tx, who, mine, there, now)
    cleared = [row for row in there if row["id"] not in gone]
    return replace(
        scene,
        purchases_before=sum(bool(row["sent_minor"]) for row in mine),
        usual_minor=int(
            statistics.median_low([r["in_minor"] for r in mine if r["in_minor"]] or [0])
        ),
        today_minor=max(_paid(mine, now - DAY), _paid(there, now - DAY)),
        near_limit_before=_shares(mine, now - LATELY_DAYS * DAY),
        address_others=len(_persons(cleared) - {who.person}),
        phone_others=len(_persons(lent) - {who.person}),
        address_new=new,
        new_address_minor=new_sum,
        address_list=next((name for name in lists if name != blocked.STOPS), ""),
        address_stopped=blocked.STOPS in lists,
        refused_s=_refused_s(_standing(who, mine, there, gone, policy), now),
        address_machines=len(_machines(cleared, now) | {who.machine}),
    )


def lifted(tx: Tx, ids: Iterable[str]) -> dict[str, dt.datetime]:
    """Return which interventions' address was taken off its list on appeal since, and when."""
    a = AFTER.c
    query = sa.select(a.intervention, sa.func.max(a.at)).where(a.kind == LIST_LIFTED)
    mine = query.where(a.intervention.in_(sorted(set(ids)))).group_by(a.intervention)
    return {row[0]: row[1] for row in tx.execute(mine)}


def _gone(tx: Tx, *rows: list[Row]) -> Collection[str]:
    """Return which of the rows' flags ended with a listing that was lifted on appeal."""
    flagged = [row["id"] for some in rows for row in some if row["step"]]
    return lifted(tx, flagged) if flagged else ()


def _standing(
    who: Who, mine: list[Row], there: list[Row], gone: Collection[str], policy: Policy
) -> list[Row]:
    """Return the rows whose flags still stand, for the person and for the address."""
    persons = [_unlisted(row, policy) if row["id"] in gone else row for row in mine]
    kept = persons if who.known else [row for row in mine if row["id"] not in gone]
    return [*kept, *(row for row in there if row["id"] not in gone)]


def _unlisted(row: Row, policy: Policy) -> Row:
    """Return a person's row without what spoke against its address: other signals, answers."""
    seen = msgspec.json.decode(row["signals"], type=list[Row])
    rest = [read(one) for one in seen if one["kind"] not in OF_THE_ADDRESS]
    given = msgspec.json.decode(row["answers"], type=list[tuple[str, str]])
    step = after_answers(minimum_step(rest, policy), [Answer(*one) for one in given], policy)
    raised = min(Step(row["raised"]), step)
    return row | {"raised": raised, "step": raised}


def _newest(column: sa.Column[str], value: str, but: str) -> sa.Select[Any]:
    query = sa.select(INTERVENTIONS).where(column == value, INTERVENTIONS.c.purchase != but)
    return query.order_by(INTERVENTIONS.c.at.desc()).limit(ROWS_MAX)


@prepared
def _of_person(value: str, but: str) -> sa.Select[Any]:
    return _newest(INTERVENTIONS.c.person, value, but)


@prepared
def _of_address(value: str, but: str) -> sa.Select[Any]:
    return _newest(INTERVENTIONS.c.address, value, but)


@prepared
def _of_phone(value: str, but: str) -> sa.Select[Any]:
    return _newest(INTERVENTIONS.c.phone, value, but)


def _rows(ask: Callable[..., Any], tx: Tx, who: Who, value: str) -> list[Row]:
    return list(ask(tx, value=value, but=who.purchase).mappings()) if value else []


def _paid(rows: list[Row], since: dt.datetime) -> int:
    return sum(_kept(row) for row in rows if row["at"] > since)


def _kept(row: Row) -> int:
    """Return what a purchase took and did not give back, in minor units."""
    return int(row["in_minor"] - row["returned_minor"])


def _shares(rows: list[Row], since: dt.datetime) -> tuple[int, ...]:
    near = [row for row in rows if row["at"] > since and row["limit_minor"]]
    return tuple(row["in_minor"] * PERCENT // row["limit_minor"] for row in near)


def _persons(rows: list[Row]) -> set[str]:
    """Return who paid; each purchase of somebody unknown counts as another person."""
    return {row["person"] or row["purchase"] for row in rows if row["in_minor"]}


def _machines(rows: list[Row], now: dt.datetime) -> set[str]:
    since = now - LATELY_DAYS * DAY
    return {row["machine"] for row in rows if row["at"] > since and row["in_minor"]}


def _refused_s(rows: list[Row], now: dt.datetime) -> int | None:
    stopped = [row["at"] for row in rows if row["step"] >= Step.HOLD]
    return int((now - max(stopped)).total_seconds()) if stopped else None


def _newness(
    tx: Tx, who: Who, mine: list[Row], there: list[Row], now: dt.datetime
) -> tuple[bool, int]:
    """Say whether the address has no history yet, and what went to such addresses lately.

    A first purchase split into several, or over several new addresses, is summed again.
    """
    since = now - dt.timedelta(hours=NEW_ADDRESS_HOURS)
    old = [row for row in there if row["sent_minor"] and row["at"] <= since]
    to_it = _paid(there, since)
    firsts = _first_paid(tx, {row["address"] for row in mine if row["at"] > since})
    fresh = [row for row in mine if firsts.get(row["address"], now) > since]
    return not old, max(to_it, _paid(fresh, since))


def _first_paid(tx: Tx, addresses: set[str]) -> dict[str, dt.datetime]:
    if not addresses:
        return {}
    i = INTERVENTIONS.c
    query = sa.select(i.address, sa.func.min(i.at)).where(i.address.in_(sorted(addresses)))
    return {row[0]: row[1] for row in tx.execute(query.where(i.sent_minor > 0).group_by(i.address))}
