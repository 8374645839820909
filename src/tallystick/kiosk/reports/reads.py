"""Who looked at a report, or at a list of persons and sums: written down before it is shown.

Each read is in the journal by a hash under the quiet header, so that the record of who looked is
whole and tells the public nothing.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Tx
from tallystick.kiosk.reports.tables import REPORT_READS

AGAIN_S: Final = 600
"""The same page opened again by the same person within this is the same look."""
SHOWN_MAX: Final = 50


def note(tx: Tx, clock: Clock, by: str, what: str, how: str) -> bool:
    """Write down that a person looks; ``what``: a report's id or a list's name, ``how``: the form.

    Return False where the same look was written down just before.
    """
    journal.lock(tx)
    r, at = REPORT_READS.c, clock.now()
    lately = sa.and_(r.by == by, r.how == how, r.at > at - dt.timedelta(seconds=AGAIN_S))
    same = sa.select(r.id).where(r.what == what, lately)
    if tx.execute(same.limit(1)).first() is not None:
        return False
    salt = clock.random_bytes(journal.SALT_BYTES)
    told = {"read": what, "how": how, "by": by, "at": at}
    entry = journal.append(tx, *journal.QUIET, journal.commit(salt, told), at)
    row = {"id": new_id(clock), "at": at, "by": by, "what": what, "how": how}
    tx.execute(sa.insert(REPORT_READS).values(**row, salt=salt.hex(), entry=entry.seq))
    return True


def of(tx: Tx, what: str) -> list[dict[str, Any]]:
    """Return who looked at a report or a list, the newest first."""
    query = sa.select(REPORT_READS).where(REPORT_READS.c.what == what)
    newest = query.order_by(REPORT_READS.c.at.desc(), REPORT_READS.c.id.desc())
    return [dict(row) for row in tx.execute(newest.limit(SHOWN_MAX)).mappings()]
