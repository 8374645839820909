"""Addresses to which nothing may be sent: the operator's own, shared ones, and OFAC's; and stops.

One entry holds on every machine at once: it is asked when a purchase begins, at each note, and
before a payout is signed. An entry of a list that people share ends by itself, and any can be
lifted by a person on appeal; nothing is deleted. The list of stops is weaker: what it names is
held, not refused, until somebody confirms it (`scams.stops`). Which list an address is on is never
told to the screen (``US/ofac``; 31 CFR ch. V).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Tx, prepared
from tallystick.kiosk.errors import KioskError
from tallystick.kiosk.record import listed
from tallystick.kiosk.tables import BLOCKED

STOPS: Final = "stop"
"""The list of addresses for which somebody stopped a flagged purchase: held, and not refused."""
LISTS: Final = ("own", "shared", "ofac", STOPS)
ENDING: Final = ("shared", STOPS)
"""Lists whose entries end by themselves."""
SHARED_DAYS_MAX: Final = 365
REASON_LENGTH_MAX: Final = 500
ADDRESS_LENGTH_MAX: Final = 120


class ListUnreadable(KioskError):
    """A list to take in is not what it must be; nothing of it was taken."""

    code, money, say = 4017, "as it was; the list is as before", ""


def canonical(address: str) -> str:
    """Return one spelling of an address: bech32 knows no case (BIP-173), base58 does."""
    text = address.strip()
    return text.lower() if text.lower().startswith(("bc1", "tb1", "bcrt1")) else text


@prepared
def _found(address: str, now: dt.datetime) -> sa.Select[Any]:
    query = sa.select(BLOCKED.c.list, BLOCKED.c.reason).where(BLOCKED.c.address == address)
    query = query.where(BLOCKED.c.lifted_at.is_(None), BLOCKED.c.list != STOPS)
    return query.where(sa.or_(BLOCKED.c.until.is_(None), BLOCKED.c.until > now)).limit(1)


@prepared
def _stopped(address: str, now: dt.datetime) -> sa.Select[Any]:
    query = sa.select(BLOCKED.c.until).where(BLOCKED.c.address == address)
    query = query.where(BLOCKED.c.lifted_at.is_(None), BLOCKED.c.list == STOPS)
    return query.where(BLOCKED.c.until > now).limit(1)


def reason(tx: Tx, address: str, now: dt.datetime) -> str:
    """Return the list and the reason for which nothing may go to an address, or nothing."""
    row = _found(tx, address=canonical(address), now=now).one_or_none()
    return f"{row.list}: {row.reason}" if row else ""


@prepared
def _all(address: str, now: dt.datetime) -> sa.Select[Any]:
    b = BLOCKED.c
    query = sa.select(b.list).where(b.address == address, b.lifted_at.is_(None))
    return query.where(sa.or_(b.until.is_(None), b.until > now)).order_by(b.at)


def lists_of(tx: Tx, address: str, now: dt.datetime) -> list[str]:
    """Return the lists that an address is on, the oldest entry first."""
    return list(_all(tx, address=canonical(address), now=now).scalars())


def stopped(tx: Tx, address: str, now: dt.datetime) -> bool:
    """Say whether an address is on the list of stops: what goes there is held first."""
    return _stopped(tx, address=canonical(address), now=now).first() is not None


def block(
    tx: Tx, clock: Clock, address: str, name: str, why: str, by: str, days: int | None = None
) -> None:
    """Put an address on a list, at once and everywhere; twice on one list is once.

    Raises `ListUnreadable` for an unknown list, a reason that is missing, or one without an end on
    a list whose entries must end after at most ``SHARED_DAYS_MAX`` days.
    """
    if name not in LISTS:
        raise ListUnreadable(f"there is no list called {name!r}")
    if not why.strip() or not by.strip() or max(len(why), len(by)) > REASON_LENGTH_MAX:
        raise ListUnreadable(f"a reason and a name, of at most {REASON_LENGTH_MAX} characters")
    if not 14 <= len(canonical(address)) <= ADDRESS_LENGTH_MAX:
        raise ListUnreadable(f"{address[:20]!r} is no address")
    if name in ENDING and not 0 < (days or 0) <= SHARED_DAYS_MAX:
        raise ListUnreadable(f"an entry of the list {name!r} ends within {SHARED_DAYS_MAX} days")
    now = clock.now()
    if any(row["list"] == name for row in entries(tx, now) if row["address"] == canonical(address)):
        return
    row = {
        "id": new_id(clock),
        "address": canonical(address),
        "list": name,
        "reason": why,
        "by": by,
        "at": now,
        "until": now + dt.timedelta(days=days) if days else None,
        "lifted_at": None,
        "lifted_by": "",
    }
    tx.execute(sa.insert(BLOCKED).values(**row))
    listed(tx, clock, "blocked", {"address": row["address"], "list": name, "reason": why, "by": by})


def lift(tx: Tx, clock: Clock, address: str, name: str, by: str) -> int:
    """Take an address off a list; return how many entries ended. OFAC's end only by its own."""
    now = clock.now()
    done = tx.execute(
        sa.update(BLOCKED)
        .where(BLOCKED.c.address == canonical(address), BLOCKED.c.list == name)
        .where(BLOCKED.c.lifted_at.is_(None))
        .values(lifted_at=now, lifted_by=by)
    ).rowcount
    if done:
        listed(tx, clock, "lifted", {"address": canonical(address), "list": name, "by": by})
    return done


def entries(tx: Tx, now: dt.datetime) -> list[dict[str, Any]]:
    """Return the entries that hold now, the newest first."""
    query = sa.select(BLOCKED).where(BLOCKED.c.lifted_at.is_(None))
    query = query.where(sa.or_(BLOCKED.c.until.is_(None), BLOCKED.c.until > now))
    return [dict(row) for row in tx.execute(query.order_by(BLOCKED.c.at.desc())).mappings()]


def take_in(tx: Tx, clock: Clock, wanted: Mapping[str, str]) -> tuple[int, int]:
    """Block OFAC's addresses, each with its entry's number; return how many were added and lifted.

    The list is the published one whole, so an address that is no longer on it is lifted.
    """
    held = {row["address"] for row in entries(tx, clock.now()) if row["list"] == "ofac"}
    for address in sorted(held - set(wanted)):
        lift(tx, clock, address, "ofac", "no longer in the published list")
    for address in sorted(set(wanted) - held):
        block(tx, clock, address, "ofac", f"SDN entry {wanted[address]}", "published list")
    return len(set(wanted) - held), len(held - set(wanted))
