"""People: their roles and the one-time links that let them register a passkey (Decision 8).

There is no password and no page that makes the first administrator: the command line does. A
link works once and for half an hour; only its digest is stored. Who lost a device gets a new link,
and what the old device could do ends at that moment.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.clock import Clock, new_id
from tallystick.core.identity.errors import (
    InviteRefused,
    LastPasskey,
    PersonTextInvalid,
    TooManyAttempts,
    UnknownPerson,
)
from tallystick.core.identity.keys import b64url
from tallystick.core.identity.tables import INVITES, PASSKEYS, PEOPLE, SIGN_IN_SESSIONS, digest_of
from tallystick.core.store import Tx, for_update

INVITE_TTL_S: Final = 1800
NAME_CHARS_MAX: Final = 80
WHY_CHARS_MAX: Final = 200
FAILURES_MAX: Final = 10
FAILURES_WINDOW_S: Final = 900
"""After `FAILURES_MAX` refused attempts a person's passkeys rest for this long."""

COMMAND_LINE: Final = "command line"


class Role(enum.StrEnum):
    """What a person may do: everything; run the machines; look, and change nothing.

    An official may do nothing by this: only what the roles of programmes (`grants`) let them.
    """

    ADMIN = "admin"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    OFFICIAL = "official"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in, or once could."""

    id: str
    name: str
    role: Role
    created_at: dt.datetime
    removed_at: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Passkey:
    """One passkey as its owner sees it. ``suspect_at``: when a copy of it seemed to be about."""

    id: str
    label: str
    made_at: dt.datetime
    used_at: dt.datetime | None
    suspect_at: dt.datetime | None


def invite(
    tx: Tx, name: str, role: Role, now: dt.datetime, clock: Clock, by: str = COMMAND_LINE
) -> str:
    """Add a person and return the token of their one-time link; raise `PersonTextInvalid`."""
    name = name.strip()
    if not 0 < len(name) <= NAME_CHARS_MAX or not name.isprintable():
        raise PersonTextInvalid(f"a name has 1 to {NAME_CHARS_MAX} printable characters")
    values = {"id": new_id(clock), "name": name, "role": Role(role), "created_at": now}
    tx.execute(PEOPLE.insert().values(removed_why="", failures=0, **values))
    return _new_link(tx, str(values["id"]), now, clock, by)


def invite_again(
    tx: Tx,
    person_id: str,
    now: dt.datetime,
    clock: Clock,
    *,
    lost: bool = True,
    by: str = COMMAND_LINE,
) -> str:
    """Return a new link for a person, for another device or after a loss.

    With ``lost`` every passkey and session they had ends now. Earlier links end either way.
    Raises `UnknownPerson`.
    """
    present(tx, person_id)
    _end_links(tx, person_id, now)
    if lost:
        _end_access(tx, person_id, now, "recovery")
    return _new_link(tx, person_id, now, clock, by)


def _new_link(tx: Tx, person_id: str, now: dt.datetime, clock: Clock, by: str) -> str:
    token = b64url(clock.random_bytes(32))
    values = {
        "digest": digest_of(token),
        "person": person_id,
        "made_by": by,
        "made_at": now,
        "expires_at": now + dt.timedelta(seconds=INVITE_TTL_S),
    }
    tx.execute(INVITES.insert().values(values))
    return token


def invited(tx: Tx, token: str, now: dt.datetime) -> Person:
    """Return whom this link is for, without spending it; raise `InviteRefused`."""
    query = sa.select(INVITES).where(INVITES.c.digest == digest_of(token))
    row = tx.execute(for_update(query, tx)).first()
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise InviteRefused
    try:
        return present(tx, row.person)
    except UnknownPerson as error:
        raise InviteRefused from error


def spend_invite(tx: Tx, token: str, now: dt.datetime) -> Person:
    """Spend a link and return whom it was for; raise `InviteRefused`."""
    person = invited(tx, token, now)
    row = INVITES.c.digest == digest_of(token)
    tx.execute(INVITES.update().where(row).values(used_at=now))
    return person


def present(tx: Tx, person_id: str) -> Person:
    """Return a person who has not been removed; raise `UnknownPerson`."""
    query = sa.select(PEOPLE).where(PEOPLE.c.id == person_id, PEOPLE.c.removed_at.is_(None))
    row = tx.execute(query).mappings().first()
    if row is None:
        raise UnknownPerson
    return read_person(row)


def people(tx: Tx) -> list[Person]:
    """Return everybody, those removed too, oldest first."""
    rows = tx.execute(sa.select(PEOPLE).order_by(PEOPLE.c.created_at, PEOPLE.c.id)).mappings()
    return [read_person(row) for row in rows]


def read_person(row: Mapping[Any, Any]) -> Person:
    """Read a person from a row of the table."""
    names = ("id", "name", "created_at", "removed_at")
    return Person(role=Role(row["role"]), **{name: row[name] for name in names})


def change_role(tx: Tx, person_id: str, role: Role) -> None:
    """Give a person another role, from their next request on; raise `UnknownPerson`."""
    present(tx, person_id)
    tx.execute(PEOPLE.update().where(PEOPLE.c.id == person_id).values(role=Role(role)))


def remove(tx: Tx, person_id: str, now: dt.datetime, why: str) -> None:
    """End everything a person could do; the row stays for the record. Raises `UnknownPerson`."""
    present(tx, person_id)
    _end_links(tx, person_id, now)
    _end_access(tx, person_id, now, "removed")
    values = {"removed_at": now, "removed_why": why[:WHY_CHARS_MAX]}
    tx.execute(PEOPLE.update().where(PEOPLE.c.id == person_id).values(values))


def passkeys(tx: Tx, person_id: str) -> list[Passkey]:
    """Return a person's passkeys in use, oldest first."""
    keys = PASSKEYS.c
    query = sa.select(keys.id, keys.label, keys.made_at, keys.used_at, keys.suspect_at).where(
        keys.person == person_id, keys.removed_at.is_(None)
    )
    return [Passkey(**row) for row in tx.execute(query.order_by(keys.made_at, keys.id)).mappings()]


