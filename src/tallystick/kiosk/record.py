"""A purchase's history: each step salted, committed in the journal, and kept for those concerned.

The journal learns a hash; the content and its salt stay here and on the customer's receipt.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Tx, prepared
from tallystick.kiosk.tables import EVENTS, INCIDENTS, PURCHASES

PROGRAMME: Final = "kiosk"
DETAIL_LENGTH_MAX: Final = 500


@prepared
def _add(of: str) -> sa.Insert:
    """Add a step behind the last of its purchase."""
    last = sa.select(sa.func.coalesce(sa.func.max(EVENTS.c.n), 0)).where(EVENTS.c.purchase == of)
    return sa.insert(EVENTS).values(n=last.scalar_subquery() + 1).inline()


@prepared
def _show(purchase: str) -> sa.Update:
    return sa.update(PURCHASES).where(PURCHASES.c.id == purchase)


class Sealed(NamedTuple):
    """What the journal learns of a step, and the salt (hex) with which its content opens it."""

    commitment: str
    salt: str


def event(tx: Tx, clock: Clock, purchase: str, kind: str, content: dict[str, Any]) -> Sealed:
    """Append one step to a purchase's history and the journal; return how it is sealed."""
    at = clock.now()
    full = {"purchase": purchase, "kind": kind, "at": at, **content}
    salt = clock.random_bytes(journal.SALT_BYTES)
    commitment = journal.commit(salt, full)
    entry = journal.append(tx, PROGRAMME, kind, commitment, at)
    row = {
        "purchase": purchase,
        "at": at,
        "kind": kind,
        "content": journal.canonical(full).decode(),
        "salt": salt.hex(),
        "entry": entry.seq,
    }
    _add(tx, row, of=purchase)
    if kind == "paid_in":
        _show(tx, {"commitment": commitment, "salt": salt.hex()}, purchase=purchase)
    return Sealed(commitment, salt.hex())


def listed(tx: Tx, clock: Clock, kind: str, content: dict[str, Any]) -> None:
    """Commit a change of a list of addresses to the journal: when it held can then be shown."""
    at = clock.now()
    salt = clock.random_bytes(journal.SALT_BYTES)
    journal.append(tx, PROGRAMME, kind, journal.commit(salt, {**content, "at": at}), at)


def opens(content: str, salt: str, commitment: str) -> bool:
    """Say whether a stored content and salt give this commitment."""
    return journal.commit(bytes.fromhex(salt), msgspec.json.decode(content)) == commitment


def incident(tx: Tx, clock: Clock, machine: str, purchase: str, kind: str, detail: str) -> None:
    """Write down something that an operator must see, such as a machine's false sum."""
    at: dt.datetime = clock.now()
    detail = detail[:DETAIL_LENGTH_MAX]
    tx.execute(
        sa.insert(INCIDENTS).values(
            id=new_id(clock), at=at, machine=machine, purchase=purchase, kind=kind, detail=detail
        )
    )
