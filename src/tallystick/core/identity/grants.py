"""Roles of a programme: who may propose, approve, veto, decide or look on, by whose word.

A console role (`people.Role`) says what somebody may do on every screen; a grant adds one role of
one programme, such as ``reserve.approver``. A programme names its own roles; this table knows only
who holds which. Granting and ending are journalled, and a removed person holds nothing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.identity.errors import GrantRefused, NotAllowed
from tallystick.core.identity.people import COMMAND_LINE, present
from tallystick.core.identity.tables import PEOPLE
from tallystick.core.store import METADATA, Moment, Tx, for_update

PROGRAMME: Final = "identity"
ROLE_CHARS_MAX: Final = 60
WHY_CHARS_MAX: Final = 200
_ROLE = re.compile(r"[a-z][a-z0-9]*\.[a-z][a-z0-9-]*")

GRANTS: Final = sa.Table(
    "role_grants",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("ended_by", sa.Text, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sa.Index("ix_role_grants_person", "person"),
    sa.Index("ix_role_grants_role", "role"),
    sqlite_strict=True,
)


@dataclass(frozen=True, slots=True)
class Grant:
    """One role given to one person, still held unless ``ended_at`` says otherwise."""

    person: str
    role: str
    made_by: str
    made_at: dt.datetime
    ended_by: str
    ended_at: dt.datetime | None


def grant(
    tx: Tx, clock: Clock, person: str, role: str, by: str = COMMAND_LINE, why: str = ""
) -> None:
    """Give a person a programme's role, such as ``hubs.caseworker``; twice changes nothing.

    Raises `UnknownPerson`, and `GrantRefused` for a name that is no role's.
    """
    journal.lock(tx)
    if len(role) > ROLE_CHARS_MAX or not _ROLE.fullmatch(role):
        raise GrantRefused(
            f"{role[:ROLE_CHARS_MAX]!r} is not a role: programme.name, small letters"
        )
    present(tx, person)
    if role in _granted(tx, person):
        return
    values = _journalled(tx, clock, "role_granted", person, role, by, why)
    made = {"id": new_id(clock), "person": person, "role": role, "made_by": by, "ended_by": ""}
    tx.execute(GRANTS.insert().values(made | values | {"made_at": clock.now()}))


def end(
    tx: Tx, clock: Clock, person: str, role: str, by: str = COMMAND_LINE, why: str = ""
) -> None:
    """Take a programme's role from a person; raise `GrantRefused` when they do not hold it."""
    journal.lock(tx)
    held = GRANTS.c.ended_at.is_(None) & (GRANTS.c.person == person) & (GRANTS.c.role == role)
    if tx.execute(for_update(sa.select(GRANTS.c.id).where(held), tx)).first() is None:
        raise GrantRefused(f"{person} does not hold {role}")
    values = _journalled(tx, clock, "role_ended", person, role, by, why)
    ended = {"ended_by": by, "ended_at": clock.now()}
    tx.execute(GRANTS.update().where(held).values(values | ended))


def held(tx: Tx, person: str, since: int | None = None) -> frozenset[str]:
    """Return every role a person holds now: the console's and the programmes'; none if removed.

    With ``since``, a programme's role counts only if its grant is older than that journal entry.
    """
    query = sa.select(PEOPLE.c.role).where(PEOPLE.c.id == person, PEOPLE.c.removed_at.is_(None))
    console = tx.execute(query).scalar()
    return frozenset() if console is None else _granted(tx, person, since) | {console}


def holders(tx: Tx, role: str) -> list[str]:
    """Return the ids of the people who hold a programme's role now, in the order of the grants."""
    query = (
        sa.select(GRANTS.c.person)
        .join(PEOPLE, PEOPLE.c.id == GRANTS.c.person)
        .where(GRANTS.c.role == role, GRANTS.c.ended_at.is_(None), PEOPLE.c.removed_at.is_(None))
        .order_by(GRANTS.c.made_at, GRANTS.c.id)
    )
    return list(tx.execute(query).scalars())


def check(tx: Tx, person: str, roles: Iterable[str]) -> None:
    """Raise `NotAllowed` unless a person, not removed, holds at least one of the roles."""
    wanted = sorted(roles)
    if held(tx, person).isdisjoint(wanted):
        raise NotAllowed(f"this needs the role {' or '.join(wanted)}")


def grants(tx: Tx) -> list[Grant]:
    """Return every grant that ever was, the oldest first."""
    names = [GRANTS.c[name] for name in Grant.__dataclass_fields__]
    query = sa.select(*names).order_by(GRANTS.c.made_at, GRANTS.c.id)
    return [Grant(**row) for row in tx.execute(query).mappings()]


def _granted(tx: Tx, person: str, since: int | None = None) -> frozenset[str]:
    live = GRANTS.c.ended_at.is_(None) & (GRANTS.c.person == person)
    live = live if since is None else live & (GRANTS.c.entry < since)
    return frozenset(tx.execute(sa.select(GRANTS.c.role).where(live)).scalars())


def _journalled(
    tx: Tx, clock: Clock, kind: str, person: str, role: str, by: str, why: str
) -> dict[str, object]:
    salt, why, at = clock.random_bytes(journal.SALT_BYTES), why[:WHY_CHARS_MAX], clock.now()
    said = {"person": person, "role": role, "by": by, "why": why, "at": at}
    entry = journal.append(tx, PROGRAMME, kind, journal.commit(salt, said), at)
    return {"why": why, "salt": salt.hex(), "entry": entry.seq}
