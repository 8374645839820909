"""What happened in the reserve: each step salted, committed in the journal, and kept.

The journal learns a hash; the content and its salt stay here, and what concerns the public is
published with its salt, so that anyone can open the commitment in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Tx, insert_once
from tallystick.reserve.tables import ALARMS, EVENTS

PROGRAMME: Final = "reserve"
DETAIL_CHARS_MAX: Final = 500
ANSWERED: Final = "answered"
CLOSED: Final = frozenset({ANSWERED, "freeze_reason", "part_refused"})
"""Kinds whose content stays in the house: answers, reasons of a freeze, bytes of a stranger."""


def event(tx: Tx, clock: Clock, subject: str, kind: str, content: Mapping[str, Any]) -> int:
    """Append one step to a subject's history and the journal; return the journal's entry."""
    at = clock.now()
    full = {"subject": subject, "kind": kind, "at": at, **content}
    salt = clock.random_bytes(journal.SALT_BYTES)
    entry = journal.append(tx, PROGRAMME, kind, journal.commit(salt, full), at)
    last = sa.select(sa.func.coalesce(sa.func.max(EVENTS.c.n), 0))
    row = {
        "subject": subject,
        "n": tx.execute(last.where(EVENTS.c.subject == subject)).scalar_one() + 1,
        "at": at,
        "kind": kind,
        "content": journal.canonical(full).decode(),
        "salt": salt.hex(),
        "entry": entry.seq,
    }
    tx.execute(sa.insert(EVENTS).values(row))
    return int(entry.seq)


def history(tx: Tx, subject: str) -> list[dict[str, Any]]:
    """Return the steps of one subject, oldest first; ``content`` as values."""
    query = sa.select(EVENTS).where(EVENTS.c.subject == subject).order_by(EVENTS.c.n)
    return [
        {**row, "content": msgspec.json.decode(row["content"])}
        for row in tx.execute(query).mappings()
    ]


def opens(row: Mapping[str, Any]) -> str:
    """Return the commitment that a stored step gives, to be looked for in the journal."""
    content = row["content"]
    plain = msgspec.json.decode(content) if isinstance(content, str) else content
    return journal.commit(bytes.fromhex(row["salt"]), plain)


def answer(tx: Tx, clock: Clock, subject: str, content: Mapping[str, Any]) -> int:
    """Append an official's answer to something proposed; what it was stays sealed (`CLOSED`).

    Who agreed is published with the step that their agreement allows. Until then one answer looks
    like another, also one that was given under duress.
    """
    return event(tx, clock, subject, ANSWERED, content)


def alarm(tx: Tx, clock: Clock, kind: str, subject: str, detail: str, told: bool = True) -> bool:
    """Raise an alarm, once for each kind and subject; return whether it is a new one.

    One that a person ended is raised again if what it was about is still so. ``told``: whether it
    goes into the log too.
    """
    row = {"id": new_id(clock), "at": clock.now(), "kind": kind, "subject": subject}
    row |= {"detail": detail[:DETAIL_CHARS_MAX], "ended_at": None, "ended_by": ""}
    fresh = insert_once(tx, ALARMS, row)
    if not fresh:
        a = ALARMS.c
        again = sa.update(ALARMS).where(
            a.kind == kind, a.subject == subject, a.ended_at.is_not(None)
        )
        values = {name: row[name] for name in ("at", "detail", "ended_at", "ended_by")}
        fresh = tx.execute(again.values(values)).rowcount > 0
    if fresh and told:
        event(tx, clock, subject, "alarm", {"alarm": kind, "detail": detail[:DETAIL_CHARS_MAX]})
    return fresh


def calm(tx: Tx, clock: Clock, kind: str, subject: str, by: str, told: bool = True) -> None:
    """End an alarm: a person saw to it, or what it was about is over."""
    a = ALARMS.c
    open_ = sa.update(ALARMS).where(a.kind == kind, a.subject == subject, a.ended_at.is_(None))
    if tx.execute(open_.values(ended_at=clock.now(), ended_by=by)).rowcount and told:
        event(tx, clock, subject, "alarm_ended", {"alarm": kind, "by": by})


def alarms(tx: Tx, ended: bool = False) -> list[dict[str, Any]]:
    """Return the alarms that stand, or those that ended, the newest first."""
    over = ALARMS.c.ended_at.is_not(None) if ended else ALARMS.c.ended_at.is_(None)
    query = sa.select(ALARMS).where(over).order_by(ALARMS.c.at.desc(), ALARMS.c.id.desc())
    return [dict(row) for row in tx.execute(query).mappings()]
