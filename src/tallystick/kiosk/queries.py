"""What people read: purchases, their history, machines, the wallet. Nothing here changes a row."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import effects, journal, ledger
from tallystick.core.identity.tables import MACHINE_KEYS, MACHINES
from tallystick.core.store import Tx, prepared
from tallystick.kiosk import record, wire
from tallystick.kiosk.model import Note, State
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
FILE_ROWS_MAX: Final = 100_000
SEARCH_LENGTH_MAX: Final = 120
SEARCH_LENGTH_MIN: Final = 4
REPLACED_MAX: Final = 50
STEPS: Final = (
    ("counted", "note_stacked"),
    ("paid_in", "paid_in"),
    ("signed", "signed"),
    ("sent", "sent"),
    ("confirmed", "settled"),
)
PAID_OUT: Final = (State.SIGNED, State.SENT, State.SETTLED)
"""The states in which a purchase has a payment."""
LEFT_TO_PERSON: Final = ("refund_due", "kept")
"""The states that only a person ends."""

Row = dict[str, Any]


@prepared
def _payment_of(purchase: str) -> sa.Select[Any]:
    joined = sa.select(PAYMENTS).join(PAYOUTS, PAYOUTS.c.txid == PAYMENTS.c.txid)
    return joined.where(PAYOUTS.c.purchase == purchase)


@prepared
def _last_of_each_kind(purchase: str) -> sa.Select[Any]:
    e = EVENTS.c
    query = sa.select(e.kind, sa.func.max(e.at).label("at"), sa.func.max(e.n).label("n"))
    return query.where(e.purchase == purchase).group_by(e.kind)


@prepared
def _purchase(purchase: str) -> sa.Select[Any]:
    return sa.select(PURCHASES).where(PURCHASES.c.id == purchase)


def payment_of(tx: Tx, purchase: str) -> Row | None:
    """Return the transaction that pays a purchase, if one is stored."""
    row = _payment_of(tx, purchase=purchase).mappings().one_or_none()
    return None if row is None else dict(row)


Last = dict[str, tuple[dt.datetime, int]]
"""The last of each kind of a purchase's steps: when, and its number."""


def _last(tx: Tx, purchase: str) -> Last:
    return {row.kind: (row.at, row.n) for row in _last_of_each_kind(tx, purchase=purchase)}


def path(tx: Tx, purchase: str) -> list[wire.Step]:
    """Return the money path: for each cut, when it was made, or None."""
    return _path(_last(tx, purchase))


def _path(last: Last) -> list[wire.Step]:
    never: tuple[None, int] = (None, 0)
    return [wire.Step(name=name, at=last.get(kind, never)[0], detail="") for name, kind in STEPS]


def paths(tx: Tx, purchases_: Sequence[str]) -> dict[str, list[wire.Step]]:
    """Return the money path of each of these purchases, by one question."""
    e = EVENTS.c
    query = sa.select(e.purchase, e.kind, sa.func.max(e.at)).where(e.purchase.in_(purchases_))
    times = {(row[0], row[1]): row[2] for row in tx.execute(query.group_by(e.purchase, e.kind))}
    return {
        one: [wire.Step(name=name, at=times.get((one, kind)), detail="") for name, kind in STEPS]
        for one in purchases_
    }


def purchase_view(
    tx: Tx,
    purchase: str,
    left_minor: int,
    needed: int,
    show: Sequence[wire.IdentityAsk] = (),
) -> wire.PurchaseView:
    """Return a purchase as the machine shows it."""
    row = _purchase(tx, purchase=purchase).mappings().one()
    return view_of(tx, row, left_minor, needed, show)


def view_of(
    tx: Tx,
    row: Mapping[Any, Any],
    left_minor: int,
    needed: int,
    show: Sequence[wire.IdentityAsk] = (),
) -> wire.PurchaseView:
    """Return a purchase as the machine shows it; ``row``: the whole row, as it is now."""
    purchase, paid_in = row["id"], row["state"] == State.PAID_IN
    payment = payment_of(tx, purchase) if row["state"] in PAID_OUT else None
    last = _last(tx, purchase)
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
        path=_path(last),
        held_until=held_until(tx, purchase) if paid_in and "held" in last else None,
        waiting=paid_in and _waits_now(last),
        commitment=row["commitment"],
        salt=row["salt"],
        show=list(show),
    )


@prepared
def _held(purchase: str) -> sa.Select[Any]:
    query = sa.select(EVENTS.c.content).where(EVENTS.c.purchase == purchase)
    return query.where(EVENTS.c.kind == "held")


