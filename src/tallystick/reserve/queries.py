"""Reading the reserve: movements, holdings over time, and the facts a mandate asks for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core.store import Tx, for_update
from tallystick.reserve import lots
from tallystick.reserve.charter import Charter
from tallystick.reserve.errors import MovementUnknown
from tallystick.reserve.facts import LotFact, Sum
from tallystick.reserve.mandate import OUTWARD
from tallystick.reserve.model import LIVE, Ledger, State
from tallystick.reserve.plan import Plan
from tallystick.reserve.tables import COINS, HOLDS, MOVEMENTS, PAYMENTS, SIGNED
from tallystick.reserve.vault_tables import ADDRESSES

MOVEMENTS_LISTED_MAX: Final = 200


class Stored(msgspec.Struct, frozen=True):
    """What a movement does, as approved: its transaction, the cancel, and the lots that leave."""

    pay: Plan
    cancel: Plan
    leaving: dict[str, int]
    orders: dict[str, str]
    """Lots that a court's final order gives away, with the order."""


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement as stored. ``verdict`` and ``plan`` are read by `verdict_of` and `stored`."""

    id: str
    reference: str
    act: str
    vault: str
    ledger: str
    state: State
    sats: int
    fee_sats: int
    fee_sats_max: int
    plan: str
    digest: str
    verdict: str
    why: str
    maker: str
    made_at: dt.datetime
    moved_at: dt.datetime
    ready_at: dt.datetime | None
    expires_at: dt.datetime | None
    proposal: str
    settled_on: str

    @property
    def said(self) -> dict[str, Any]:
        """Return the verdict of the day on which it was proposed."""
        found: dict[str, Any] = msgspec.json.decode(self.verdict)
        return found

    @property
    def stored(self) -> Stored:
        """Return the transactions; only what was lawful has any."""
        return msgspec.json.decode(self.plan, type=Stored)


def movement(tx: Tx, id: str) -> Movement:
    """Return one movement by id or reference and lock its row; raise `MovementUnknown`."""
    m = MOVEMENTS.c
    query = sa.select(MOVEMENTS).where(sa.or_(m.id == id, m.reference == id))
    row = tx.execute(for_update(query, tx)).mappings().one_or_none()
    if row is None:
        raise MovementUnknown(f"there is no movement {id[:40]!r}")
    return _movement(row)


def movements(
    tx: Tx, states: Sequence[State] = (), limit: int = MOVEMENTS_LISTED_MAX
) -> list[Movement]:
    """Return movements, the newest first, of some states or all."""
    query = sa.select(MOVEMENTS).order_by(MOVEMENTS.c.made_at.desc(), MOVEMENTS.c.id.desc())
    if states:
        query = query.where(MOVEMENTS.c.state.in_([state.value for state in states]))
    return [_movement(row) for row in tx.execute(query.limit(limit)).mappings()]


def _movement(row: Mapping[Any, Any]) -> Movement:
    return Movement(**{**row, "state": State(row["state"])})


def payment(tx: Tx, txid: str) -> dict[str, Any] | None:
    """Return a stored transaction of ours, or None."""
    row = tx.execute(sa.select(PAYMENTS).where(PAYMENTS.c.txid == txid)).mappings().one_or_none()
    return None if row is None else dict(row)


def payments(tx: Tx, movement: str) -> list[dict[str, Any]]:
    """Return the stored transactions of a movement, oldest first."""
    query = sa.select(PAYMENTS).where(PAYMENTS.c.movement == movement)
    rows = tx.execute(query.order_by(PAYMENTS.c.made_at, PAYMENTS.c.txid)).mappings()
    return [dict(row) for row in rows]


def signed(tx: Tx, movement: str, which: str) -> dict[str, str]:
    """Return the signed PSBTs that came back for a transaction, by key."""
    s = SIGNED.c
    query = sa.select(s.key, s.psbt).where(s.movement == movement, s.which == which)
    return {row.key: row.psbt for row in tx.execute(query.order_by(s.key))}


def holder(tx: Tx, coin: tuple[str, int]) -> str:
    """Return the live movement to which a coin is bound, or nothing."""
    h = HOLDS.c
    query = sa.select(h.movement).where(h.txid == coin[0], h.vout == coin[1])
    return tx.execute(query).scalar_one_or_none() or ""


def free(tx: Tx, vault: str) -> list[lots.Coin]:
    """Return the unspent coins of a vault that no live movement holds, oldest first."""
    bound = {(row.txid, row.vout) for row in tx.execute(sa.select(HOLDS.c.txid, HOLDS.c.vout))}
    return [coin for coin in lots.coins(tx, vault) if (coin.txid, coin.vout) not in bound]


def used_before(tx: Tx, scripts: Sequence[str]) -> int:
    """Return how many of these scripts (hex) belong to an address that ever held a coin."""
    a, c = ADDRESSES.c, COINS.c
    query = sa.select(sa.func.count(sa.distinct(a.script))).join(COINS, c.address == a.address)
    return int(tx.execute(query.where(a.script.in_(list(scripts)))).scalar_one())


# What a mandate asks for


def sold(tx: Tx, today: dt.date, without: str = "") -> tuple[Sum, ...]:
    """Return what left the reserve on which day; what is under way counts today.

    Counted are sales, swaps, auctions and transfers: what a court or the law gives to somebody was
    never the reserve's to sell.
    """
    m = MOVEMENTS.c
    query = sa.select(m.sats, m.state, m.settled_on).where(
        m.ledger == Ledger.RESERVE.value,
        m.act.in_([act for act in OUTWARD if act != "release"]),
        m.id != without,
        m.state.in_([*(state.value for state in LIVE), State.SETTLED.value]),
    )
    return tuple(
        Sum(dt.date.fromisoformat(row.settled_on) if row.settled_on else today, row.sats)
        for row in tx.execute(query)
    )


def held(tx: Tx) -> tuple[Sum, ...]:
    """Return how much the reserve held from each day on, lots without an accepted origin left out.

    A movement's fee leaves on the day on which it is settled.
    """
    changes: dict[dt.date, int] = {}
    for one in lots.lots(tx):
        if one.ledger is Ledger.RESERVE:
            changes[one.deposited] = changes.get(one.deposited, 0) + one.sats
    m = MOVEMENTS.c
    query = sa.select(m.sats, m.fee_sats, m.settled_on).where(
        m.ledger == Ledger.RESERVE.value, m.settled_on != ""
    )
    for row in tx.execute(query):
        day = dt.date.fromisoformat(row.settled_on)
        changes[day] = changes.get(day, 0) - row.sats - row.fee_sats
    total, found = 0, []
    for day in sorted(changes):
        total += changes[day]
        found.append(Sum(day, total))
    return tuple(found)


def lot_facts(tx: Tx, leaving: Mapping[str, int], orders: Mapping[str, str]) -> tuple[LotFact, ...]:
    """Return what the mandate must know of the lots that would leave."""
    found = []
    for id, sats in leaving.items():
        if not id:
            found.append(LotFact("not accepted", sats, None, None))
            continue
        one = lots.lot(tx, id)
        fact = LotFact(id, sats, one.deposited, one.origin.kind, one.ledger.value, id in orders)
        found.append(fact)
    return tuple(found)


def budget(tx: Tx, held_by: Charter, today: dt.date) -> int | None:
    """Return how much may still be sold by the rolling budget today; None without such a rule."""
    from tallystick.reserve.ask import budget_left

    rules = [p for p in held_by.mandate.of("budget", today) if held_by.mandate.decides(p)]
    left = [budget_left(p, sold(tx, today), held(tx), today) for p in rules]
    return min(left) if left else None
