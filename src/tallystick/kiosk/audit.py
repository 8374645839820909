"""The audit: prove from the stored data that nothing is lost, invented or paid twice.

Each check reads rows and raw transactions and computes again; none believes a total it can add
up. The first mismatch of each check says what and where.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from tallystick.bitcoin.chain import Chain
from tallystick.bitcoin.transaction import outputs_of, script_of, spent_by
from tallystick.core import journal, ledger
from tallystick.core.errors import TallystickError
from tallystick.core.money import Amount, Price, asset
from tallystick.core.store import Tx
from tallystick.core.tlog import log
from tallystick.kiosk import record
from tallystick.kiosk.buy import CUSTOMERS_CASH, CUSTOMERS_OWED, HOT_WALLET
from tallystick.kiosk.model import Note, State, Terms, sums
from tallystick.kiosk.scams import intervene
from tallystick.kiosk.scams.tables import INTERVENTIONS
from tallystick.kiosk.tables import EVENTS, NOTES, PAYMENTS, PAYOUTS, PURCHASES

PAID = (State.PAID_IN, State.SIGNED, State.SENT, State.SETTLED)


class Mismatch(TallystickError):
    """The stored data do not add up."""

    code, money, say = 4101, "to be found by a person; see what and where", ""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the audit's table."""

    name: str
    ok: bool
    said: str