def held_until(tx: Tx, purchase: str) -> dt.datetime | None:
    """Return until when the law lets nothing be sent, or None."""
    content = _held(tx, purchase=purchase).scalar()
    if content is None:
        return None
    until: dt.datetime = msgspec.json.decode(content, type=Held).until
    return until


def waiting(tx: Tx, purchase: str) -> bool:
    """Say whether the operator's check holds a purchase, and nobody has released it."""
    return _waits_now(_last(tx, purchase))


def _waits_now(last: Last) -> bool:
    return "waiting" in last and (
        "released" not in last or last["waiting"][1] > last["released"][1]
    )


def held_back(tx: Tx, purchase: str) -> bool:
    """Say whether a paid-in purchase is not signed yet and waits, for the law or for a check."""
    state = tx.execute(sa.select(PURCHASES.c.state).where(PURCHASES.c.id == purchase)).scalar()
    held = waiting(tx, purchase) or held_until(tx, purchase) is not None
    return state == State.PAID_IN.value and held


class Held(msgspec.Struct, frozen=True):
    """What a purchase's history says of a hold."""

    until: dt.datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which purchases a list shows; what is empty asks for nothing. ``before``: older than it."""

    state: str = ""
    machine: str = ""
    word: str = ""
    before: str = ""


def purchases(tx: Tx, wanted: Wanted = Wanted(), most: int = PAGE_ROWS_MAX) -> list[Row]:
    """Return the newest purchases that are wanted. ``word``: reference, address, id or txid."""
    p = PURCHASES.c
    query = sa.select(PURCHASES).order_by(p.made_at.desc(), p.id.desc()).limit(most)
    if wanted.state:
        query = query.where(p.state == wanted.state)
    if wanted.machine:
        query = query.where(p.machine == wanted.machine)
    if wanted.before:
        last = sa.select(p.made_at).where(p.id == wanted.before).scalar_subquery()
        same = sa.and_(p.made_at == last, p.id < wanted.before)
        query = query.where(sa.or_(p.made_at < last, same))
    if word := wanted.word.strip()[:SEARCH_LENGTH_MAX]:
        paid = sa.select(PAYOUTS.c.purchase).where(PAYOUTS.c.txid == word.lower())
        known = (p.reference == as_reference(word), p.address.in_({word, word.lower()}))
        query = query.where(sa.or_(*known, p.id == word.upper(), p.id.in_(paid)))
    return [dict(row) for row in tx.execute(query).mappings()]


def as_reference(word: str) -> str:
    """Return a reference as we write it, from how a person reads it off paper or says it."""
    plain = "".join(letter for letter in word.upper() if letter.isalnum())
    if not plain.startswith("TS"):
        return word.upper()
    digits = plain[2:].translate(str.maketrans("OIL", "011"))
    groups = (digits[at : at + 3] for at in range(0, len(digits), 3))
    return "-".join(("TS", *groups))


@dataclass(frozen=True, slots=True)
class Dossier:
    """Everything about one purchase."""

    purchase: Row
    events: list[Row]
    notes: list[Row]
    transfers: list[Row]
    effects: list[Row]
    payment: Row | None
    payments: list[Row]
    incidents: list[Row]
    path: list[wire.Step]


def dossier(tx: Tx, purchase: str) -> Dossier | None:
    """Return one purchase's whole history, or None."""
    query = sa.select(PURCHASES).where(PURCHASES.c.id == purchase)
    row = tx.execute(query).mappings().one_or_none()
    if row is None:
        return None
    payment = payment_of(tx, purchase)
    payments_ = _replaced_by(tx, payment)
    about = [purchase, *(one["txid"] for one in payments_)]
    acts = [dict(item) for key in about for item in effects.waiting(tx, key)]
    notes = sa.select(NOTES).where(NOTES.c.purchase == purchase)
    incidents = sa.select(INCIDENTS).where(INCIDENTS.c.purchase == purchase)
    return Dossier(
        purchase=dict(row),
        events=_events(tx, purchase),
        notes=_rows(tx, notes, NOTES.c.seq),
        transfers=[dict(item) for item in ledger.about(tx, purchase)],
        effects=acts,
        payment=payment,
        payments=payments_,
        incidents=_rows(tx, incidents, INCIDENTS.c.at),
        path=path(tx, purchase),
    )


