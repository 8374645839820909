"""For how long the law wants customers' records kept, and putting them into the vault for so long.

A place without a law on retention keeps nothing longer than the customer wants.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tallystick.core.clock import new_id
from tallystick.core.rulebook.place import Jurisdiction
from tallystick.core.store import Tx
from tallystick.kiosk.customers import people
from tallystick.kiosk.customers.desk import CustomerDesk
from tallystick.kiosk.customers.tables import CUSTOMERS
from tallystick.kiosk.quote import Desk

UNIT_DAYS: Final = {"day": 1, "month": 31, "year": 366}


def retention(place: Jurisdiction, on: dt.date) -> tuple[dt.date, str] | None:
    """Return the last day of keeping a record made on a day, and the law: of several, the longest.

    A year counts 366 days, so that no count of days ends a record too early.
    """
    found = []
    for rule in place.of("report", on):
        kept = rule.terms.get("keep")
        if isinstance(kept, dict) and rule.in_force(on) is not False:
            days = int(kept["n"]) * UNIT_DAYS[str(kept["unit"])]
            found.append((on + dt.timedelta(days=days), f"{rule.id} ({rule.cite})"))
    return max(found, default=None)


def keep(
    tx: Tx,
    desk: Desk,
    mine: CustomerDesk,
    customer: str,
    kind: str,
    said: Mapping[str, Any],
    by: str,
    mark: str = "",
) -> str:
    """Put something that a customer showed into the vault, for as long as the law wants.

    Return the record's id.
    """
    until, basis = retention(desk.place, desk.day(desk.clock.now())) or (None, "")
    subject = subject_of(tx, desk, customer)
    return mine.vault.put(tx, subject, kind, msgspec.json.encode(said), by, until, basis, mark)


def subject_of(tx: Tx, desk: Desk, customer: str) -> str:
    """Return the vault's subject of a customer; after an erasure, a new one."""
    row = people.find(tx, customer)
    if row["erased_at"] is None:
        return str(row["subject"])
    fresh = new_id(desk.clock)
    mine = CUSTOMERS.update().where(CUSTOMERS.c.id == row["id"])
    tx.execute(mine.values(subject=fresh, erased_at=None))
    return fresh


def extend(tx: Tx, desk: Desk, mine: CustomerDesk, customer: str) -> None:
    """Keep what is kept of a customer longer, since there is a new purchase."""
    until = retention(desk.place, desk.day(desk.clock.now()))
    for subject in people.subjects(tx, customer) if until else ():
        for one in mine.vault.held(tx, subject):
            if until and (one.keep_until is None or one.keep_until < until[0]):
                mine.vault.keep(tx, one.id, *until)
