"""Values and states of a purchase, and the one transition table.

The diagram in `docs/reference/states.md` is made from `NEXT`. Every sum of a purchase is computed
here, by the server, from counted notes and the server's own quote (Decision 4).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final

from tallystick.core.money import BTC, Amount, Price, Rounding


class State(enum.StrEnum):
    """Where a purchase stands."""

    QUOTED = "quoted"
    ACCEPTING = "accepting"
    KEPT = "kept"
    PAID_IN = "paid_in"
    SIGNED = "signed"
    SENT = "sent"
    SETTLED = "settled"
    CANCELLED = "cancelled"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"


NEXT: Final[dict[State, frozenset[State]]] = {
    State.QUOTED: frozenset({State.ACCEPTING, State.CANCELLED}),
    State.ACCEPTING: frozenset({State.PAID_IN, State.KEPT, State.REFUND_DUE}),
    State.KEPT: frozenset({State.ACCEPTING, State.PAID_IN, State.REFUND_DUE}),
    State.PAID_IN: frozenset({State.SIGNED, State.REFUND_DUE}),
    State.SIGNED: frozenset({State.SENT, State.SETTLED}),
    State.SENT: frozenset({State.SETTLED}),
    State.SETTLED: frozenset(),
    State.CANCELLED: frozenset({State.ACCEPTING}),
    State.REFUND_DUE: frozenset({State.REFUNDED}),
    State.REFUNDED: frozenset(),
}
"""CANCELLED may open again only for a note that a power cut hid until after the cancelling."""

OPEN: Final = frozenset({State.QUOTED, State.ACCEPTING, State.KEPT})


class Note(enum.StrEnum):
    """Where one note stands."""

    PERMITTED = "permitted"
    REFUSED = "refused"
    STACKED = "stacked"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a quote fixes: the price and the fee."""

    price: Price
    fee_bp: int
    fee_min: Amount


@dataclass(frozen=True, slots=True)
class Sums:
    """What the customer put in, pays, and gets."""

    cash: Amount
    fee: Amount
    worth: Amount
    sats: Amount


def sums(cash: Amount, terms: Terms) -> Sums:
    """Compute a purchase. The fee is rounded down, and never more than the cash; so are coins."""
    if not cash:
        return Sums(cash, cash, cash, Amount(0, BTC))
    share = cash.share(terms.fee_bp, Rounding.DOWN)
    fee = min(max(share, terms.fee_min), cash)
    worth = cash - fee
    return Sums(cash, fee, worth, terms.price.to_coin(worth, Rounding.DOWN))