def _events(tx: Tx, purchase: str) -> list[Row]:
    """Return each step with its content, its commitment in the journal, and whether they agree."""
    entries = journal.ENTRIES.c
    query = (
        sa.select(EVENTS, entries.commitment)
        .outerjoin(journal.ENTRIES, entries.seq == EVENTS.c.entry)
        .where(EVENTS.c.purchase == purchase)
    )
    return [
        {
            **item,
            "content": msgspec.json.decode(item["content"]),
            "commitment": item["commitment"] or "",
            "opens": record.opens(item["content"], item["salt"], item["commitment"] or ""),
        }
        for item in _rows(tx, query, EVENTS.c.n)
    ]


def _replaced_by(tx: Tx, payment: Row | None) -> list[Row]:
    """Return a payment and those that it replaced, the newest first."""
    found: list[Row] = []
    while payment is not None and len(found) < REPLACED_MAX:
        found.append(payment)
        query = sa.select(PAYMENTS).where(PAYMENTS.c.txid == payment["replaces"])
        row = tx.execute(query).mappings().one_or_none()
        payment = None if row is None else dict(row)
    return found


def _rows(tx: Tx, query: sa.Select[Any], order: Any) -> list[Row]:
    return [dict(row) for row in tx.execute(query.order_by(order)).mappings()]


def machine_status(tx: Tx) -> dict[str, Row]:
    """Return each machine's last word, by machine."""
    return {row["machine"]: row for row in _rows(tx, sa.select(STATUS), STATUS.c.machine)}


def box(tx: Tx, machine: str) -> dict[int, int]:
    """Return how many notes of each value lie in a machine's cash box, by our count."""
    n = NOTES.c
    query = sa.select(n.minor, sa.func.count()).where(
        n.machine == machine, n.state == Note.STACKED.value
    )
    return {row[0]: row[1] for row in tx.execute(query.group_by(n.minor).order_by(n.minor.desc()))}


def machine_keys(tx: Tx, machine: str) -> list[Row]:
    """Return a machine's keys, the newest first; one that has ended stays on record."""
    query = sa.select(MACHINE_KEYS).where(MACHINE_KEYS.c.machine == machine)
    return _rows(tx, query, MACHINE_KEYS.c.made_at.desc())


def find_machines(tx: Tx, word: str) -> list[Row]:
    """Return machines whose label or id holds the word, however it is capitalised."""
    plain = _like(word.strip()[:SEARCH_LENGTH_MAX].lower())
    if not plain:
        return []
    m = MACHINES.c
    there = (
        column.like(f"%{plain}%", escape="\\") for column in map(sa.func.lower, (m.label, m.id))
    )
    return _rows(tx, sa.select(MACHINES).where(sa.or_(*there)).limit(PAGE_ROWS_MAX), m.label)


def wallet(tx: Tx) -> Row | None:
    """Return the hot wallet as last read from the chain."""
    row = tx.execute(sa.select(WALLET)).mappings().one_or_none()
    return None if row is None else dict(row)


def incidents(tx: Tx, machine: str = "") -> list[Row]:
    """Return the newest incidents, of one machine or of all."""
    query = sa.select(INCIDENTS)
    if machine:
        query = query.where(INCIDENTS.c.machine == machine)
    return _rows(tx, query.limit(PAGE_ROWS_MAX), INCIDENTS.c.at.desc())


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


def troubled(tx: Tx) -> dict[str, Row]:
    """Return, by purchase, the effect that keeps failing or needs a person."""
    found: dict[str, Row] = {}
    acts = {row["key"]: row for row in stuck(tx)}
    paid = sa.select(PAYOUTS.c.purchase, PAYOUTS.c.txid).where(PAYOUTS.c.txid.in_(list(acts)))
    for purchase, txid in tx.execute(paid):
        found[purchase] = acts[txid]
    known = sa.select(PURCHASES.c.id).where(PURCHASES.c.id.in_(list(acts)))
    for purchase in tx.execute(known).scalars():
        found[purchase] = acts[purchase]
    return found


def waiting_for_person(tx: Tx, troubled_: Sequence[str] = ()) -> list[Row]:
    """Return the purchases that only a person ends, and these, oldest first."""
    p = PURCHASES.c
    query = sa.select(PURCHASES).where(
        sa.or_(p.state.in_(LEFT_TO_PERSON), p.id.in_(list(troubled_)))
    )
    return _rows(tx, query.limit(PAGE_ROWS_MAX), p.moved_at)