def remove_passkey(tx: Tx, person_id: str, passkey_id: str, now: dt.datetime) -> None:
    """Remove one passkey and end its sessions; the last raises `LastPasskey`."""
    held = {key.id for key in passkeys(tx, person_id)}
    if passkey_id not in held:
        return
    if len(held) == 1:
        raise LastPasskey
    keys, sessions = PASSKEYS.c, SIGN_IN_SESSIONS.c
    tx.execute(PASSKEYS.update().where(keys.id == passkey_id).values(removed_at=now))
    live = sa.and_(sessions.passkey == passkey_id, sessions.ended_at.is_(None))
    tx.execute(SIGN_IN_SESSIONS.update().where(live).values(ended_at=now, ended_why="passkey gone"))


def check_not_resting(tx: Tx, person_id: str, now: dt.datetime) -> None:
    """Raise `TooManyAttempts` while a person has too many refused attempts behind them."""
    row = tx.execute(sa.select(PEOPLE).where(PEOPLE.c.id == person_id)).first()
    if row is not None and row.failures >= FAILURES_MAX and not _forgotten(row, now):
        raise TooManyAttempts


def note_failure(tx: Tx, person_id: str, now: dt.datetime) -> None:
    """Count a refused attempt with one of this person's passkeys."""
    query = for_update(sa.select(PEOPLE).where(PEOPLE.c.id == person_id), tx)
    row = tx.execute(query).first()
    if row is None:
        return
    fresh = row.failures_since is None or _forgotten(row, now)
    values = {
        "failures": 1 if fresh else row.failures + 1,
        "failures_since": now if fresh else row.failures_since,
    }
    tx.execute(PEOPLE.update().where(PEOPLE.c.id == person_id).values(values))


def forget_failures(tx: Tx, person_id: str) -> None:
    """Forget a person's refused attempts, after one that was right."""
    cleared = {"failures": 0, "failures_since": None}
    tx.execute(PEOPLE.update().where(PEOPLE.c.id == person_id).values(cleared))


def _forgotten(row: Any, now: dt.datetime) -> bool:
    age: dt.timedelta = now - row.failures_since
    return age >= dt.timedelta(seconds=FAILURES_WINDOW_S)


def _end_links(tx: Tx, person_id: str, now: dt.datetime) -> None:
    open_links = sa.and_(INVITES.c.person == person_id, INVITES.c.expires_at > now)
    tx.execute(INVITES.update().where(open_links).values(expires_at=now))


def _end_access(tx: Tx, person_id: str, now: dt.datetime, why: str) -> None:
    keys, sessions = PASSKEYS.c, SIGN_IN_SESSIONS.c
    held = sa.and_(keys.person == person_id, keys.removed_at.is_(None))
    tx.execute(PASSKEYS.update().where(held).values(removed_at=now))
    live = sa.and_(sessions.person == person_id, sessions.ended_at.is_(None))
    tx.execute(SIGN_IN_SESSIONS.update().where(live).values(ended_at=now, ended_why=why))
