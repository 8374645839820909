"""What people read: purchases, their history, machines, the wallet. Nothing here changes a row."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import effects, journal, ledger
from tallystick.core.store import Tx, prepared
from tallystick.kiosk import wire
from tallystick.kiosk.model import Note
from tallystick.kiosk.tables import (
    EVENTS,
    INCIDENTS,
    NOTES,
    PAYMENTS,
    PAYOUTS,
    PURCHASES,
    STATUS,
    WALLET,
)

PAGE_ROWS_MAX: Final = 100
SEARCH_LENGTH_MAX: Final = 120
SEARCH_LENGTH_MIN: Final = 4
STEPS: Final = (
    ("counted", "note_stacked"),
    ("paid_in", "paid_in"),
    ("signed", "signed"),
    ("sent", "sent"),
    ("confirmed", "settled"),
)

Row = dict[str, Any]


@prepared
def _payment_of(purchase: str) -> sa.Select[Any]:
    joined = sa.select(PAYMENTS).join(PAYOUTS, PAYOUTS.c.txid == PAYMENTS.c.txid)
    return joined.where(PAYOUTS.c.purchase == purchase)


@prepared
def _last_of_each_kind(purchase: str) -> sa.Select[Any]:
    query = sa.select(EVENTS.c.kind, sa.func.max(EVENTS.c.at).label("at"))
    return query.where(EVENTS.c.purchase == purchase).group_by(EVENTS.c.kind)


@prepared
def _purchase(purchase: str) -> sa.Select[Any]:
    return sa.select(PURCHASES).where(PURCHASES.c.id == purchase)


def payment_of(tx: Tx, purchase: str) -> Row | None:
    """Return the transaction that pays a purchase, if one is stored."""
    row = _payment_of(tx, purchase=purchase).mappings().one_or_none()
    return None if row is None else dict(row)


def path(tx: Tx, purchase: str) -> list[wire.Step]:
    """Return the money path: for each cut, when it was made, or None."""
    found = _last_of_each_kind(tx, purchase=purchase).mappings()
    times: dict[str, dt.datetime] = {row["kind"]: row["at"] for row in found}
    return [wire.Step(name=name, at=times.get(kind), detail="") for name, kind in STEPS]


def purchase_view(tx: Tx, purchase: str, left_minor: int, needed: int) -> wire.PurchaseView:
    """Return a purchase as the machine shows it."""
    row = _purchase(tx, purchase=purchase).mappings().one()
    payment = payment_of(tx, purchase)
    return wire.PurchaseView(
        purchase=purchase,
        reference=row["reference"],
        state=row["state"],
        currency=row["currency"],
        address=row["address"],
        notes=row["notes"],
        cash_minor=row["cash_minor"],
        fee_minor=row["fee_minor"],
        worth_minor=row["worth_minor"],
        sats=row["sats"],
        price_minor=row["price_minor"],
        left_minor=left_minor,
        quote=row["quote"],
        quote_expires_at=row["quote_expires_at"],
        txid=payment["txid"] if payment else "",
        confirmations=payment["confirmations"] if payment else 0,
        confirmations_needed=needed,
        path=path(tx, purchase),
        commitment=row["commitment"],
        salt=row["salt"],
    )


def purchases(
    tx: Tx, state: str = "", search: str = "", before: dt.datetime | None = None
) -> list[Row]:
    """Return the newest purchases, filtered by state or by reference, address, id or txid."""
    p = PURCHASES.c
    query = sa.select(PURCHASES).order_by(p.made_at.desc()).limit(PAGE_ROWS_MAX)
    if state:
        query = query.where(p.state == state)
    if before:
        query = query.where(p.made_at < before)
    word = search.strip()[:SEARCH_LENGTH_MAX]
    if word:
        paid = sa.select(PAYOUTS.c.purchase).where(PAYOUTS.c.txid == word.lower())
        query = query.where(
            sa.or_(p.reference == word.upper(), p.address == word, p.id == word, p.id.in_(paid))
        )
    return [dict(row) for row in tx.execute(query).mappings()]


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything about one purchase."""

    purchase: Row
    events: list[Row]
    notes: list[Row]
    transfers: list[Row]
    effects: list[Row]
    payment: Row | None
    incidents: list[Row]
    path: list[wire.Step]


def dossier(tx: Tx, purchase: str) -> Dossier | None:
    """Return one purchase's whole history, or None."""
    query = sa.select(PURCHASES).where(PURCHASES.c.id == purchase)
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        return None
    events = []
    for item in _rows(tx, sa.select(EVENTS).where(EVENTS.c.purchase == purchase), EVENTS.c.n):
        events.append({**item, "content": msgspec.json.decode(item["content"])})
    payment = payment_of(tx, purchase)
    acts = [dict(item) for item in effects.waiting(tx, purchase)]
    if payment:
        acts += [dict(item) for item in effects.waiting(tx, payment["txid"])]
    notes = sa.select(NOTES).where(NOTES.c.purchase == purchase)
    incidents = sa.select(INCIDENTS).where(INCIDENTS.c.purchase == purchase)
    return Dossier(
        purchase=dict(row),
        events=events,
        notes=_rows(tx, notes, NOTES.c.seq),
        transfers=[dict(item) for item in ledger.about(tx, purchase)],
        effects=acts,
        payment=payment,
        incidents=_rows(tx, incidents, INCIDENTS.c.at),
        path=path(tx, purchase),
    )


def _rows(tx: Tx, query: sa.Select[Any], order: Any) -> list[Row]:
    return [dict(row) for row in tx.execute(query.order_by(order)).mappings()]


