"""From approval to the chain: signed parts come back, are checked, stored, and only then sent.

Key holders sign both the movement and the cancel that could beat it; nothing is final before both
are. The final bytes are on disk before anybody hears of them; the same bytes again are harmless,
other bytes are never made (Decision 6).
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.bitcoin.anchor import read_anchor
from tallystick.bitcoin.chain import BroadcastRejected, ChainUnreachable
from tallystick.core import effects, journal
from tallystick.core.effects import Effect, Later, NeedsPerson
from tallystick.core.store import Tx
from tallystick.core.tlog import log
from tallystick.reserve import queries, record, signing, vaults
from tallystick.reserve.approve import check_vault, move
from tallystick.reserve.charter import FROZEN, charter
from tallystick.reserve.errors import Frozen, PlanDiffers, Unsigned, WrongMovementState
from tallystick.reserve.key_errors import Differs, NotEnoughSignatures
from tallystick.reserve.model import State
from tallystick.reserve.office import Office
from tallystick.reserve.plan import Plan, bump
from tallystick.reserve.propose import CANCEL_RATE_FACTOR
from tallystick.reserve.queries import Movement, Stored
from tallystick.reserve.settle import settle
from tallystick.reserve.tables import MOVEMENTS, PAYMENTS, SIGNED

WHICH: Final = ("pay", "cancel")
LOOK_EVERY_S: Final = 2
REJECTED_ATTEMPTS_MAX: Final = 5
Outcomes = dict[str, Later | NeedsPerson]


def plan_of(found: Movement, which: str) -> Plan:
    """Return the transaction of a movement: ``pay``, or the ``cancel`` that beats it."""
    if which not in WHICH:
        raise PlanDiffers(f"{which[:20]!r} is neither pay nor cancel")
    return found.stored.pay if which == "pay" else found.stored.cancel


def receive(office: Office, id: str, which: str, psbt: str | bytes) -> tuple[str, ...]:
    """Take a signed part, after checking every byte; return the keys that signed it.

    A part that differs from what was approved is written down as such, then refused: raises
    `PlanDiffers` naming each difference. Raises `WrongMovementState` before approval.
    """
    with office.store.transact() as tx:
        found = queries.movement(tx, id)
        _signable(tx, office, found)
        check_vault(tx, found)
        plan = plan_of(found, which)
        try:
            signers = signing.has_signed(plan, psbt)
            problem = "" if signers else "nobody has signed every input"
        except Differs as error:
            signers, problem = (), str(error)
        if problem:
            content = {"which": which, "differences": problem[:2_000]}
            record.event(tx, office.clock, found.id, "part_refused", content)
        for key in signers:
            _keep(tx, office, found, which, key, psbt)
    if problem:
        raise PlanDiffers(problem)
    return signers


def _signable(tx: Tx, office: Office, found: Movement) -> None:
    if charter(tx).frozen:
        raise Frozen(FROZEN)
    if found.state is not State.APPROVED and not _raised(tx, found):
        raise WrongMovementState(f"movement {found.reference} is {found.state}, not approved")
    approved = found.state is State.APPROVED
    if approved and found.expires_at is not None and office.clock.now() >= found.expires_at:
        raise WrongMovementState(f"movement {found.reference} expired at {found.expires_at}")


def _raised(tx: Tx, found: Movement) -> bool:
    """Say whether a sent movement waits to be signed anew at a higher fee."""
    sent = found.state in (State.SIGNED, State.SENT)
    return sent and queries.payment(tx, found.stored.pay.txid) is None


def _keep(tx: Tx, office: Office, found: Movement, which: str, key: str, psbt: str | bytes) -> None:
    s, text = SIGNED.c, psbt if isinstance(psbt, str) else base64.b64encode(psbt).decode()
    here = sa.and_(s.movement == found.id, s.which == which, s.key == key)
    tx.execute(sa.delete(SIGNED).where(here))
    row = {"movement": found.id, "which": which, "key": key, "at": office.clock.now()}
    tx.execute(sa.insert(SIGNED).values({**row, "psbt": text}))
    content = {"which": which, "key": key, "txid": plan_of(found, which).txid}
    record.event(tx, office.clock, found.id, "part_signed", content)


def finish(office: Office, id: str) -> Movement:
    """Combine, finalise and store both transactions, once enough key holders signed each.

    Raises `Unsigned` while signatures are missing, and `PlanDiffers` for parts that do not hold.
    """
    with office.using, office.store.transact() as tx:
        journal.lock(tx)
        found = queries.movement(tx, id)
        _signable(tx, office, found)
        vault = vaults.vault(tx, found.vault)
        wallet = office.wallet(tx, vault)
        final: dict[str, bytes] = {}
        signers: dict[str, tuple[str, ...]] = {}
        for which in WHICH:
            parts = list(queries.signed(tx, found.id, which).values())
            if not parts:
                raise Unsigned(f"nobody has signed the {which}")
            plan = plan_of(found, which)
            try:
                combined = signing.combine(plan, parts)
                final[which] = signing.finalise(plan, combined, wallet)
            except NotEnoughSignatures as error:
                raise Unsigned(f"the {which}: {error}") from error
            except Differs as error:
                raise PlanDiffers(str(error)) from error
            signers[which] = combined.signers
        for which in WHICH:
            _store(tx, office, found, which, final[which])
        for output in found.stored.pay.outputs:
            if anchor := read_anchor(bytes.fromhex(output.script), output.sats):
                log.anchored(tx, found.stored.pay.txid, *anchor, office.clock.now())
        wallet.remember(final["pay"], office.clock.now())
        content = {"txid": found.stored.pay.txid, "signers": signers["pay"]}
        if found.state is State.APPROVED:
            found = move(tx, office.clock, found, State.SIGNED, content)
        else:
            record.event(tx, office.clock, found.id, "signed_again", content)
        payload = {"movement": found.id}
        effects.intend(tx, "reserve_broadcast", found.stored.pay.txid, payload, office.clock)
        return found


def _store(tx: Tx, office: Office, found: Movement, which: str, raw: bytes) -> None:
    plan = plan_of(found, which)
    row = {
        "txid": plan.txid,
        "movement": found.id,
        "which": which,
        "raw": raw.hex(),
        "state": "stored",
        "fee_sats": plan.fee_sats,
        "made_at": office.clock.now(),
        "height": 0,
    }
    tx.execute(sa.insert(PAYMENTS).values(row))


def raise_fee(office: Office, id: str, sat_per_kvb: int) -> Movement:
    """Plan a sent movement anew at a higher fee within the approved bound; it must be signed again.

    The digest is the one approved, since nothing but the fee and the rest changes. Both versions
    spend the same coins, so only one can be mined. Raises `BadPlan`.
    """
    with office.using, office.store.transact() as tx:
        journal.lock(tx)
        found = queries.movement(tx, id)
        if found.state not in (State.SIGNED, State.SENT):
            raise WrongMovementState(
                f"movement {found.reference} is {found.state}: no fee to raise"
            )
        vault = vaults.vault(tx, found.vault)
        wallet, old = office.wallet(tx, vault), found.stored
        pay = bump(vault, old.pay, sat_per_kvb)
        stop = bump(vault, old.cancel, sat_per_kvb * CANCEL_RATE_FACTOR)
        before = _newest(queries.payments(tx, found.id), "pay")
        wallet.forget(bytes.fromhex(before["raw"]))
        try:
            pay = dataclasses.replace(pay, psbt=wallet.psbt(pay))
            stop = dataclasses.replace(stop, psbt=wallet.psbt(stop))
        finally:
            wallet.remember(bytes.fromhex(before["raw"]), before["made_at"])
        new = Stored(pay, stop, old.leaving, old.orders)
        values = {"plan": msgspec.json.encode(new).decode(), "fee_sats": pay.fee_sats}
        tx.execute(sa.update(MOVEMENTS).where(MOVEMENTS.c.id == found.id).values(values))
        tx.execute(sa.delete(SIGNED).where(SIGNED.c.movement == found.id))
        content = {"fee_sats": pay.fee_sats, "txid": pay.txid, "digest": found.digest}
        record.event(tx, office.clock, found.id, "fee_raised", content)
        return queries.movement(tx, found.id)


# What happens outside, reconciled after a crash


class BroadcastHandler:
    """Sends a movement's stored bytes, and again until the chain knows them or it was stopped."""

    kind = "reserve_broadcast"

    def __init__(self, office: Office) -> None:
        self.office = office

    def act(self, batch: Sequence[Effect]) -> Outcomes:
        """Send each, and say why one was not taken."""
        return {e.id: out for e in batch if (out := self._send(e))}

    def reconcile(self, batch: Sequence[Effect]) -> Outcomes:
        """The same bytes again are harmless; the chain is asked first."""
        return self.act(batch)

    def _send(self, effect: Effect) -> Later | NeedsPerson | None:
        office = self.office
        with office.store.read() as tx:
            found, frozen = queries.movement(tx, effect.payload["movement"]), charter(tx).frozen
            row = queries.payment(tx, effect.key)
        if row is None or found.state not in (State.SIGNED, State.SENT):
            self._over(effect)
            return None
        if frozen:
            return NeedsPerson("the reserve is frozen: nothing is sent")
        try:
            if not office.chain.status(row["txid"]).known:
                office.chain.broadcast(bytes.fromhex(row["raw"]))
        except ChainUnreachable as error:
            return Later(1, f"outcome unknown: {error}")
        except BroadcastRejected as error:
            if not office.chain.status(row["txid"]).known:
                return _rejected(effect, error)
        with office.store.transact() as tx:
            journal.lock(tx)
            now = queries.movement(tx, found.id)
            if now.state is State.SIGNED:
                move(tx, office.clock, now, State.SENT, {"txid": row["txid"]})
                effects.intend(tx, "reserve_watch", found.id, {}, office.clock)
            effects.done(tx, effect, office.clock.now())
        return None

    def _over(self, effect: Effect) -> None:
        with self.office.store.transact() as tx:
            effects.done(tx, effect, self.office.clock.now())


