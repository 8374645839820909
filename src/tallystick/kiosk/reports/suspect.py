"""Suspicion that drafts its own report: an upheld claim, a silent call for help (requirement 19).

The victim's cash is summed and a report of suspicion drafted where the law of the place wants one,
for an officer to complete and two to file. Whoever decides the claim learns nothing of it: one
entry of the journal's quiet header is written whether there is a draft or none, so that not even
the public log's order tells (31 U.S.C. 5318(g)(2)).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import Clock
from tallystick.core.store import Tx
from tallystick.kiosk.customers import people
from tallystick.kiosk.customers.tables import BUYERS
from tallystick.kiosk.reports import cash, drafts, filing
from tallystick.kiosk.reports.errors import NoSuchDuty, ReportIncomplete
from tallystick.kiosk.tables import PURCHASES

SCAM: Final = "fraud-kiosk-scam"
LOOKED_BACK: Final = dt.timedelta(days=90)
"""How far back a call for help sums the cash of the same person, or to the same address."""
PURCHASES_MAX: Final = 1_000

Row = dict[str, Any]


def claim_upheld(tx: Tx, clock: Clock, purchases: Sequence[str], reference: str) -> None:
    """Draft a report about the purchases of an upheld claim, as one person's cash."""
    rows = _rows(tx, PURCHASES.c.id.in_(purchases))
    persons = [_person(tx, row) for row in rows]
    known = [one for one in persons if not one.startswith(cash.ADDRESS)]
    _draft(tx, clock, rows, (known or persons)[0], f"claim {reference} was upheld")


def help_asked(tx: Tx, clock: Clock, purchase: str) -> None:
    """Draft a report about somebody who asked for help without words, with their cash lately."""
    (row,) = _rows(tx, PURCHASES.c.id == purchase)
    person, lately = _person(tx, row), PURCHASES.c.made_at >= clock.now() - LOOKED_BACK
    if person.startswith(cash.ADDRESS):
        mine = PURCHASES.c.address == row["address"]
    else:
        bought = sa.select(BUYERS.c.purchase).where(BUYERS.c.customer == person)
        mine = PURCHASES.c.id.in_(bought)
    rows = _rows(tx, sa.and_(mine, lately))
    _draft(tx, clock, rows, person, f"help was asked for at purchase {row['reference']}")


def _rows(tx: Tx, which: sa.ColumnElement[bool]) -> list[Row]:
    query = sa.select(PURCHASES).where(which).order_by(PURCHASES.c.made_at.desc())
    return [dict(row) for row in tx.execute(query.limit(PURCHASES_MAX)).mappings()]


def _person(tx: Tx, row: Row) -> str:
    buyer = people.buyer(tx, row["id"])
    return cash.person_of({row["id"]: buyer.customer} if buyer else {}, row["id"], row["address"])


def _draft(tx: Tx, clock: Clock, rows: Sequence[Row], person: str, because: str) -> None:
    """Keep a draft if the law wants one; in either case write one quiet entry, not more."""
    journal.lock(tx)
    before, now = journal.head(tx)[0], clock.now()
    moves = cash.moved_in(tx, [row["id"] for row in rows], person)
    found = cash.days(moves, dt.date.min, dt.date.max)
    if found:
        detected = now.astimezone(cash.where_of(moves[0])).date()
        try:
            draft = drafts.sar(found, person, [SCAM], detected)
            filing.write_by_itself(tx, clock, draft, because)
        except (NoSuchDuty, ReportIncomplete):
            pass
    if journal.head(tx)[0] == before:
        salt = clock.random_bytes(journal.SALT_BYTES)
        journal.append(tx, *journal.QUIET, journal.commit(salt, {"at": now}), now)
