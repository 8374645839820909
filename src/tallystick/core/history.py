"""The history of one thing that people act on: each step once, in order, with its commitment.

A claim, a hit and a report each keep their steps beside them, readable by who may read the thing;
the public journal learns only a salted commitment (Decision 1). One way to write a step, so that
none of them can be written without its entry in the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import Clock
from tallystick.core.store import Tx


class History(NamedTuple):
    """A table of steps: (``owner``, n) is the key, beside at, kind, by, content, salt and entry."""

    table: sa.Table
    owner: str

    def append(
        self,
        tx: Tx,
        clock: Clock,
        owner: str,
        kind: str,
        by: str,
        content: Mapping[str, Any],
        header: tuple[str, str],
    ) -> None:
        """Append one step, and its commitment to the journal. ``header``: programme and kind."""
        at = clock.now()
        full = {self.owner: owner, "kind": kind, "at": at, "by": by, **content}
        salt = clock.random_bytes(journal.SALT_BYTES)
        entry = journal.append(tx, *header, journal.commit(salt, full), at)
        steps = sa.select(sa.func.count()).where(self.table.c[self.owner] == owner)
        row = {
            self.owner: owner,
            "n": tx.execute(steps).scalar_one() + 1,
            "at": at,
            "kind": kind,
            "by": by,
            "content": journal.canonical(full).decode(),
            "salt": salt.hex(),
            "entry": entry.seq,
        }
        tx.execute(sa.insert(self.table).values(**row))
