"""How the law, and what a customer showed, stand to one more note: the stricter of every reading.

Cash is summed over all machines of the operator, for the address and, once somebody is identified,
for the person; each sum is judged, and the least room counts. Only who showed a document is new or
existing to the law; everybody else is bound by the rules for both (a borrowed telephone makes
nobody an old customer).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core import rulebook
from tallystick.core.money import Amount, Price, asset
from tallystick.core.rulebook.person import Paid, Person, facts_of
from tallystick.core.store import Tx, one_of, prepared
from tallystick.kiosk import quote as quoting
from tallystick.kiosk import wire
from tallystick.kiosk.customers import ask as asking
from tallystick.kiosk.customers import people
from tallystick.kiosk.customers.ask import Asked
from tallystick.kiosk.customers.people import Buyer
from tallystick.kiosk.customers.policy import Policy
from tallystick.kiosk.customers.tables import BUYERS
from tallystick.kiosk.model import OPEN, State
from tallystick.kiosk.quote import COUNTED, EVER, Desk
from tallystick.kiosk.tables import NOTES, PURCHASES

UNASKED: Final = Policy()


@dataclass(frozen=True, slots=True)
class Standing:
    """The verdict, what may still go in beyond this purchase, and what must be shown for more."""

    verdict: rulebook.Verdict
    left_minor: int
    show: tuple[Asked, ...] = ()
    """What stands in the way of this note, if that is why it is refused."""
    more: tuple[Asked, ...] = ()
    """What must be shown for more than what is left, if that is what bounds it."""


@dataclass(frozen=True, slots=True)
class Sums:
    """What one address or one person paid in: before, elsewhere, and in this purchase."""

    others: Sequence[Paid]
    own: int


def standing(desk: Desk, tx: Tx, row: Any, note_minor: int, who: Buyer | None) -> Standing:
    """Judge one more note of a purchase (``row``: its id and address) in minor units.

    ``who``: its buyer, as `people.buyer` says in this step.
    """
    now = desk.clock.now()
    today = desk.day(now)
    asked = asking.asks(desk.place, _policy(desk), today)
    since = _since(desk, asked, now)
    groups = [_summed(_paid_for(tx, address=row["address"], since=since).all(), row["id"])]
    if who is not None and who.customer:
        mine = _paid_by(tx, customer=who.customer, since=since).all()
        groups.append(_summed(mine, row["id"]))
    by_law = min((_law(desk, g, who, note_minor, now) for g in groups), key=_strictness)
    if by_law.verdict.answer is not rulebook.Answer.PERMIT or not asked:
        return by_law
    return _identity(desk, by_law, groups, asked, who, note_minor, now)


def _policy(desk: Desk) -> Policy:
    return desk.customers.policy if desk.customers else UNASKED


def _since(desk: Desk, asked: Sequence[Asked], now: dt.datetime) -> dt.datetime:
    limits = rulebook.binding(desk.place, desk.day(now)).limits
    if any(fact.endswith("_days") for _, fact, _ in limits) or any(a.days > 1 for a in asked):
        return EVER
    return desk.midnight(now)


def _summed(rows: Sequence[Any], purchase: str) -> Sums:
    own = sum(row.minor for row in rows if row.purchase == purchase)
    return Sums([Paid(row.asked_at, row.minor) for row in rows if row.purchase != purchase], own)


def _law(desk: Desk, group: Sums, who: Buyer | None, note_minor: int, now: dt.datetime) -> Standing:
    signed_up = who.signed_up if who and who.documented else None
    person = Person(group.others, signed_up)
    facts = facts_of(desk.place, person, group.own + note_minor, now)
    if who is None or not who.documented:
        facts["customer"] = "unknown"
    verdict = rulebook.ask(desk.place, "kiosk.sell", facts, desk.day(now))
    if verdict.answer is rulebook.Answer.REFER:
        return Standing(verdict, 0)
    return Standing(verdict, max((verdict.left_minor or 0) - group.own, 0))


def _strictness(one: Standing) -> tuple[int, int]:
    order = [rulebook.Answer.REFUSE, rulebook.Answer.REFER, rulebook.Answer.PERMIT]
    return order.index(one.verdict.answer), one.left_minor


def _identity(
    desk: Desk,
    by_law: Standing,
    groups: Sequence[Sums],
    asked: Sequence[Asked],
    who: Buyer | None,
    note_minor: int,
    now: dt.datetime,
) -> Standing:
    """Hold the note against what was not shown; the sums of every group count."""
    have = who.shown if who else frozenset()
    left, show = by_law.left_minor, []
    more: list[Asked] = []
    for group in groups:
        sums = {one.days: _before(desk, group, one.days, now) + group.own for one in asked}
        free = asking.room(asked, sums, have)
        if free is not None and free < left:
            left, more = free, asking.bounds(asked, sums, have)
        after = {days: sum_ + note_minor for days, sum_ in sums.items()}
        show += asking.stops(asked, after, have)
    return Standing(by_law.verdict, left, tuple(dict.fromkeys(show)), tuple(more))


def _before(desk: Desk, group: Sums, days: int, now: dt.datetime) -> int:
    """Sum what was paid elsewhere within the window: the calendar day, or so many days back."""
    start = desk.midnight(now) if days <= 1 else now - dt.timedelta(days=days)
    return sum(paid.minor for paid in group.others if paid.at >= start)


def _notes(which: sa.Select[Any], since: object) -> sa.Select[Any]:
    query = sa.select(NOTES.c.purchase, NOTES.c.asked_at, NOTES.c.minor)
    query = query.where(one_of(NOTES.c.state, COUNTED), NOTES.c.asked_at >= since)
    return query.where(NOTES.c.purchase.in_(which)).order_by(NOTES.c.asked_at)


@prepared
def _paid_for(address: str, since: object) -> sa.Select[Any]:
    return _notes(sa.select(PURCHASES.c.id).where(PURCHASES.c.address == address), since)


@prepared
def _paid_by(customer: str, since: object) -> sa.Select[Any]:
    return _notes(sa.select(BUYERS.c.purchase).where(BUYERS.c.customer == customer), since)


def show_more(found: Standing) -> list[wire.IdentityAsk]:
    """Return what a customer shows so that more can go in, each thing once."""
    asked = {one.item: one for one in (*found.more, *found.show)}
    return [wire.IdentityAsk(item=one.item, cite=one.cite) for one in asked.values()]


def more(tx: Tx, desk: Desk, row: Any, price: Price) -> tuple[int, list[wire.IdentityAsk]]:
    """Return how much more cash may go in, and what is to be shown for more than the law's part.

    It is the least of what the law, the machine's cap and our coins leave, in minor units.
    """
    by_law = standing(desk, tx, row, 0, people.buyer(tx, row["id"]))
    return room(tx, desk, row, price, by_law), show_more(by_law)


def room_of(tx: Tx, desk: Desk, purchase: str) -> int | None:
    """Return how much more cash may go into an open purchase; None where there is none."""
    row = tx.execute(sa.select(PURCHASES).where(PURCHASES.c.id == purchase)).mappings().first()
    if row is None or State(row["state"]) not in OPEN:
        return None
    return more(tx, desk, row, Price(Amount(row["price_minor"], asset(row["currency"]))))[0]


def room(tx: Tx, desk: Desk, row: Any, price: Price, by_law: Standing) -> int:
    """Return the least of what the law, the machine's cap and our coins leave, in minor units."""
    return min(by_law.left_minor, *quoting.means(desk, tx, row["machine"], price))