def audit(tx: Tx, chain: Chain, network: str) -> list[Check]:
    """Run every check over one snapshot; return the table, ending at the first mismatch."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("debits equal credits", lambda: _books(tx)),
        ("each stacked note is in one purchase and one box", lambda: _notes(tx)),
        ("each sum follows from notes and quote", lambda: _sums(tx)),
        ("no payout exists twice", lambda: _once(tx)),
        ("each satoshi owed or paid is on the chain", lambda: _coins(tx, chain, network)),
        ("the journal's commitments match", lambda: _journal(tx)),
        ("no record of an intervention was changed", lambda: _care(tx)),
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
        raise Mismatch(said)


def _rows(tx: Tx, query: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in tx.execute(query).mappings()]


def _books(tx: Tx) -> str:
    trial = ledger.trial_balance(tx)
    _require(not trial.wrong, "; ".join(trial.wrong[:1]))
    for code, (debits, credits) in trial.sides.items():
        _require(debits == credits, f"{code}: debits {debits}, credits {credits}")
    return ", ".join(
        str(Amount(debits, asset(code))) for code, (debits, _) in sorted(trial.sides.items())
    )


def _notes(tx: Tx) -> str:
    stacked = _rows(tx, sa.select(NOTES).where(NOTES.c.state == Note.STACKED.value))
    boxes: dict[str, int] = {}
    by_purchase: dict[str, list[int]] = {}
    for note in stacked:
        where = f"note {note['id']} of purchase {note['purchase']}"
        _require(note["box"] == f"kiosk:{note['machine']}:box", f"{where} is in no box")
        posted = _rows(
            tx, sa.select(ledger.TRANSFERS).where(ledger.TRANSFERS.c.id == f"note:{note['id']}")
        )
        _require(len(posted) == 1 and posted[0]["minor"] == note["minor"], f"{where}: not posted")
        boxes[note["box"]] = boxes.get(note["box"], 0) + note["minor"]
        by_purchase.setdefault(note["purchase"], []).append(note["minor"])
    for box, minor in boxes.items():
        held = ledger.balance(tx, box)
        total = held.debit.minor if held else 0
        _require(total == minor, f"{box} holds {total} in the books, {minor} in notes")
    late = {
        row["about"]
        for row in _rows(
            tx, sa.select(ledger.TRANSFERS).where(ledger.TRANSFERS.c.id.like("late:%"))
        )
    }
    for row in _rows(tx, sa.select(PURCHASES)):
        counted = by_purchase.get(row["id"], [])
        same = (row["notes"], row["cash_minor"]) == (len(counted), sum(counted))
        _require(
            same or row["id"] in late,
            f"purchase {row['reference']} says {row['notes']} notes of {row['cash_minor']}; "
            f"the notes say {len(counted)} of {sum(counted)}",
        )
    return f"{len(stacked)} notes in {len(boxes)} boxes"


def _sums(tx: Tx) -> str:
    rows = _rows(tx, sa.select(PURCHASES))
    cash = owed = 0
    for row in rows:
        currency = asset(row["currency"])
        terms = Terms(
            Price(Amount(row["price_minor"], currency)),
            row["fee_bp"],
            Amount(row["fee_min_minor"], currency),
        )
        right = sums(Amount(row["cash_minor"], currency), terms)
        told = (row["fee_minor"], row["worth_minor"], row["sats"])
        _require(
            told == (right.fee.minor, right.worth.minor, right.sats.minor),
            f"purchase {row['reference']}: {told} is not what its notes and quote give",
        )
        if State(row["state"]) in (State.QUOTED, State.ACCEPTING, State.KEPT):
            cash += row["cash_minor"]
        if State(row["state"]) in PAID and row["state"] != State.SETTLED:
            owed += row["sats"]
    for name, minor in ((CUSTOMERS_CASH, cash), (CUSTOMERS_OWED, owed)):
        held = ledger.balance(tx, name)
        total = held.credit.minor if held else 0
        _require(total == minor, f"{name} is {total} in the books, {minor} by the purchases")
    return f"{len(rows)} purchases"


def _once(tx: Tx) -> str:
    alive = _rows(tx, sa.select(PAYMENTS).where(PAYMENTS.c.state != "replaced"))
    spent: dict[tuple[str, int], str] = {}
    for payment in alive:
        for coin in spent_by(bytes.fromhex(payment["raw"])):
            other = spent.setdefault(coin, payment["txid"])
            _require(other == payment["txid"], f"{payment['txid']} and {other} spend one coin")
    payouts = _rows(tx, sa.select(PAYOUTS))
    known = {payment["txid"] for payment in alive}
    for payout in payouts:
        where = f"payout of purchase {payout['purchase']}"
        _require(payout["txid"] in known, f"{where} is in a replaced transaction")
    states = (State.SIGNED.value, State.SENT.value, State.SETTLED.value)
    signed = set(
        tx.execute(sa.select(PURCHASES.c.id).where(PURCHASES.c.state.in_(states))).scalars()
    )
    _require(signed == {p["purchase"] for p in payouts}, "payouts and signed purchases differ")
    return f"{len(payouts)} payouts in {len(alive)} transactions"


def _coins(tx: Tx, chain: Chain, network: str) -> str:
    paid = fees = 0
    for payment in _rows(tx, sa.select(PAYMENTS).where(PAYMENTS.c.state != "replaced")):
        _pays_exactly(tx, payment, network)
        if payment["state"] == "stored":
            continue
        status = chain.status(payment["txid"])
        _require(status.known, f"transaction {payment['txid']} is not on the chain")
        if payment["state"] == "confirmed":
            _require(status.confirmed_height is not None, f"{payment['txid']} is not confirmed")
            on_chain = chain.raw(payment["txid"])
            _require(
                on_chain is not None and on_chain.hex() == payment["raw"],
                f"{payment['txid']} on the chain is not what was stored",
            )
            fees += payment["fee_sats"]
            paid += sum(
                p["sats"]
                for p in _rows(tx, sa.select(PAYOUTS).where(PAYOUTS.c.txid == payment["txid"]))
            )
    hot = ledger.balance(tx, HOT_WALLET)
    credited = hot.credits_posted if hot else 0
    _require(credited == paid + fees, f"{HOT_WALLET} paid {credited}, the chain {paid + fees}")
    return f"{paid} sats paid, {fees} sats of network fees"


def _pays_exactly(tx: Tx, payment: dict[str, Any], network: str) -> None:
    outputs = outputs_of(bytes.fromhex(payment["raw"]))
    for payout in _rows(tx, sa.select(PAYOUTS).where(PAYOUTS.c.txid == payment["txid"])):
        wanted = (script_of(payout["address"], network), payout["sats"])
        row = _rows(tx, sa.select(PURCHASES).where(PURCHASES.c.id == payout["purchase"]))[0]
        where = f"purchase {row['reference']}"
        _require(wanted in outputs, f"{payment['txid']} does not pay {where}")
        _require(
            (row["address"], row["sats"]) == (payout["address"], payout["sats"]),
            f"{where}: the payout differs from what is owed",
        )
        outputs.remove(wanted)


def _journal(tx: Tx) -> str:
    length, signed = journal.verify(tx), log.verify(tx)
    query = sa.select(EVENTS, journal.ENTRIES.c.commitment).outerjoin(
        journal.ENTRIES, journal.ENTRIES.c.seq == EVENTS.c.entry
    )
    with tx.execute(query.execution_options(yield_per=journal.READ_ROWS)) as rows:
        for row in rows.mappings():
            where = f"event {row['n']} ({row['kind']}) of purchase {row['purchase']}"
            _require(
                record.opens(row["content"], row["salt"], row["commitment"] or ""),
                f"{where} is not what the journal committed to",
            )
    return f"{length} entries, {signed} signed checkpoints"


def _care(tx: Tx) -> str:
    """Recompute the digest of each ended intervention that showed or held anything."""
    told = {
        row["purchase"]: msgspec.json.decode(row["content"])["record"]
        for row in _rows(tx, sa.select(EVENTS).where(EVENTS.c.kind == "care"))
    }
    query = sa.select(INTERVENTIONS).where(INTERVENTIONS.c.ended_at.is_not(None))
    kept = {row["purchase"]: row for row in _rows(tx, query)}
    for purchase, digest in told.items():
        held = kept.get(purchase)
        same = held is not None and intervene.digest_of(held) == digest
        _require(same, f"the intervention of purchase {purchase} is not what was journalled")
    return f"{len(told)} records"
