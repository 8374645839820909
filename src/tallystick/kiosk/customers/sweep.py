"""Once a day: end what no law wants kept any longer, write the run down, and say when it failed.

Each run is a row and an entry of the journal; one that failed is a row with its trouble, shown in
the console until a later one succeeds. An hour after a failure it is tried again. What is ended,
the vault's own entries say.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import new_id
from tallystick.core.logs import logger
from tallystick.core.store import Store, Tx
from tallystick.kiosk.customers import rights
from tallystick.kiosk.customers.tables import CUSTOMERS, SWEEPS
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.record import listed

EVERY: Final = dt.timedelta(days=1)
AGAIN_AFTER: Final = dt.timedelta(hours=1)
LATE_AFTER: Final = dt.timedelta(hours=36)
TROUBLE_CHARS_MAX: Final = 300
SERVER: Final = "the server"
LOG: Final = logger()


@dataclass(frozen=True, slots=True)
class Run:
    """One run: when and by whom, how many people's data and links it ended, or what went wrong."""

    at: dt.datetime
    by: str
    people: int
    links: int
    trouble: str


def last(tx: Tx, *, good: bool = False) -> Run | None:
    """Return the newest run, or the newest ``good`` one."""
    query = sa.select(SWEEPS).order_by(SWEEPS.c.at.desc(), SWEEPS.c.id.desc()).limit(1)
    row = tx.execute(query.where(SWEEPS.c.trouble == "") if good else query).mappings().first()
    return Run(*(row[name] for name in Run.__dataclass_fields__)) if row else None


def due(tx: Tx, now: dt.datetime) -> bool:
    """Say whether it is time: a day after a good run, an hour after one that failed."""
    newest = last(tx)
    return newest is None or now - newest.at >= (AGAIN_AFTER if newest.trouble else EVERY)


def late(tx: Tx, now: dt.datetime) -> str:
    """Return what is wrong with the daily runs, in one sentence; nothing while they do their work.

    Without any run it is late once somebody has been known for long enough.
    """
    newest, good = last(tx), last(tx, good=True)
    if newest is not None and newest.trouble:
        return f"The last run failed: {newest.trouble}"
    since = good.at if good else tx.execute(sa.select(sa.func.min(CUSTOMERS.c.made_at))).scalar()
    if since is not None and now - since > LATE_AFTER:
        return f"The last run was {since:%d %B, %H:%M} UTC." if good else "It never ran."
    return ""


def run(store: Store, desk: Desk, by: str = SERVER) -> Run:
    """End what is over and write the run down; a failure is written down, and raised."""
    try:
        people, links = rights.sweep(store, desk)
    except Exception as error:
        _write(store, desk, by, 0, 0, f"{type(error).__name__}: {error}"[:TROUBLE_CHARS_MAX])
        raise
    return _write(store, desk, by, people, links, "")


def _write(store: Store, desk: Desk, by: str, people: int, links: int, trouble: str) -> Run:
    with store.transact() as tx:
        journal.lock(tx)
        found = Run(desk.clock.now(), by, people, links, trouble)
        said: dict[str, Any] = {name: getattr(found, name) for name in Run.__dataclass_fields__}
        tx.execute(sa.insert(SWEEPS).values(id=new_id(desk.clock), **said))
        listed(tx, desk.clock, "customers_swept", said)
    return found


def daily(store: Store, desk: Desk) -> Run | None:
    """Run if it is due; None where it is not, or where no customer is known to this server.

    What fails is in the log and on record; nothing is raised.
    """
    if desk.customers is None:
        return None
    try:
        with store.read() as tx:
            if not due(tx, desk.clock.now()):
                return None
        return run(store, desk)
    except Exception as error:
        LOG.error("sweep", error=repr(error))
        return None