def _newest(rows: list[dict[str, Any]], which: str) -> dict[str, Any]:
    return [row for row in rows if row["which"] == which][-1]


def _rejected(effect: Effect, error: BroadcastRejected) -> Later | NeedsPerson:
    if effect.attempts >= REJECTED_ATTEMPTS_MAX:
        return NeedsPerson(f"the network refuses it: {error}")
    return Later(5, f"refused: {error}")


class CancelHandler:
    """Sends the cancel that was approved and signed with a movement, so that it beats it."""

    kind = "reserve_cancel"

    def __init__(self, office: Office) -> None:
        self.office = office

    def act(self, batch: Sequence[Effect]) -> Outcomes:
        """Send each."""
        return {e.id: out for e in batch if (out := self._send(e))}

    def reconcile(self, batch: Sequence[Effect]) -> Outcomes:
        """The same bytes again are harmless."""
        return self.act(batch)

    def _send(self, effect: Effect) -> Later | NeedsPerson | None:
        office = self.office
        with office.store.read() as tx:
            rows = queries.payments(tx, effect.key)
        newest = _newest(rows, "cancel")
        try:
            if not office.chain.status(newest["txid"]).known:
                office.chain.broadcast(bytes.fromhex(newest["raw"]))
        except ChainUnreachable as error:
            return Later(1, f"outcome unknown: {error}")
        except BroadcastRejected as error:
            mined = [r for r in rows if _height(office, r["txid"]) is not None]
            if not mined and not office.chain.status(newest["txid"]).known:
                return _rejected(effect, error)
        with office.store.transact() as tx:
            effects.intend(tx, "reserve_watch", effect.key, {}, office.clock)
            effects.done(tx, effect, office.clock.now())
        return None