def machine_status(tx: Tx) -> list[Row]:
    """Return each machine's last word, with the cash box as we count it."""
    counted: dict[str, tuple[int, int]] = {}
    query = sa.select(
        NOTES.c.machine, sa.func.count(), sa.func.coalesce(sa.func.sum(NOTES.c.minor), 0)
    ).where(NOTES.c.state == Note.STACKED.value)
    for machine, count, minor in tx.execute(query.group_by(NOTES.c.machine)):
        counted[machine] = (count, int(minor))
    rows = _rows(tx, sa.select(STATUS), STATUS.c.machine)
    for row in rows:
        row["counted_notes"], row["counted_minor"] = counted.get(row["machine"], (0, 0))
    return rows


def wallet(tx: Tx) -> Row | None:
    """Return the hot wallet as last read from the chain."""
    row = tx.execute(sa.select(WALLET)).mappings().one_or_none()
    return None if row is None else dict(row)


def incidents(tx: Tx) -> list[Row]:
    """Return the newest incidents."""
    query = sa.select(INCIDENTS).order_by(INCIDENTS.c.at.desc()).limit(PAGE_ROWS_MAX)
    return [dict(row) for row in tx.execute(query).mappings()]


def stuck(tx: Tx) -> list[Row]:
    """Return the effects that need a person or keep failing."""
    e = effects.EFFECTS.c
    query = sa.select(effects.EFFECTS).where(
        sa.or_(
            e.state == effects.State.PERSON.value,
            sa.and_(e.state == effects.State.WAITING.value, e.error != ""),
        )
    )
    return _rows(tx, query.limit(PAGE_ROWS_MAX), e.made_at)


def head(tx: Tx) -> tuple[int, str]:
    """Return the journal's length and last hash, for the public page."""
    return journal.head(tx)


def last_to(tx: Tx, address: str) -> wire.PurchaseView | None:
    """Return the newest purchase to an address, or None."""
    query = sa.select(PURCHASES.c.id).where(PURCHASES.c.address == address)
    newest = query.order_by(PURCHASES.c.made_at.desc(), PURCHASES.c.id.desc()).limit(1)
    found = tx.execute(newest).scalar_one_or_none()
    return None if found is None else purchase_view(tx, found, 0, 1)


def waiting_for_person(tx: Tx) -> list[Row]:
    """Return the purchases in which only a person can go on, oldest first."""
    query = sa.select(PURCHASES).where(PURCHASES.c.state.in_(("refund_due", "kept")))
    return _rows(tx, query.limit(PAGE_ROWS_MAX), PURCHASES.c.moved_at)


def day_figures(tx: Tx, since: dt.datetime) -> dict[str, int]:
    """Return the cash stacked, the purchases and the kiosks since a moment."""
    n = NOTES.c
    query = sa.select(
        sa.func.coalesce(sa.func.sum(n.minor), 0),
        sa.func.count(sa.distinct(n.purchase)),
        sa.func.count(sa.distinct(n.machine)),
    ).where(n.state == Note.STACKED.value, n.ended_at >= since)
    minor, purchases_, machines_ = tx.execute(query).one()
    return {"minor": int(minor), "purchases": int(purchases_), "machines": int(machines_)}


def payments(tx: Tx) -> list[Row]:
    """Return the newest transactions that pay customers, with how many each pays."""
    paid = sa.select(sa.func.count()).where(PAYOUTS.c.txid == PAYMENTS.c.txid).scalar_subquery()
    sats = sa.select(sa.func.coalesce(sa.func.sum(PAYOUTS.c.sats), 0))
    total = sats.where(PAYOUTS.c.txid == PAYMENTS.c.txid).scalar_subquery()
    query = sa.select(PAYMENTS, paid.label("customers"), total.label("sats"))
    newest = query.order_by(PAYMENTS.c.made_at.desc()).limit(PAGE_ROWS_MAX)
    return [dict(row) for row in tx.execute(newest).mappings()]


def find(tx: Tx, word: str) -> list[Row]:
    """Return purchases whose number, address, transaction or id begins with the word."""
    word = word.strip()[:SEARCH_LENGTH_MAX]
    if len(word) < SEARCH_LENGTH_MIN:
        return []
    plain = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    p = PURCHASES.c
    paid = sa.select(PAYOUTS.c.purchase).where(
        PAYOUTS.c.txid.like(f"{plain.lower()}%", escape="\\")
    )
    query = sa.select(PURCHASES).where(
        sa.or_(
            p.reference.like(f"{plain.upper()}%", escape="\\"),
            p.address.like(f"{plain}%", escape="\\"),
            p.id.like(f"{plain.upper()}%", escape="\\"),
            p.id.in_(paid),
        )
    )
    newest = query.order_by(p.made_at.desc()).limit(PAGE_ROWS_MAX)
    return [dict(row) for row in tx.execute(newest).mappings()]


def committed(tx: Tx, commitment: str) -> tuple[int, str] | None:
    """Return the journal entry's number and day for a commitment, or None if there is none."""
    return journal.find(tx, commitment)


def version(tx: Tx) -> str:
    """Return a text that differs when anything a console shows has changed."""
    newest = tx.execute(sa.select(sa.func.max(STATUS.c.at))).scalar_one()
    seen = tx.execute(sa.select(sa.func.max(INCIDENTS.c.at))).scalar_one()
    held = wallet(tx) or {}
    return (
        f"{journal.head(tx)[0]}.{newest}.{seen}.{held.get('height')}.{held.get('confirmed_sats')}"
    )
