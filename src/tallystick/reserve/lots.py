"""Lots: what came in, from where, since when; and the parcels by which they follow the coins.

A coin that arrives has no lot until its origin is registered by one official, found lawful by the
mandate and confirmed by another. A lot's label and day of deposit are written once and never again;
whatever coins do later, `model.follow` alone says which satoshis are whose.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import approvals, journal
from tallystick.core.approvals import Proposal, Rule
from tallystick.core.clock import Clock, new_id
from tallystick.core.identity import grants
from tallystick.core.rulebook.verdict import Answer, Verdict
from tallystick.core.store import Tx, for_update, insert_once
from tallystick.core.vault import Vault
from tallystick.reserve import books, privacy, record, verdicts
from tallystick.reserve.ask import ask
from tallystick.reserve.charter import APPROVING, VETOING, charter
from tallystick.reserve.errors import (
    LedgersMixed,
    LotsDoNotAddUp,
    LotUnknown,
    OriginIncomplete,
    ReserveError,
)
from tallystick.reserve.facts import Facts
from tallystick.reserve.model import Ledger, Origin, Parcel
from tallystick.reserve.tables import COINS, LOTS, PARCELS, VAULT_LEDGERS

ORIGIN_EXPIRES_S: Final = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Lot:
    """What came in together. ``deposited`` is the first day it was held; it never moves."""

    id: str
    ledger: Ledger
    origin: Origin
    deposited: dt.date
    sats: int
    txid: str
    vout: int


@dataclass(frozen=True, slots=True)
class Coin:
    """One output of a vault. ``height`` and ``spent_height`` are 0 where there is none."""

    txid: str
    vout: int
    vault: str
    ledger: Ledger
    address: str
    keychain: str
    place: int
    sats: int
    height: int
    day: str
    spent_by: str
    spent_height: int

    @property
    def name(self) -> str:
        """Return the coin as ``txid:vout``."""
        return f"{self.txid}:{self.vout}"


def assign(tx: Tx, clock: Clock, vault: str, ledger: Ledger) -> None:
    """Say to which ledger a vault belongs, for good; raise `LedgersMixed` for another one."""
    if insert_once(tx, VAULT_LEDGERS, {"vault": vault, "ledger": ledger.value}):
        record.event(tx, clock, f"vault:{vault}", "vault_assigned", {"ledger": ledger.value})
    elif ledger_of(tx, vault) is not ledger:
        raise LedgersMixed(f"the vault {vault} belongs to the ledger {ledger_of(tx, vault)}")


def ledger_of(tx: Tx, vault: str) -> Ledger:
    """Return a vault's ledger; raise `LotUnknown` for one that was never assigned."""
    query = sa.select(VAULT_LEDGERS.c.ledger).where(VAULT_LEDGERS.c.vault == vault)
    found = tx.execute(query).scalar_one_or_none()
    if found is None:
        raise LotUnknown(f"the vault {vault} is in no ledger yet: reserve vault assign")
    return Ledger(found)


def arrive(
    tx: Tx,
    clock: Clock,
    vault: str,
    coin: tuple[str, int],
    sats: int,
    address: str,
    keychain: str,
    place: int,
    height: int,
    parcels: Sequence[Parcel] = (),
) -> bool:
    """Write down a confirmed coin of a vault, once; return whether it is new.

    Without parcels it came from outside: it has no lot, and stands as unaccepted in the books.
    """
    ledger, now = ledger_of(tx, vault), clock.now()
    row: dict[str, Any] = {
        "txid": coin[0],
        "vout": coin[1],
        "vault": vault,
        "ledger": ledger.value,
        "address": address,
        "keychain": keychain,
        "place": place,
        "sats": sats,
        "height": height,
        "day": charter(tx).day(now).isoformat(),
        "at": now,
        "spent_by": "",
        "spent_height": 0,
    }
    if not insert_once(tx, COINS, row):
        return False
    name = f"{coin[0]}:{coin[1]}"
    held = list(parcels) or [Parcel("", sats)]
    if sum(parcel.sats for parcel in held) != sats:
        raise LotsDoNotAddUp(f"{name} holds {sats}, its parcels {held}")
    put(tx, coin, held)
    if not parcels:
        books.post(tx, [books.deposited(ledger.value, vault, name, sats)], now)
        content = {"vault": vault, "sats": sats, "address": address, "height": height}
        record.event(tx, clock, f"coin:{name}", "arrived", content)
    return True


