"""The hot wallet: what it holds, what is promised out of it, how to fill it, and the signer's word.

The balance is what was last read from the chain, with its age; the promises are our own rows. The
web process asks the signer how it stands and cannot sign (Decision 5).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from tallystick.core import ledger
from tallystick.core.errors import TallystickError
from tallystick.core.store import Tx
from tallystick.kiosk import queries
from tallystick.kiosk.buy import CUSTOMERS_CASH, CUSTOMERS_OWED, CUSTOMERS_REFUNDS, HOT_WALLET
from tallystick.kiosk.quote import Desk
from tallystick.web.looks import qr

OLD_S: Final = 60
"""A balance older than this is called old; it is read every five seconds."""
PAYMENTS_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Purse:
    """The hot wallet in satoshis, as last read from the chain. ``read`` is None before that."""

    read: dict[str, Any] | None
    sats: int
    low_sats: int
    old: bool

    @property
    def low(self) -> bool:
        """Say whether it holds less than the low-water mark; unread it holds nothing."""
        return self.sats < self.low_sats

    @property
    def alarm(self) -> bool:
        """Say whether a person should look."""
        return self.low or self.old


def purse(tx: Tx, desk: Desk) -> Purse:
    """Return the hot wallet as last read."""
    read = queries.wallet(tx)
    sats = read["confirmed_sats"] + read["pending_sats"] if read else 0
    age = (desk.clock.now() - read["at"]).total_seconds() if read else OLD_S + 1
    return Purse(read, sats, desk.policy.float_low_sats, age > OLD_S)


def owed(tx: Tx) -> dict[str, int]:
    """Return what customers are owed by the books: cash in minor units, coins in satoshis."""
    names = (CUSTOMERS_CASH, CUSTOMERS_REFUNDS, CUSTOMERS_OWED)
    held = {name: ledger.balance(tx, name) for name in names}
    return {name: one.credit.minor if one else 0 for name, one in held.items()}


def wallet(
    tx: Tx, desk: Desk, refill: Callable[[], str], signer: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Return the wallet, an address to fill it, the newest payments, and how the signer stands."""
    address, hot = refill(), ledger.balance(tx, HOT_WALLET)
    return {
        "address": address,
        "qr": qr(f"bitcoin:{address}", "The address to fill the wallet, as a code to scan"),
        "reserved_sats": hot.credits_pending if hot else 0,
        "promised_sats": queries.open_sats(tx),
        "payments": queries.payments(tx, PAYMENTS_SHOWN),
        "network": desk.network,
        "signer": _ask(signer),
    }


def _ask(signer: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the signer's word, or why there is none."""
    try:
        said = signer()
    except TallystickError as error:
        return {"answers": False, "trouble": str(error), "paused": False}
    if not said:
        return {"answers": False, "trouble": "This server has no signer.", "paused": False}
    return {**said, "answers": True}
