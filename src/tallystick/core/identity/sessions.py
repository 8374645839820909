"""Sessions: a signed-in person, known by a cookie of 32 random bytes.

Only the cookie's digest is stored. A session ends when its person signs out, is removed, or loses
the passkey it began with; when nobody used it for an hour; and in any case after half a day. Role
and removal are read at each request, never remembered.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from tallystick.core.clock import Clock
from tallystick.core.identity.errors import NotSignedIn
from tallystick.core.identity.keys import b64url
from tallystick.core.identity.people import Person, read_person
from tallystick.core.identity.tables import PEOPLE, SIGN_IN_SESSIONS, digest_of
from tallystick.core.store import Tx

IDLE_S: Final = 3600
ABSOLUTE_S: Final = 43_200
SEEN_EVERY_S: Final = 60
"""Use is written down at most this often, so that reading a page rarely writes."""

KEPT_S: Final = 90 * 86_400
SWEPT_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Session:
    """A live session. ``stale`` says that its use is due to be written with `touch`."""

    person: Person
    passkey: str
    made_at: dt.datetime
    expires_at: dt.datetime
    stale: bool


def start(tx: Tx, person_id: str, passkey_id: str, now: dt.datetime, clock: Clock) -> str:
    """Begin a session and return its cookie; also forget some of the oldest ended ones."""
    token = b64url(clock.random_bytes(32))
    values = {
        "digest": digest_of(token),
        "person": person_id,
        "passkey": passkey_id,
        "made_at": now,
        "seen_at": now,
        "expires_at": now + dt.timedelta(seconds=ABSOLUTE_S),
        "ended_why": "",
    }
    tx.execute(SIGN_IN_SESSIONS.insert().values(values))
    _sweep(tx, now - dt.timedelta(seconds=KEPT_S))
    return token


def find(tx: Tx, token: str, now: dt.datetime) -> Session:
    """Return the live session of this cookie, with its person as they are now.

    Raises `NotSignedIn`. Reads only: call `touch` in a transaction when the session is ``stale``.
    """
    sessions = SIGN_IN_SESSIONS.c
    mine = [sessions.passkey, sessions.made_at.label("began_at"), sessions.seen_at]
    query = (
        sa.select(PEOPLE, *mine, sessions.expires_at)
        .join(PEOPLE, PEOPLE.c.id == sessions.person)
        .where(sessions.digest == digest_of(token), sessions.ended_at.is_(None))
        .where(sessions.expires_at > now, PEOPLE.c.removed_at.is_(None))
    )
    row = tx.execute(query).mappings().first()
    if row is None or now - row["seen_at"] >= dt.timedelta(seconds=IDLE_S):
        raise NotSignedIn
    stale = now - row["seen_at"] >= dt.timedelta(seconds=SEEN_EVERY_S)
    return Session(read_person(row), row["passkey"], row["began_at"], row["expires_at"], stale)


def touch(tx: Tx, token: str, now: dt.datetime) -> None:
    """Write down that the session is in use; one that has ended stays ended."""
    sessions = SIGN_IN_SESSIONS.c
    idle_since = now - dt.timedelta(seconds=IDLE_S)
    live = sa.and_(
        sessions.digest == digest_of(token),
        sessions.ended_at.is_(None),
        sessions.seen_at > idle_since,
    )
    tx.execute(SIGN_IN_SESSIONS.update().where(live).values(seen_at=now))


def end(tx: Tx, token: str, now: dt.datetime, why: str = "signed out") -> None:
    """End a session, if it lives."""
    sessions = SIGN_IN_SESSIONS.c
    live = sa.and_(sessions.digest == digest_of(token), sessions.ended_at.is_(None))
    tx.execute(SIGN_IN_SESSIONS.update().where(live).values(ended_at=now, ended_why=why))


def csrf_of(token: str) -> str:
    """Return the word that each form of this session carries: made from the cookie, not stored."""
    return b64url(hmac.digest(token.encode(), b"tallystick form", hashlib.sha256))


def csrf_fits(token: str, given: str) -> bool:
    """Say whether a form carried this session's word."""
    return hmac.compare_digest(csrf_of(token).encode(), given.encode("utf-8", "replace"))


def _sweep(tx: Tx, before: dt.datetime) -> None:
    sessions = SIGN_IN_SESSIONS.c
    old = sa.select(sessions.digest).where(sessions.expires_at < before).limit(SWEPT_MAX)
    tx.execute(SIGN_IN_SESSIONS.delete().where(sessions.digest.in_(old)))
