"""The reserve's accounts: every satoshi in a vault belongs to one lot, in one of two ledgers.

Accounts of the ledger ``reserve`` begin with ``reserve:``, those of other assets with ``other:``;
a posting across them is refused, whoever asks. What lies in the vaults stands on the debit side;
the lots stand on the credit side, coins without an accepted origin under ``unaccepted``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from tallystick.core import ledger
from tallystick.core.money import BTC, Amount
from tallystick.core.store import Tx
from tallystick.reserve.errors import LedgersMixed


def vault(of: str, id: str) -> str:
    """Return the account of a vault's coins."""
    return f"{of}:vault:{id}"


def lot(of: str, id: str) -> str:
    """Return the account of a lot; the empty lot is what is not accepted yet."""
    return f"{of}:lot:{id}" if id else f"{of}:unaccepted"


def post(tx: Tx, transfers: Iterable[ledger.Transfer], at: dt.datetime) -> None:
    """Post transfers; raise `LedgersMixed` for one between the reserve and other assets."""
    batch = list(transfers)
    for item in batch:
        if item.debit.partition(":")[0] != item.credit.partition(":")[0]:
            raise LedgersMixed(f"{item.credit} to {item.debit}: the two ledgers never mix")
    for start in range(0, len(batch), ledger.TRANSFERS_PER_POST_MAX):
        ledger.post(tx, batch[start : start + ledger.TRANSFERS_PER_POST_MAX], at)


def deposited(of: str, vault_id: str, coin: str, sats: int) -> ledger.Transfer:
    """Return the transfer for a coin that came from outside."""
    return ledger.Transfer(
        f"{of}-in:{coin}",
        vault(of, vault_id),
        lot(of, ""),
        Amount(sats, BTC),
        "coins came in",
        coin,
    )


def accepted(of: str, coin: str, lot_id: str, sats: int) -> ledger.Transfer:
    """Return the transfer for a coin whose origin was accepted."""
    return ledger.Transfer(
        f"{of}-lot:{coin}",
        lot(of, ""),
        lot(of, lot_id),
        Amount(sats, BTC),
        "origin accepted",
        coin,
    )


def moved(
    of: str,
    about: str,
    act: str,
    vault_id: str,
    leaving: Mapping[str, int],
    fee: Mapping[str, int],
    to_vault: Mapping[str, int],
) -> list[ledger.Transfer]:
    """Return the transfers of a settled movement: what left, the fee, and between vaults.

    ``leaving`` and ``fee`` are by lot; ``to_vault`` is what went to each other vault of ours.
    """
    make, here, found = ledger.Transfer, vault(of, vault_id), []
    for word, sums in ((act, leaving), ("network fee", fee)):
        for id, sats in sums.items():
            name, amount = f"{of}-{word}:{about}:{id}", Amount(sats, BTC)
            found.append(make(name, lot(of, id), here, amount, word, about))
    for other, sats in to_vault.items():
        name, amount = f"{of}-to:{about}:{other}", Amount(sats, BTC)
        found.append(make(name, vault(of, other), here, amount, "to another vault", about))
    return found
