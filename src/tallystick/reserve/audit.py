"""The reserve's audit: follow every lot again from its deposit, and compare books, chain and log.

Nothing stored is believed that can be reckoned again: parcels from raw transactions, labels from
what the log committed to, sums from the ledger's transfers. The first mismatch of a check says
where.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from tallystick.bitcoin.chain import Chain
from tallystick.bitcoin.embedded.txs import parse
from tallystick.core import journal, ledger
from tallystick.core.errors import TallystickError
from tallystick.core.store import Tx
from tallystick.reserve import books, lots, record
from tallystick.reserve.errors import ReserveError
from tallystick.reserve.lots import Coin
from tallystick.reserve.model import Parcel, follow
from tallystick.reserve.tables import EVENTS


class ReserveMismatch(ReserveError):
    """The reserve's books do not add up."""

    code, money = 8060, "to be found by a person; see what and where"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the audit's table."""

    name: str
    ok: bool
    said: str


def audit(tx: Tx, chain: Chain) -> list[Check]:
    """Run every check over one snapshot; return the table, ending at the first mismatch."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("debits equal credits, and the ledgers are apart", lambda: _ledgers(tx)),
        ("each coin is one output on the chain", lambda: _coins(tx, chain)),
        ("each parcel follows from the transactions", lambda: _parcels(tx, chain)),
        ("each lot's account is what its parcels hold", lambda: _accounts(tx)),
        ("each label is the one that was accepted", lambda: _labels(tx)),
        ("each step is in the log as it happened", lambda: _events(tx)),
    ]
    table = []
    for name, check in checks:
        try:
            table.append(Check(name, True, check()))
        except TallystickError as error:
            table.append(Check(name, False, str(error)))
            break
    return table


def _require(holds: bool, said: str) -> None:
    if not holds:
        raise ReserveMismatch(said)


def _ledgers(tx: Tx) -> str:
    trial = ledger.trial_balance(tx)
    _require(not trial.wrong, "; ".join(trial.wrong[:1]))
    found = 0
    for row in tx.execute(sa.select(ledger.TRANSFERS.c.debit, ledger.TRANSFERS.c.credit)):
        sides = {row.debit.partition(":")[0], row.credit.partition(":")[0]}
        _require(len(sides & {"reserve", "other"}) < 2, f"{row.credit} to {row.debit}: mixed")
        found += 1
    return f"{found} transfers"


def _raw(chain: Chain, txid: str) -> bytes:
    raw = chain.raw(txid)
    if raw is None:
        raise ReserveMismatch(f"the chain does not have {txid}")
    return raw


def _coins(tx: Tx, chain: Chain) -> str:
    from tallystick.bitcoin.transaction import address_of
    from tallystick.reserve import vaults

    networks = {one.id: one.network for one in vaults.vaults(tx)}
    all_ = lots.coins(tx, spent=True)
    for coin in all_:
        outputs = parse(_raw(chain, coin.txid)).outputs
        _require(coin.vout < len(outputs), f"{coin.name} is no output")
        sats, script = outputs[coin.vout]
        there = (sats, address_of(script, networks[coin.vault]))
        _require(there == (coin.sats, coin.address), f"{coin.name} holds {there[0]} at {there[1]}")
    return f"{len(all_)} coins"


def _parcels(tx: Tx, chain: Chain) -> str:
    """Follow each transaction of ours again, in the order of blocks, from the lots that came in."""
    came = {(one.txid, one.vout): one.id for one in lots.lots(tx)}
    ours = {(coin.txid, coin.vout): coin for coin in lots.coins(tx, spent=True)}
    known: dict[tuple[str, int], list[Parcel]] = {}
    for at in ours:
        _reckon(at, ours, came, known, chain, 0)
    for at, reckoned in known.items():
        stored = lots.parcels(tx, at)
        _require(stored == reckoned, f"{at[0]}:{at[1]} has {stored}, reckoned {reckoned}")
    return f"{sum(len(parcels) for parcels in known.values())} parcels"


def _reckon(
    at: tuple[str, int],
    ours: dict[tuple[str, int], Coin],
    came: dict[tuple[str, int], str],
    known: dict[tuple[str, int], list[Parcel]],
    chain: Chain,
    depth: int,
) -> list[Parcel]:
    """Return a coin's parcels from those of the coins that its transaction spends."""
    if at in known:
        return known[at]
    _require(depth < 900, f"{at[0]}: too long a history to follow at once")
    parsed = parse(_raw(chain, at[0]))
    if not any(item.coin in ours for item in parsed.inputs):
        known[at] = [Parcel(came.get(at, ""), ours[at].sats)]
        return known[at]
    inputs = [_reckon(item.coin, ours, came, known, chain, depth + 1) for item in parsed.inputs]
    outputs, _ = follow(inputs, [sats for sats, _ in parsed.outputs])
    for number, parcels in enumerate(outputs):
        if (at[0], number) in ours:
            known[(at[0], number)] = parcels
    return known[at]


def _accounts(tx: Tx) -> str:
    held = lots.held(tx)
    for one in lots.lots(tx):
        account = ledger.balance(tx, books.lot(one.ledger.value, one.id))
        booked = account.credit.minor if account else 0
        _require(booked == held.get(one.id, 0), f"lot {one.id}: booked {booked}")
    return f"{len(held)} lots"


def _labels(tx: Tx) -> str:
    found = lots.lots(tx)
    for one in found:
        said = [
            r["content"] for r in record.history(tx, f"lot:{one.id}") if r["kind"] == "accepted"
        ]
        _require(len(said) == 1, f"lot {one.id} was accepted {len(said)} times")
        label = (msgspec.to_builtins(one.origin), one.deposited.isoformat(), one.sats)
        kept = (said[0]["origin"], said[0]["deposited"], said[0]["sats"])
        _require(label == kept, f"lot {one.id} is not labelled as it was accepted")
    return f"{len(found)} lots"


def _events(tx: Tx) -> str:
    rows: list[Any] = list(tx.execute(sa.select(EVENTS).order_by(EVENTS.c.entry)).mappings())
    for row in rows:
        found = journal.find(tx, record.opens(row))
        _require(found is not None and found[0] == row["entry"], f"entry {row['entry']} differs")
    journal.verify(tx)
    return f"{len(rows)} steps, the log whole"