def taken(tx: Tx, since: dt.datetime) -> dict[str, tuple[int, int]]:
    """Return, by machine, the cash stacked since a moment (minor units), of how many purchases."""
    n = NOTES.c
    query = sa.select(n.machine, sa.func.sum(n.minor), sa.func.count(sa.distinct(n.purchase)))
    stacked = query.where(n.state == Note.STACKED.value, n.ended_at >= since)
    return {row[0]: (int(row[1]), int(row[2])) for row in tx.execute(stacked.group_by(n.machine))}


def open_sats(tx: Tx) -> int:
    """Return the coins of purchases that are not yet signed: promised or owed."""
    query = sa.select(sa.func.coalesce(sa.func.sum(PURCHASES.c.sats), 0)).where(
        PURCHASES.c.state.in_(("quoted", "accepting", "kept", "paid_in"))
    )
    return int(tx.execute(query).scalar_one())


def payments(tx: Tx, most: int = PAGE_ROWS_MAX) -> list[Row]:
    """Return the newest transactions that pay customers, with how many each pays."""
    paid = sa.select(sa.func.count()).where(PAYOUTS.c.txid == PAYMENTS.c.txid).scalar_subquery()
    sats = sa.select(sa.func.coalesce(sa.func.sum(PAYOUTS.c.sats), 0))
    total = sats.where(PAYOUTS.c.txid == PAYMENTS.c.txid).scalar_subquery()
    query = sa.select(PAYMENTS, paid.label("customers"), total.label("sats"))
    newest = query.order_by(PAYMENTS.c.made_at.desc()).limit(most)
    return [dict(row) for row in tx.execute(newest).mappings()]


def _like(word: str) -> str:
    """Return a word as a part of a LIKE pattern in which it stands for itself."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def find(tx: Tx, word: str) -> list[Row]:
    """Return purchases whose number, address, transaction or id begins with the word."""
    word = word.strip()[:SEARCH_LENGTH_MAX]
    if len(word) < SEARCH_LENGTH_MIN:
        return []
    p, low = PURCHASES.c, word.lower()
    paid = sa.select(PAYOUTS.c.purchase).where(_begins(PAYOUTS.c.txid, low))
    query = sa.select(PURCHASES).where(
        sa.or_(
            _begins(p.reference, as_reference(word)),
            _begins(p.address, word),
            _begins(p.address, low),
            _begins(p.id, word.upper()),
            p.id.in_(paid),
        )
    )
    return _rows(tx, query.limit(PAGE_ROWS_MAX), p.made_at.desc())


def _begins(column: sa.Column[str], word: str) -> sa.ColumnElement[bool]:
    return column.like(f"{_like(word)}%", escape="\\")


def committed(tx: Tx, commitment: str) -> tuple[int, str] | None:
    """Return the journal entry's number and day for a commitment, or None if there is none."""
    return journal.find(tx, commitment)


def opened(tx: Tx, reference_: str, salt: str) -> tuple[Row, int, str] | None:
    """Return a paid-in purchase with its entry's number and day, if this salt opens its record.

    A wrong salt and a reference that does not exist are one answer.
    """
    found = opening(tx, reference_, salt)
    return None if found is None else (msgspec.json.decode(found[1]), found[0], found[2])


def opening(tx: Tx, reference_: str, salt: str) -> tuple[int, str, str] | None:
    """Return a record's entry, its content as it was committed to, and the entry's day, or None.

    The salt must open it, as in `opened`.
    """
    row = tx.execute(sa.select(PURCHASES).where(PURCHASES.c.reference == reference_)).mappings()
    purchase = row.one_or_none()
    if purchase is None:
        return None
    told = sa.select(EVENTS).where(EVENTS.c.purchase == purchase["id"], EVENTS.c.kind == "paid_in")
    step = tx.execute(told).mappings().one_or_none()
    entry = journal.find(tx, purchase["commitment"]) if step else None
    if step is None or entry is None:
        return None
    opens = record.opens(step["content"], salt, purchase["commitment"])
    return (entry[0], step["content"], entry[1]) if opens else None


def version(tx: Tx) -> str:
    """Return a text that differs when anything a console shows has changed."""
    newest = tx.execute(sa.select(sa.func.max(STATUS.c.at))).scalar_one()
    seen = tx.execute(sa.select(sa.func.max(INCIDENTS.c.at))).scalar_one()
    held = wallet(tx) or {}
    parts = (
        *(journal.head(tx)[0], newest, seen, len(stuck(tx))),
        *(held.get("height"), held.get("confirmed_sats"), held.get("pending_sats")),
    )
    return ".".join(str(part) for part in parts).replace(" ", "T")
