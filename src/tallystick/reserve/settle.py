"""A mined movement becomes true in the books: coins spent, lots followed, sums posted, once.

What is read is the transaction that the chain has, not what was planned: its inputs and outputs in
their own order say which lot's satoshis went where (`model.follow`).
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from tallystick.bitcoin.embedded.txs import parse
from tallystick.core import journal
from tallystick.core.clock import Clock
from tallystick.core.store import Tx
from tallystick.reserve import books, lots, queries, vaults
from tallystick.reserve.approve import move
from tallystick.reserve.charter import charter
from tallystick.reserve.errors import WrongMovementState
from tallystick.reserve.model import Parcel, State, by_lot, follow
from tallystick.reserve.queries import Movement
from tallystick.reserve.tables import COINS, PAYMENTS
from tallystick.reserve.vault_tables import ADDRESSES


@dataclass(frozen=True, slots=True)
class Flow:
    """Where a transaction's satoshis went: out by lot, as fee by lot, and to our own addresses."""

    leaving: dict[str, int]
    fee: dict[str, int]
    own: list[tuple[int, int, str, str, int, int, list[Parcel]]]
    """Output number, satoshis, vault, address, branch, number on it, and its parcels."""


def flow(tx: Tx, raw: bytes) -> Flow:
    """Follow the lots through a transaction that spends coins of ours; read-only."""
    parsed = parse(raw)
    inputs = [lots.parcels(tx, item.coin) for item in parsed.inputs]
    outputs, fee = follow(inputs, [sats for sats, _ in parsed.outputs])
    own, leaving = [], list[Parcel]()
    for number, ((sats, script), parcels) in enumerate(zip(parsed.outputs, outputs, strict=True)):
        place = _own(tx, script)
        if place is None:
            leaving += parcels
        else:
            own.append((number, sats, *place, parcels))
    return Flow(by_lot(leaving), by_lot(fee), own)


def _own(tx: Tx, script: bytes) -> tuple[str, str, int, int] | None:
    """Return whose address a script is: only what a vault of ours gave out is ours."""
    a = ADDRESSES.c
    query = sa.select(a.vault, a.address, a.branch, a.number).where(a.script == script.hex())
    row = tx.execute(query).one_or_none()
    return None if row is None else (row.vault, row.address, row.branch, row.number)


def settle(tx: Tx, clock: Clock, found: Movement, txid: str, height: int) -> Movement:
    """Settle a movement by the one of its transactions that was mined."""
    journal.lock(tx)
    paid = queries.payment(tx, txid)
    if paid is None:
        raise WrongMovementState(f"{txid} is no transaction of movement {found.reference}")
    raw = bytes.fromhex(paid["raw"])
    went = flow(tx, raw)
    apply(tx, clock, raw, txid, height, went)
    ledger, vault, now = found.ledger, found.vault, clock.now()
    across: dict[str, int] = {}
    for _, sats, to, *_ in went.own:
        if to != vault:
            across[to] = across.get(to, 0) + sats
    books.post(tx, books.moved(ledger, txid, found.act, vault, went.leaving, went.fee, across), now)
    payment = sa.update(PAYMENTS).where(PAYMENTS.c.txid == txid)
    tx.execute(payment.values(state="mined", height=height))
    day = charter(tx).day(now).isoformat()
    content = {
        "txid": txid,
        "height": height,
        "leaving": went.leaving,
        "fee": went.fee,
        "day": day,
    }
    fee = sum(went.fee.values())
    to = State.CANCELLED if paid["which"].startswith("cancel") else State.SETTLED
    columns = {"settled_on": day, "fee_sats": fee}
    if to is State.CANCELLED:
        columns["sats"] = 0
    if found.act == "rotate" and to is State.SETTLED:
        _retire(tx, clock, found, across)
    return move(tx, clock, found, to, content, **columns)


def _retire(tx: Tx, clock: Clock, found: Movement, across: dict[str, int]) -> None:
    """Retire a vault once nothing is left in it: its addresses are watched for ever."""
    old = vaults.vault(tx, found.vault)
    if across and old.state == "active" and not lots.coins(tx, found.vault):
        vaults.retire(tx, found.vault, next(iter(across)), clock)


def apply(tx: Tx, clock: Clock, raw: bytes, txid: str, height: int, went: Flow) -> None:
    """Mark the coins spent, and write down the coins that came back to addresses of ours."""
    for item in parse(raw).inputs:
        here = sa.and_(COINS.c.txid == item.coin[0], COINS.c.vout == item.coin[1])
        tx.execute(sa.update(COINS).where(here).values(spent_by=txid, spent_height=height))
    for number, sats, vault, address, branch, place, parcels in went.own:
        coin = (txid, number)
        lots.arrive(tx, clock, vault, coin, sats, address, str(branch), place, height, parcels)
