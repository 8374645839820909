"""On which record of the vault each purchase rests, and a picture that need not be taken again.

A picture of the card, or of the person, that is held and not older than the policy's days is in
force for whoever shows the same document again: nothing is asked twice for its own sake. Either
way the books say, for each purchase and item, which record it rests on and whether it was taken
at that visit; what is in the record stays in the vault (Decision 1).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from tallystick.core.clock import Clock
from tallystick.core.store import Tx
from tallystick.core.vault import Vault
from tallystick.kiosk.customers import people
from tallystick.kiosk.customers.ask import Item
from tallystick.kiosk.customers.tables import BUYERS, RESTS

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rest:
    """A record that a purchase rests on. ``again``: held from before, and not asked for."""

    item: str
    record: str
    at: dt.datetime
    """When it was taken; for one from before, that day."""
    again: bool


def note(tx: Tx, purchase: str, item: Item, record: str, at: dt.datetime, again: bool) -> None:
    """Write down the record of an item; shown twice at one visit, the last one stands."""
    mine = sa.and_(RESTS.c.purchase == purchase, RESTS.c.item == item.value)
    tx.execute(sa.delete(RESTS).where(mine))
    row = {"purchase": purchase, "item": item.value, "record": record, "at": at}
    tx.execute(sa.insert(RESTS).values(**row, again=int(again)))


def of(tx: Tx, purchase: str) -> list[Rest]:
    """Return the records that a purchase rests on, in the order in which they are asked for."""
    rows = tx.execute(sa.select(RESTS).where(RESTS.c.purchase == purchase)).mappings()
    order = [item.value for item in Item]
    found = [Rest(r["item"], r["record"], r["at"], bool(r["again"])) for r in rows]
    return sorted(found, key=lambda one: order.index(one.item))


def in_force(
    tx: Tx, vault: Vault, clock: Clock, customer: str, item: Item, document: str, days: int
) -> Rest | None:
    """Return a customer's picture that is still held and young enough, or None.

    A copy counts only if it was taken beside the same ``document``, by the record of what is on
    it: a card that was renewed is pictured anew.
    """
    r, b, there = RESTS.c, BUYERS.c, RESTS.alias()
    since = clock.now() - dt.timedelta(days=days)
    query = sa.select(RESTS).join(BUYERS, b.purchase == r.purchase).where(b.customer == customer)
    query = query.where(r.item == item.value, r.again == 0, r.at > since)
    if item is Item.COPY:
        beside = sa.select(there.c.purchase).where(there.c.record == document)
        query = query.where(r.purchase.in_(beside.where(there.c.item == Item.DOCUMENT.value)))
    kept = {one.id for s in people.subjects(tx, customer) for one in vault.held(tx, s)}
    for row in tx.execute(query.order_by(r.at.desc(), r.purchase.desc())).mappings():
        if row["record"] in kept:
            return Rest(row["item"], row["record"], row["at"], True)
    return None
