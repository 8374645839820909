"""Paying out: build, sign, store the signed bytes, broadcast, watch, settle. Never twice.

Three effects follow one another. ``payout`` builds one transaction for all purchases that wait,
has the signer sign it, and stores the bytes before anybody hears of them. ``broadcast`` sends
those very bytes; again is harmless. ``watch`` settles on confirmation, and replaces a stuck
transaction by one that pays the same and spends the same coins, so that only one can confirm.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa

from tallystick.bitcoin.anchor import anchor_data, anchor_output
from tallystick.bitcoin.chain import BroadcastRejected, Chain, ChainUnreachable
from tallystick.bitcoin.signer.client import SignerClient, SignerRefused, SignerUnreachable
from tallystick.bitcoin.transaction import vsize_of
from tallystick.bitcoin.wallet import Deposit, HotWallet, InsufficientCoins, Signed
from tallystick.core import effects, journal, ledger
from tallystick.core.effects import Effect, Later, NeedsPerson
from tallystick.core.money import BTC, Amount
from tallystick.core.store import Store, Tx, insert_once, prepared
from tallystick.core.tlog import log
from tallystick.kiosk import blocked
from tallystick.kiosk.buy import CUSTOMERS_OWED, HOT_WALLET, move
from tallystick.kiosk.errors import PayoutDiffers
from tallystick.kiosk.model import State
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.scams import guard, stops
from tallystick.kiosk.scams.intervene import Outcome
from tallystick.kiosk.tables import PAYMENTS, PAYOUTS, PURCHASES, WALLET

TARGET_BLOCKS: Final = 3
WATCH_EVERY_S: Final = 2
REJECTED_ATTEMPTS_MAX: Final = 5
BUMP_FACTOR_PERCENT: Final = 150

LISTED: Final = "nothing may be sent to this address"
STOPPED: Final = "somebody else stopped a purchase to this address meanwhile"
Outcomes = dict[str, Later | NeedsPerson]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Till:
    """What paying needs: the store, the desk, the chain, the watch-only wallet and the signer."""

    store: Store
    desk: Desk
    chain: Chain
    wallet: HotWallet
    signer: SignerClient
    using: threading.RLock
    booked: set[str] = field(default_factory=set)
    """Outputs to us that are committed as booked, or as our own: neither ever changes."""

    def sync(self) -> None:
        """Read the chain, and write down what the wallet holds."""
        with self.using:
            self.chain.sync(self.wallet)
            held, tip = self.wallet.balance(), self.chain.tip()
        values = {
            "one": 1,
            "at": self.desk.clock.now(),
            "confirmed_sats": held.confirmed,
            "pending_sats": held.pending_own,
            "height": tip,
        }
        found = {f"deposit:{one.txid}:{one.vout}": one for one in self.wallet.deposits()}
        new = {name: one for name, one in found.items() if name not in self.booked}
        with self.store.transact() as tx:
            if not insert_once(tx, WALLET, values):
                tx.execute(sa.update(WALLET).values(values))
            self._book(tx, new)
        self.booked.update(new)

    def _book(self, tx: Tx, new: Mapping[str, Deposit]) -> None:
        """Post coins that came from outside: confirmed outputs to us of transactions not ours."""
        for name, deposit in new.items():
            if _payment(tx, deposit.txid) is None:
                transfer = ledger.Transfer(
                    name,
                    HOT_WALLET,
                    "operator:float",
                    Amount(deposit.sats, BTC),
                    "coins deposited",
                    deposit.txid,
                )
                ledger.post(tx, [transfer], self.desk.clock.now())

    def remember_unconfirmed(self) -> None:
        """After a start: tell the wallet of every stored transaction that is not yet mined."""
        with self.store.read() as tx:
            query = sa.select(PAYMENTS).where(PAYMENTS.c.state.in_(("stored", "sent")))
            rows = list(tx.execute(query.order_by(PAYMENTS.c.made_at)).mappings())
        with self.using:
            for row in rows:
                self.wallet.remember(bytes.fromhex(row["raw"]), row["made_at"])


@prepared
def _by_txid(txid: str) -> sa.Select[Any]:
    return sa.select(PAYMENTS).where(PAYMENTS.c.txid == txid)


@prepared
def _add_payout() -> sa.Insert:
    return sa.insert(PAYOUTS)


def _payment(tx: Tx, txid: str) -> Row | None:
    row = _by_txid(tx, txid=txid).mappings().one_or_none()
    return None if row is None else dict(row)


def _stored(tx: Tx, txid: str) -> Row:
    row = _payment(tx, txid)
    if row is None:
        raise PayoutDiffers(f"transaction {txid} is not stored")
    return row


def _purchases(tx: Tx, ids: Sequence[str]) -> list[Row]:
    query = sa.select(PURCHASES).where(PURCHASES.c.id.in_(ids)).order_by(PURCHASES.c.id)
    return [dict(row) for row in tx.execute(query).mappings()]


def check_pays(
    till: Till,
    signed: Signed,
    owed: Sequence[tuple[str, int]],
    anchor: tuple[int, bytes] | None = None,
) -> None:
    """Raise `PayoutDiffers` unless the signed bytes pay just what is owed, and change to us.

    With an anchor they must also carry it, once; without one they carry none.
    """
    outputs = list(till.wallet.outputs_of(signed.raw))
    if anchor:
        if anchor_output(*anchor) not in outputs:
            raise PayoutDiffers(f"{signed.txid} does not carry the log's root")
        outputs.remove(anchor_output(*anchor))
    for address, sats in owed:
        script = till.wallet.script_of(address)
        if (script, sats) not in outputs:
            raise PayoutDiffers(f"{signed.txid} does not pay {sats} to {address}")
        outputs.remove((script, sats))
    if any(not till.wallet.is_mine(script) for script, _ in outputs):
        raise PayoutDiffers(f"{signed.txid} pays somebody to whom nothing is owed")


class PayoutHandler:
    """Builds, has signed and stores one transaction for all purchases that are paid in."""

    kind = "payout"

    def __init__(self, till: Till) -> None:
        self.till = till

    def reconcile(self, batch: Sequence[Effect]) -> Outcomes:
        """An earlier try stored nothing, else it would be done: its bytes exist nowhere."""
        return self.act(batch)

    def act(self, batch: Sequence[Effect]) -> Outcomes:
        """Pay all in one transaction; when the coins or the caps do not suffice, say so."""
        now = self.till.desk.clock.now()
        with self.till.store.read() as tx:
            rows = [
                row
                for row in _purchases(tx, [effect.key for effect in batch])
                if row["state"] == State.PAID_IN
            ]
            why = {row["id"]: self._held_back(tx, row, now) for row in rows}
        stop = {e.id: NeedsPerson(why[e.key]) for e in batch if why.get(e.key)}
        payable = [row for row in rows if not why[row["id"]]]
        keys = {row["id"] for row in payable}
        paid = [effect for effect in batch if effect.key in keys]
        return {**stop, **(self._pay(paid, payable) if paid else {})}

    def _held_back(self, tx: Tx, row: Row, now: dt.datetime) -> str:
        """Return why a person must look before this purchase is paid, or nothing."""
        if blocked.reason(tx, row["address"], now):
            return LISTED
        return STOPPED if stops.overtaken(tx, self.till.desk.scams, row, now) else ""

    def _pay(self, batch: Sequence[Effect], rows: list[Row]) -> Outcomes:
        try:
            with self.till.using:
                anchor = self._anchor()
                signed = self._sign(rows, anchor)
                self._store(batch, rows, signed, anchor)
                self.till.wallet.remember(signed.raw, self.till.desk.clock.now())
        except (InsufficientCoins, SignerRefused) as error:
            if len(batch) > 1:
                return self._one_by_one(batch)
            return {batch[0].id: Later(15, str(error))}
        except (SignerUnreachable, ChainUnreachable) as error:
            return {effect.id: Later(2, str(error)) for effect in batch}
        return {}

    def _one_by_one(self, batch: Sequence[Effect]) -> Outcomes:
        left: Outcomes = {}
        for effect in batch:
            left |= self.act([effect])
        return left

    def _anchor(self) -> tuple[int, bytes] | None:
        """Return the checkpoint that this payout takes along, once in an hour."""
        with self.till.store.read() as tx:
            found = log.to_anchor(tx, self.till.desk.clock.now())
        return (found.size, found.root) if found else None

    def _sign(self, rows: list[Row], anchor: tuple[int, bytes] | None) -> Signed:
        owed = [(row["address"], row["sats"]) for row in rows]
        rate = self.till.chain.fee_rate(TARGET_BLOCKS)
        draft = self.till.wallet.build(owed, rate, anchor_data(*anchor) if anchor else b"")
        machine = rows[0]["machine"] if len(rows) == 1 else ""
        psbt = self.till.signer.sign(draft.psbt, purpose="payout", machine=machine)
        signed = self.till.wallet.finish(psbt)
        check_pays(self.till, signed, owed, anchor)
        return signed

    def _store(
        self,
        batch: Sequence[Effect],
        rows: list[Row],
        signed: Signed,
        anchor: tuple[int, bytes] | None,
    ) -> None:
        desk, now = self.till.desk, self.till.desk.clock.now()
        with self.till.store.transact() as tx:
            journal.lock(tx)
            tx.execute(sa.insert(PAYMENTS).values(_payment_row(signed, now)))
            if anchor:
                log.anchored(tx, signed.txid, *anchor, now)
            for row in rows:
                move(tx, desk, row, State.SIGNED, "signed", {"txid": signed.txid})
                guard.ended(tx, desk, row["id"], Outcome.PROCEEDED)
                paid = {"address": row["address"], "sats": row["sats"]}
                _add_payout(tx, {"purchase": row["id"], "txid": signed.txid, **paid})
                ledger.post(tx, [_reserve(row)], now)
            effects.intend(tx, "broadcast", signed.txid, {}, desk.clock)
            for effect in batch:
                effects.done(tx, effect, now)


def _payment_row(signed: Signed, now: Any, replaces: str | None = None) -> Row:
    return {
        "txid": signed.txid,
        "raw": signed.raw.hex(),
        "state": "stored",
        "fee_sats": signed.fee_sats,
        "made_at": now,
        "confirmations": 0,
        "replaces": replaces,
    }


def _reserve(row: Row) -> ledger.Transfer:
    return ledger.Transfer(
        f"payout:{row['id']}",
        CUSTOMERS_OWED,
        HOT_WALLET,
        Amount(row["sats"], BTC),
        "coins reserved",
        row["id"],
        ledger.State.PENDING,
    )


class BroadcastHandler:
    """Sends stored bytes. The same bytes again are harmless; other bytes are never made here."""

    kind = "broadcast"

    def __init__(self, till: Till) -> None:
        self.till = till

    def act(self, batch: Sequence[Effect]) -> Outcomes:
        """Send each, and say why one was not taken."""
        return {e.id: out for e in batch if (out := self._send(e, ask_first=False))}

    def reconcile(self, batch: Sequence[Effect]) -> Outcomes:
        """Ask the chain first; what it knows is sent."""
        return {e.id: out for e in batch if (out := self._send(e, ask_first=True))}

    def _send(self, effect: Effect, ask_first: bool) -> Later | NeedsPerson | None:
        with self.till.store.read() as tx:
            row = _stored(tx, effect.key)
        try:
            if not (ask_first and self.till.chain.status(row["txid"]).known):
                self.till.chain.broadcast(bytes.fromhex(row["raw"]))
        except ChainUnreachable as error:
            return Later(1, f"outcome unknown: {error}")
        except BroadcastRejected as error:
            if not self.till.chain.status(row["txid"]).known:
                return _rejected(effect, error)
        self._sent(effect, row)
        return None

    def _sent(self, effect: Effect, row: Row) -> None:
        desk, now = self.till.desk, self.till.desk.clock.now()
        with self.till.store.transact() as tx:
            journal.lock(tx)
            tx.execute(
                sa.update(PAYMENTS)
                .where(PAYMENTS.c.txid == row["txid"], PAYMENTS.c.state == "stored")
                .values(state="sent", sent_at=now)
            )
            for purchase in _paid_by(tx, row["txid"]):
                if purchase["state"] == State.SIGNED:
                    move(tx, desk, purchase, State.SENT, "sent", {"txid": row["txid"]})
            effects.intend(tx, "watch", row["txid"], {}, desk.clock)
            effects.done(tx, effect, now)


def _rejected(effect: Effect, error: BroadcastRejected) -> Later | NeedsPerson:
    if effect.attempts >= REJECTED_ATTEMPTS_MAX:
        return NeedsPerson(f"the network refuses it: {error}")
    return Later(5, f"refused: {error}")


def _paid_by(tx: Tx, txid: str) -> list[Row]:
    query = sa.select(PAYOUTS.c.purchase).where(PAYOUTS.c.txid == txid)
    return _purchases(tx, list(tx.execute(query).scalars()))


class WatchHandler:
    """Waits for confirmations, settles, and replaces what is stuck."""

    kind = "watch"

    def __init__(self, till: Till) -> None:
        self.till = till

    def reconcile(self, batch: Sequence[Effect]) -> Outcomes:
        """Watching changes nothing, so looking again is all there is to do."""
        return self.act(batch)

    def act(self, batch: Sequence[Effect]) -> Outcomes:
        """Look at each transaction; settle those that are deep enough."""
        self.till.sync()
        tip = self.till.chain.tip()
        return {e.id: out for e in batch if (out := self._look(e, tip))}

    def _look(self, effect: Effect, tip: int) -> Later | NeedsPerson | None:
        desk = self.till.desk
        with self.till.store.read() as tx:
            row = _stored(tx, effect.key)
        status = self.till.chain.status(row["txid"])
        if status.confirmed_height is not None:
            depth = tip - status.confirmed_height + 1
            self._deeper(row, status.confirmed_height, depth)
            if depth >= desk.policy.confirmations_needed:
                self._settle(effect, row)
                return None
            return Later(WATCH_EVERY_S, "waiting for confirmations", waiting=True)
        if row["state"] == "replaced":
            return self._replaced(effect, row)
        if not status.known:
            self.till.chain.broadcast(bytes.fromhex(row["raw"]))
        elif (desk.clock.now() - row["made_at"]).total_seconds() > desk.policy.bump_after_s:
            self._bump(row)
        return Later(WATCH_EVERY_S, "waiting for a block", waiting=True)

    def _replaced(self, effect: Effect, row: Row) -> Later | None:
        with self.till.store.transact() as tx:
            query = sa.select(PAYMENTS).where(PAYMENTS.c.replaces == row["txid"])
            heir = tx.execute(query).mappings().one_or_none()
            if heir is not None and heir["state"] in ("confirmed", "replaced"):
                effects.done(tx, effect, self.till.desk.clock.now())
                return None
        return Later(WATCH_EVERY_S, "replaced; watching both", waiting=True)

    def _deeper(self, row: Row, height: int, depth: int) -> None:
        with self.till.store.transact() as tx:
            tx.execute(
                sa.update(PAYMENTS)
                .where(PAYMENTS.c.txid == row["txid"])
                .values(height=height, confirmations=depth)
            )

    def _settle(self, effect: Effect, row: Row) -> None:
        desk, now, txid = self.till.desk, self.till.desk.clock.now(), row["txid"]
        with self.till.store.transact() as tx:
            journal.lock(tx)
            _adopt_if_replaced(tx, row)
            tx.execute(sa.update(PAYMENTS).where(PAYMENTS.c.txid == txid).values(state="confirmed"))
            for purchase in _paid_by(tx, txid):
                if purchase["state"] in (State.SIGNED, State.SENT):
                    move(tx, desk, purchase, State.SETTLED, "settled", {"txid": txid})
                    ledger.post(tx, [_settled(purchase)], now)
            if row["fee_sats"]:
                fee = Amount(row["fee_sats"], BTC)
                ledger.post(
                    tx,
                    [
                        ledger.Transfer(
                            f"network-fee:{txid}",
                            "expense:network",
                            HOT_WALLET,
                            fee,
                            "network fee",
                            txid,
                        )
                    ],
                    now,
                )
            effects.done(tx, effect, now)

    def _bump(self, row: Row) -> None:
        """Replace a stuck transaction; the signer sees that it spends the same coins."""
        old_rate = row["fee_sats"] * 1_000 // vsize_of(bytes.fromhex(row["raw"]))
        rate = max(self.till.chain.fee_rate(1), old_rate * BUMP_FACTOR_PERCENT // 100 + 1_000)
        with self.till.using:
            draft = self.till.wallet.build_bump(row["txid"], rate)
            psbt = self.till.signer.sign(draft.psbt, purpose="bump", machine="")
            signed = self.till.wallet.finish(psbt)
            with self.till.store.read() as tx:
                owed = [(p["address"], p["sats"]) for p in _paid_by(tx, row["txid"])]
                anchor = log.anchor_of(tx, row["txid"])
            check_pays(self.till, signed, owed, anchor)
            self._store_bump(row, signed, anchor)
            self.till.wallet.remember(signed.raw, self.till.desk.clock.now())

    def _store_bump(self, row: Row, signed: Signed, anchor: tuple[int, bytes] | None) -> None:
        desk, now = self.till.desk, self.till.desk.clock.now()
        with self.till.store.transact() as tx:
            journal.lock(tx)
            if not insert_once(tx, PAYMENTS, _payment_row(signed, now, row["txid"])):
                return
            if anchor:
                log.anchored(tx, signed.txid, *anchor, now)
            for table, where, values in (
                (PAYMENTS, PAYMENTS.c.txid == row["txid"], {"state": "replaced"}),
                (PAYOUTS, PAYOUTS.c.txid == row["txid"], {"txid": signed.txid}),
            ):
                tx.execute(sa.update(table).where(where).values(values))
            effects.intend(tx, "broadcast", signed.txid, {}, desk.clock)


def _adopt_if_replaced(tx: Tx, row: Row) -> None:
    """The replaced transaction confirmed after all: its payouts are its own again."""
    txid, heirs = row["txid"], []
    while True:
        query = sa.select(PAYMENTS.c.txid).where(PAYMENTS.c.replaces == txid)
        heir = tx.execute(query).scalar_one_or_none()
        if heir is None:
            break
        heirs.append(heir)
        txid = heir
    if heirs:
        tx.execute(sa.update(PAYOUTS).where(PAYOUTS.c.txid.in_(heirs)).values(txid=row["txid"]))
        tx.execute(sa.update(PAYMENTS).where(PAYMENTS.c.txid.in_(heirs)).values(state="replaced"))


def _settled(row: Row) -> ledger.Transfer:
    return ledger.Transfer(
        f"settled:{row['id']}",
        CUSTOMERS_OWED,
        HOT_WALLET,
        Amount(row["sats"], BTC),
        "coins paid",
        row["id"],
        resolves=f"payout:{row['id']}",
    )


def handlers(till: Till) -> list[effects.Handler]:
    """Return the handlers in the order in which a payout runs through them."""
    return [PayoutHandler(till), BroadcastHandler(till), WatchHandler(till)]