def put(tx: Tx, coin: tuple[str, int], parcels: Sequence[Parcel]) -> None:
    """Write a coin's parcels in their order."""
    for n, parcel in enumerate(parcels):
        row = {"txid": coin[0], "vout": coin[1], "n": n, "lot": parcel.lot, "sats": parcel.sats}
        tx.execute(sa.insert(PARCELS).values(row))


def parcels(tx: Tx, coin: tuple[str, int]) -> list[Parcel]:
    """Return a coin's parcels in their order."""
    p = PARCELS.c
    query = sa.select(p.lot, p.sats).where(p.txid == coin[0], p.vout == coin[1]).order_by(p.n)
    return [Parcel(row.lot, row.sats) for row in tx.execute(query)]


def coins(tx: Tx, vault: str = "", spent: bool = False) -> list[Coin]:
    """Return the coins on record, unspent ones alone unless told otherwise, oldest first."""
    names = [COINS.c[name] for name in Coin.__dataclass_fields__]
    query = sa.select(*names).order_by(COINS.c.height, COINS.c.txid, COINS.c.vout)
    query = query.where(COINS.c.vault == vault) if vault else query
    query = query if spent else query.where(COINS.c.spent_by == "")
    return [_coin(row) for row in tx.execute(query).mappings()]


def coin(tx: Tx, txid: str, vout: int) -> Coin:
    """Return one coin and lock its row; raise `LotUnknown`."""
    names = [COINS.c[name] for name in Coin.__dataclass_fields__]
    query = sa.select(*names).where(COINS.c.txid == txid, COINS.c.vout == vout)
    row = tx.execute(for_update(query, tx)).mappings().one_or_none()
    if row is None:
        raise LotUnknown(f"no coin {txid[:64]}:{vout} is in a vault")
    return _coin(row)


def _coin(row: Any) -> Coin:
    return Coin(**{**row, "ledger": Ledger(row["ledger"])})


def lot(tx: Tx, id: str) -> Lot:
    """Return one lot; raise `LotUnknown`."""
    row = tx.execute(sa.select(LOTS).where(LOTS.c.id == id)).mappings().one_or_none()
    if row is None:
        raise LotUnknown(f"there is no lot {id[:40]!r}")
    return _lot(row)


def lots(tx: Tx) -> list[Lot]:
    """Return every lot that ever was, oldest first."""
    rows = tx.execute(sa.select(LOTS).order_by(LOTS.c.deposited, LOTS.c.id)).mappings()
    return [_lot(row) for row in rows]


def _lot(row: Any) -> Lot:
    return Lot(
        row["id"],
        Ledger(row["ledger"]),
        msgspec.json.decode(row["origin"], type=Origin),
        dt.date.fromisoformat(row["deposited"]),
        row["sats"],
        row["txid"],
        row["vout"],
    )


def held(tx: Tx) -> dict[str, int]:
    """Return how much of each lot lies in the vaults now."""
    p, c = PARCELS.c, COINS.c
    query = (
        sa.select(p.lot, sa.func.sum(p.sats))
        .join(COINS, sa.and_(c.txid == p.txid, c.vout == p.vout))
        .where(c.spent_by == "")
        .group_by(p.lot)
    )
    return {row[0]: int(row[1]) for row in tx.execute(query)}


# Taking a coin in


def origin_digest(coin: Coin, origin: Origin) -> str:
    """Return what officials approve when a coin is taken in: this coin, this label."""
    content = {"coin": coin.name, "sats": coin.sats, "ledger": coin.ledger.value, "day": coin.day}
    full = {**content, "origin": msgspec.to_builtins(origin)}
    return hashlib.sha256(b"tallystick/reserve/origin/1\n" + journal.canonical(full)).hexdigest()


def judge(tx: Tx, coin: Coin, origin: Origin, on: dt.date) -> Verdict:
    """Ask the mandate whether a coin may come in under an origin; other assets need no mandate."""
    here = sa.select(sa.func.count()).where(COINS.c.address == coin.address)
    facts = Facts(
        act="accept",
        sats=coin.sats,
        origin=origin.kind,
        final=origin.final_on is not None and origin.final_on <= on,
        source=origin.source or None,
        share_bp_after=origin.share_bp_after,
        largest_address_sats=coin.sats,
        reused_addresses=int(tx.execute(here).scalar_one()) - 1,
    )
    if coin.ledger is Ledger.OTHER:
        return Verdict(Answer.PERMIT, ())
    return ask(charter(tx).mandate, "reserve.accept", facts, on)


