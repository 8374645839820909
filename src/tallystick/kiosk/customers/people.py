"""One person over many telephones and machines: finding, linking and merging by blind links.

A telephone only points at somebody; a document says who it is. A number whose owner showed no
document belongs to whoever shows one with it; a number of somebody documented was borrowed, and
the document decides. Documents that name the same person, born on the same day, are one person's.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Tx, prepared
from tallystick.kiosk.customers.errors import CustomerUnknown, MergeRefused
from tallystick.kiosk.customers.tables import BUYERS, CUSTOMERS, LINKS
from tallystick.kiosk.record import listed
from tallystick.kiosk.scams import trial
from tallystick.kiosk.scams.tables import INTERVENTIONS

PHONE: Final = "phone"
DOCUMENT: Final = "document"
PERSON: Final = "person"
MERGES_MAX: Final = 64

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who stands at one purchase. ``shown``: what they showed at this visit."""

    purchase: str
    machine: str
    customer: str
    phone: str
    shown: frozenset[str]
    documented: bool
    signed_up: dt.datetime | None


@prepared
def _buyer(purchase: str) -> sa.Select[Any]:
    b, c = BUYERS.c, CUSTOMERS.c
    joined = BUYERS.outerjoin(CUSTOMERS, c.id == b.customer)
    query = sa.select(b.machine, b.customer, b.phone, b.shown, c.documented_at, c.made_at)
    return query.select_from(joined).where(b.purchase == purchase)


def buyer(tx: Tx, purchase: str) -> Buyer | None:
    """Return who stands at a purchase, or None where nothing was asked of anybody."""
    row = _buyer(tx, purchase=purchase).first()
    if row is None:
        return None
    shown = frozenset(msgspec.json.decode(row.shown, type=list[str]))
    named = (purchase, row.machine, row.customer or "", row.phone, shown)
    return Buyer(*named, row.documented_at is not None, row.made_at)


def find(tx: Tx, customer: str) -> Row:
    """Return a customer's row, of whom they were merged into if so; raise `CustomerUnknown`."""
    for _ in range(MERGES_MAX if customer.isalnum() else 0):
        row = tx.execute(sa.select(CUSTOMERS).where(CUSTOMERS.c.id == customer)).mappings().first()
        if row is None:
            break
        if not row["merged_into"]:
            return dict(row)
        customer = row["merged_into"]
    raise CustomerUnknown(f"there is no customer {customer[:40]}")


def subjects(tx: Tx, customer: str) -> list[str]:
    """Return the vault's subjects of a customer and of everybody merged into them."""
    mine = sa.or_(CUSTOMERS.c.id == customer, CUSTOMERS.c.merged_into == customer)
    query = sa.select(CUSTOMERS.c.subject).where(mine).order_by(CUSTOMERS.c.made_at)
    return list(tx.execute(query).scalars())


def of_link(tx: Tx, kind: str, link: str) -> str:
    """Return the customer that a link leads to, or nothing."""
    query = sa.select(LINKS.c.customer).where(LINKS.c.kind == kind, LINKS.c.link == link)
    found = tx.execute(query).scalar()
    return str(find(tx, found)["id"]) if found else ""


def make(tx: Tx, clock: Clock) -> str:
    """Add a customer of whom nothing is known yet."""
    made = new_id(clock)
    row = {"id": made, "subject": new_id(clock), "made_at": clock.now()}
    tx.execute(sa.insert(CUSTOMERS).values(row))
    return made


def point(tx: Tx, clock: Clock, kind: str, link: str, customer: str) -> bool:
    """Have a link lead to a customer; return whether it is new."""
    mine, now = sa.and_(LINKS.c.kind == kind, LINKS.c.link == link), clock.now()
    moved = sa.update(LINKS).where(mine).values(customer=customer, seen_at=now)
    if tx.execute(moved).rowcount:
        return False
    row = {"kind": kind, "link": link, "customer": customer, "made_at": now, "seen_at": now}
    tx.execute(sa.insert(LINKS).values(row))
    return True


def documented(tx: Tx, customer: str) -> bool:
    """Say whether a customer ever showed a document."""
    return find(tx, customer)["documented_at"] is not None


def merge(tx: Tx, clock: Clock, key: bytes, into: str, other: str, by: str) -> None:
    """Make two customers one, with all purchases, links and history; journalled.

    ``key``: the scam desk's, whose record follows. Raises `MergeRefused` when they are one.
    """
    kept, gone = find(tx, into)["id"], find(tx, other)["id"]
    if kept == gone:
        raise MergeRefused("these two are one already")
    for table in (LINKS, BUYERS):
        tx.execute(sa.update(table).where(table.c.customer == gone).values(customer=kept))
    below = sa.or_(CUSTOMERS.c.id == gone, CUSTOMERS.c.merged_into == gone)
    tx.execute(sa.update(CUSTOMERS).where(below).values(merged_into=kept))
    _inherit(tx, kept, gone)
    was, now = (pseudonym(key, one) for one in (gone, kept))
    desk = sa.update(INTERVENTIONS).where(INTERVENTIONS.c.person == was)
    tx.execute(desk.values(person=now))
    listed(tx, clock, "customer_merged", {"kept": kept, "gone": gone, "by": by})


def _inherit(tx: Tx, kept: str, gone: str) -> None:
    """Give the one who stays the earlier sign-up and any document of the other."""
    c = CUSTOMERS.c
    rows = tx.execute(sa.select(CUSTOMERS).where(c.id.in_((kept, gone)))).mappings().all()
    shown = [row["documented_at"] for row in rows if row["documented_at"] is not None]
    values = {"made_at": min(row["made_at"] for row in rows)}
    tx.execute(
        sa.update(CUSTOMERS)
        .where(c.id == kept)
        .values(documented_at=min(shown, default=None), **values)
    )


def pseudonym(key: bytes, customer: str) -> str:
    """Return who a customer is in the scam desk's record."""
    return trial.pseudonym(key, f"customer:{customer}")
