"""Cash given back by a person: a purchase called off before it is sent, and the refund itself.

A purchase that the law or a list holds back can end in no other way than these two: paid out as
promised, or all of the cash owed back, the fee too (Decision 1).
"""

from __future__ import annotations

import sqlalchemy as sa

from tallystick.core import effects, journal, ledger
from tallystick.core.money import BTC, Amount, asset
from tallystick.core.store import Tx
from tallystick.kiosk.buy import (
    CUSTOMERS_CASH,
    CUSTOMERS_OWED,
    CUSTOMERS_REFUNDS,
    Row,
    host_share,
    move,
)
from tallystick.kiosk.errors import WrongState
from tallystick.kiosk.model import State
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.scams import guard
from tallystick.kiosk.scams.intervene import Outcome
from tallystick.kiosk.tables import PURCHASES


def _row(tx: Tx, purchase: str) -> Row:
    query = sa.select(PURCHASES).where(PURCHASES.c.id == purchase)
    return dict(tx.execute(query).mappings().one())


def call_off(tx: Tx, desk: Desk, purchase: str, by: str, why: str) -> None:
    """Call off a purchase whose coins are not signed away yet: all cash is owed back, fees too.

    This is how a purchase that is held ends at the customer's word, and one whose address was
    listed meanwhile. Raises `WrongState` once the payout is signed.
    """
    journal.lock(tx)
    row = _row(tx, purchase)
    if State(row["state"]) is not State.PAID_IN:
        raise WrongState(f"purchase {row['reference']} is {row['state']}: it cannot be called off")
    move(tx, desk, row, State.REFUND_DUE, "called_off", {"by": by, "why": why})
    currency = asset(row["currency"])
    cash, fee = Amount(row["cash_minor"], currency), Amount(row["fee_minor"], currency)
    worth, sats = Amount(row["worth_minor"], currency), Amount(row["sats"], BTC)
    host, payee = host_share(desk, fee), f"host:{row['machine']}"
    make = ledger.Transfer
    transfers = [
        make(f"host-back:{purchase}", payee, "income:fees", host, "commission back", purchase),
        make(f"fee-back:{purchase}", "income:fees", CUSTOMERS_CASH, fee, "fee back", purchase),
        make(f"unsold:{purchase}", "exchange:cash", CUSTOMERS_CASH, worth, "not sold", purchase),
        make(f"unowed:{purchase}", CUSTOMERS_OWED, "exchange:coin", sats, "not owed", purchase),
        make(f"refund:{purchase}", CUSTOMERS_CASH, CUSTOMERS_REFUNDS, cash, "owed back", purchase),
    ]
    ledger.post(tx, [t for t in transfers if t.amount], desk.clock.now())
    effects.end(tx, "payout", purchase, desk.clock.now())
    guard.ended(tx, desk, purchase, Outcome.CANCELLED)


def refunded(tx: Tx, desk: Desk, purchase: str, by: str) -> None:
    """Record that a person gave the customer the cash back; raise if none was due."""
    journal.lock(tx)
    row = _row(tx, purchase)
    move(tx, desk, row, State.REFUNDED, "refunded", {"by": by})
    cash = Amount(row["cash_minor"], asset(row["currency"]))
    transfer = ledger.Transfer(
        f"refunded:{purchase}", CUSTOMERS_REFUNDS, "operator:cash", cash, "refund paid", purchase
    )
    ledger.post(tx, [transfer], desk.clock.now())