def register(
    tx: Tx,
    clock: Clock,
    coin_at: tuple[str, int],
    origin: Origin,
    maker: str,
    vault: Vault | None = None,
) -> Proposal | None:
    """Register a coin's origin for another official to confirm; None if the mandate refuses it.

    The names of private givers and sellers go into no event, label or attestation, but as salted
    commitments; what opens them is kept in ``vault``, or without one on the official's papers.
    A refusal is written down with its provisions before this returns, and moves nothing. Raises
    `OriginIncomplete`, and `LotsDoNotAddUp` for a coin that has a lot already: a label is for good.
    """
    journal.lock(tx)
    origin.check()
    found = coin(tx, *coin_at)
    _unlabelled(tx, found)
    origin, openings = privacy.sealed(clock, origin)
    if vault is not None and openings:
        privacy.keep(tx, vault, coin_at, openings, maker)
    if origin.fork_of:
        lot(tx, origin.fork_of)
    on = charter(tx).day(clock.now())
    said = judge(tx, found, origin, on)
    content = {
        "coin": found.name,
        "origin": msgspec.to_builtins(origin),
        "by": maker,
        "verdict": verdicts.plain(charter(tx).mandate.code, "reserve.accept", on, said),
    }
    if said.answer is not Answer.PERMIT:
        record.event(tx, clock, f"coin:{found.name}", "origin_refused", content)
        return None
    rule = Rule(
        needs=dict.fromkeys(APPROVING, 0),
        quorum=1,
        excluded=frozenset(grants.holders(tx, "reserve.keyholder")),
        proposers=VETOING,
        vetoes=VETOING,
        expires_s=ORIGIN_EXPIRES_S,
    )
    digest = origin_digest(found, origin)
    made = approvals.propose(tx, clock, "origin", found.name, digest, rule, maker)
    record.event(
        tx, clock, f"coin:{found.name}", "origin_registered", {**content, "proposal": made.id}
    )
    return made


def _unlabelled(tx: Tx, found: Coin) -> None:
    if found.spent_by or any(parcel.lot for parcel in parcels(tx, (found.txid, found.vout))):
        raise LotsDoNotAddUp(f"{found.name} is spent or has its lot: a label is written once")


def registered(tx: Tx, name: str) -> tuple[str, Origin]:
    """Return the last origin registered for a coin: its proposal and the label."""
    for row in reversed(record.history(tx, f"coin:{name}")):
        if row["kind"] == "origin_registered":
            origin = msgspec.convert(row["content"]["origin"], Origin, strict=False)
            return row["content"]["proposal"], origin
    raise OriginIncomplete(f"no origin is registered for {name}")


def accept(tx: Tx, clock: Clock, coin_at: tuple[str, int], by: str) -> Lot:
    """Make the lot whose origin was registered and confirmed; raise what `approvals.use` raises.

    The mandate is asked again, on the day on which it is done.
    """
    journal.lock(tx)
    found = coin(tx, *coin_at)
    _unlabelled(tx, found)
    proposal, origin = registered(tx, found.name)
    on = charter(tx).day(clock.now())
    if judge(tx, found, origin, on).answer is not Answer.PERMIT:
        raise ReserveError(f"{found.name}: the mandate does not let it in any more")
    digest = origin_digest(found, origin)
    used = approvals.use(tx, clock, proposal, "origin", found.name, digest, by)
    made = _make(tx, clock, found, origin, by)
    tx.execute(sa.delete(PARCELS).where(PARCELS.c.txid == coin_at[0], PARCELS.c.vout == coin_at[1]))
    put(tx, coin_at, [Parcel(made.id, found.sats)])
    ledger = found.ledger.value
    books.post(tx, [books.accepted(ledger, found.name, made.id, found.sats)], clock.now())
    content = {
        "coin": found.name,
        "ledger": ledger,
        "origin": msgspec.to_builtins(origin),
        "deposited": made.deposited,
        "sats": made.sats,
        "proposal": proposal,
        "counted": sorted([one.person, one.role] for one in used.counted),
    }
    record.event(tx, clock, f"lot:{made.id}", "accepted", content)
    return made


def _make(tx: Tx, clock: Clock, found: Coin, origin: Origin, by: str) -> Lot:
    """Write a lot. Its day of deposit is the coin's; a fork's is that of the lot it came from."""
    day = lot(tx, origin.fork_of).deposited.isoformat() if origin.fork_of else found.day
    row = {
        "id": new_id(clock),
        "ledger": found.ledger.value,
        "origin": msgspec.json.encode(origin).decode(),
        "kind": origin.kind,
        "deposited": day,
        "sats": found.sats,
        "txid": found.txid,
        "vout": found.vout,
        "at": clock.now(),
        "by": by,
    }
    tx.execute(sa.insert(LOTS).values(row))
    return lot(tx, str(row["id"]))