def _height(office: Office, txid: str) -> int | None:
    return office.chain.status(txid).confirmed_height


class WatchHandler:
    """Waits for confirmations, and settles by whichever of a movement's transactions was mined."""

    kind = "reserve_watch"

    def __init__(self, office: Office) -> None:
        self.office = office

    def reconcile(self, batch: Sequence[Effect]) -> Outcomes:
        """Watching changes nothing, so looking again is all there is to do."""
        return self.act(batch)

    def act(self, batch: Sequence[Effect]) -> Outcomes:
        """Look at each movement; settle those that are deep enough."""
        tip = self.office.chain.tip()
        return {e.id: out for e in batch if (out := self._look(e, tip))}

    def _look(self, effect: Effect, tip: int) -> Later | None:
        office = self.office
        with office.store.read() as tx:
            found, rows = queries.movement(tx, effect.key), queries.payments(tx, effect.key)
            deep = office.policy.deep(vaults.vault(tx, found.vault).network)
        for row in rows:
            height = _height(office, row["txid"])
            if height is None:
                continue
            if tip - height + 1 < deep:
                return Later(LOOK_EVERY_S, "waiting for confirmations", waiting=True)
            with office.store.transact() as tx:
                journal.lock(tx)
                now = queries.movement(tx, found.id)
                if now.state in (State.SIGNED, State.SENT, State.CANCELLING):
                    settle(tx, office.clock, now, row["txid"], height)
                effects.done(tx, effect, office.clock.now())
            return None
        if not any(office.chain.status(row["txid"]).known for row in rows):
            self._again(found, rows)
        return Later(LOOK_EVERY_S, "waiting for a block", waiting=True)

    def _again(self, found: Movement, rows: list[dict[str, Any]]) -> None:
        """Send the stored bytes once more: the network forgot them, as after a reorganisation."""
        which = "cancel" if found.state is State.CANCELLING else "pay"
        newest = _newest(rows, which)
        self.office.chain.broadcast(bytes.fromhex(newest["raw"]))


def handlers(office: Office) -> list[Any]:
    """Return what acts on the reserve's effects, in the order in which they follow."""
    return [BroadcastHandler(office), CancelHandler(office), WatchHandler(office)]
