"""A customer's rights over their data, and the operator's duties: show, export, erase, merge.

Each that opens the vault says who and why, and is written down before it is answered. An erasure
ends what no law wants kept; purchases and blind links stay, so that the books are whole and limits
still hold, until `sweep` lets the links go.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.store import Store, Tx
from tallystick.core.vault import Erasure, Held
from tallystick.core.vault.errors import RecordUnknown
from tallystick.kiosk.customers import people
from tallystick.kiosk.customers.identify import of
from tallystick.kiosk.customers.tables import BUYERS, CUSTOMERS, LINKS
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.record import listed
from tallystick.kiosk.scams import intervene
from tallystick.kiosk.tables import PURCHASES

BOUGHT = ("reference", "made_at", "state", "currency", "cash_minor", "fee_minor", "sats", "address")
PURCHASES_MAX = 5_000

Row = dict[str, Any]


def purchases(tx: Tx, customer: str) -> list[Row]:
    """Return a customer's purchases, the newest first."""
    mine = sa.select(BUYERS.c.purchase).where(BUYERS.c.customer == customer)
    query = sa.select(*(PURCHASES.c[name] for name in BOUGHT)).where(PURCHASES.c.id.in_(mine))
    newest = query.order_by(PURCHASES.c.made_at.desc()).limit(PURCHASES_MAX)
    return [dict(row) for row in tx.execute(newest).mappings()]


def held(store: Store, desk: Desk, customer: str) -> list[Held]:
    """Return what is kept about a customer, unopened; raise `CustomerUnknown`."""
    vault = of(desk).vault
    with store.read() as tx:
        subjects = people.subjects(tx, people.find(tx, customer)["id"])
        return [one for subject in subjects for one in vault.held(tx, subject)]


def export(store: Store, desk: Desk, customer: str, who: str, why: str) -> Row:
    """Return everything about a customer, opened on record: for the person, or an authority.

    ``records`` (kind, since, kept until and by which law, content), ``purchases``, ``accesses``.
    """
    vault = of(desk).vault
    with store.read() as tx:
        row = people.find(tx, customer)
        subjects, bought = people.subjects(tx, row["id"]), purchases(tx, row["id"])
    records: list[Row] = []
    for subject in subjects:
        try:
            records += [_record(one) for one in vault.export(store, subject, who, why)]
        except RecordUnknown:
            continue
    with store.read() as tx:
        seen = [a for subject in subjects for a in vault.accesses(tx, subject)]
    return {
        "customer": row["id"],
        "since": row["made_at"],
        "records": records,
        "purchases": bought,
        "accesses": [{"at": a.at, "who": a.who, "act": a.act, "why": a.why} for a in seen],
    }


def _record(one: Any) -> Row:
    return {
        "kind": one.held.kind,
        "since": one.held.made_at,
        "kept_until": one.held.keep_until,
        "by_law": one.held.basis,
        "content": msgspec.json.decode(one.content),
    }


def erase(store: Store, desk: Desk, customer: str, who: str, why: str) -> Erasure:
    """Erase a customer's data; what a law wants kept stays until its day and is named."""
    vault = of(desk).vault
    with store.read() as tx:
        row = people.find(tx, customer)
        subjects = people.subjects(tx, row["id"])
    done = [_erase(store, desk, subject, who, why) for subject in subjects]
    kept = tuple(one for each in done for one in each.kept)
    vault.sweep(store)
    if not kept:
        with store.transact() as tx:
            journal.lock(tx)
            mine = sa.or_(CUSTOMERS.c.id == row["id"], CUSTOMERS.c.merged_into == row["id"])
            tx.execute(sa.update(CUSTOMERS).where(mine).values(erased_at=desk.clock.now()))
            listed(tx, desk.clock, "customer_erased", {"customer": row["id"], "by": who})
    return Erasure(not kept, sum(each.erased for each in done), kept)


def _erase(store: Store, desk: Desk, subject: str, who: str, why: str) -> Erasure:
    try:
        return of(desk).vault.erase(store, subject, who, why)
    except RecordUnknown:
        return Erasure(True, 0)


def merge(store: Store, desk: Desk, into: str, other: str, by: str) -> None:
    """Make two customers one, on an operator's word; raise `MergeRefused`, `CustomerUnknown`."""
    with store.transact() as tx:
        journal.lock(tx)
        people.merge(tx, desk.clock, desk.scams.key, into, other, by)


def sweep(store: Store, desk: Desk) -> tuple[int, int]:
    """End what no law wants kept any longer, and links long after an erasure.

    Returns of how many people everything is gone, and how many links went.
    """
    mine = of(desk)
    people = len(mine.vault.sweep(store))
    before = desk.clock.now() - dt.timedelta(days=mine.policy.link_days)
    gone = sa.select(CUSTOMERS.c.id).where(CUSTOMERS.c.erased_at < before)
    with store.transact() as tx:
        journal.lock(tx)
        links = tx.execute(sa.delete(LINKS).where(LINKS.c.customer.in_(gone))).rowcount
    return people, links


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A number from before a purchase was flagged, by reference: its sealed record, not itself."""

    record: str
    subject: str
    at: dt.datetime


def enrolled_before(tx: Tx, purchase: str) -> str:
    """Return whose number may be called back about a purchase, as a subject of the vault.

    The number was shown before the purchase was ever looked at: a caller cannot have given his own
    in the call. Nothing where there is none.
    """
    who, flagged = people.buyer(tx, purchase), intervene.of_purchase(tx, purchase)
    if who is None or flagged is None or not who.customer:
        return ""
    mine = sa.and_(LINKS.c.customer == who.customer, LINKS.c.kind == people.PHONE)
    first = BUYERS.select().where(BUYERS.c.purchase == purchase)
    began = tx.execute(first).mappings().one()["made_at"]
    query = sa.select(LINKS.c.link).where(mine, LINKS.c.made_at < min(began, flagged["at"]))
    return str(tx.execute(query.order_by(LINKS.c.made_at).limit(1)).scalar() or "")


def enrolled(tx: Tx, desk: Desk, purchase: str) -> Enrolled | None:
    """Return where the number to call back is sealed, unopened; None where there is none."""
    mark = enrolled_before(tx, purchase) if desk.customers else ""
    found = people.buyer(tx, purchase)
    if not mark or found is None:
        return None
    at = tx.execute(sa.select(sa.func.min(LINKS.c.made_at)).where(LINKS.c.link == mark)).scalar()
    for subject in people.subjects(tx, found.customer):
        record = of(desk).vault.marked(tx, subject, "phone", mark)
        if record and at is not None:
            return Enrolled(record, subject, at)
    return None


def opened_by(tx: Tx, desk: Desk, number: Enrolled, who: str, since: dt.datetime) -> bool:
    """Say whether somebody opened this number, on record, after a moment."""
    reads = of(desk).vault.accesses(tx, number.subject)
    return any(r.who == who and r.record == number.record and r.at >= since for r in reads)


def call_back(store: Store, desk: Desk, purchase: str, who: str, why: str) -> str:
    """Return the number to call about a purchase, enrolled on an earlier visit; or nothing.

    Opened on record, as every read of the vault.
    """
    with store.read() as tx:
        number = enrolled(tx, desk, purchase)
    if number is None:
        return ""
    content = of(desk).vault.read(store, number.record, who, why).content
    return str(msgspec.json.decode(content)["number"])
