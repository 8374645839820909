"""A customer shows something at a machine: a number with its code, a document, where money is from.

Each is one step of one transaction and idempotent in its effect. What is shown goes into the vault
in that transaction and nowhere else; the books get a blind link. Codes are random, six digits,
short-lived, kept as a keyed digest, compared in constant time, counted before they are compared,
and in no log. A refusal is an answer, never an error, so that its count is kept.
"""

from __future__ import annotations

import datetime as dt
import hmac
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import new_id
from tallystick.core.store import Tx
from tallystick.kiosk import wire
from tallystick.kiosk.customers import licence as licences
from tallystick.kiosk.customers import people, phone, rests
from tallystick.kiosk.customers.ask import PICTURES, Item, address_wanted, asks, name
from tallystick.kiosk.customers.desk import CustomerDesk, Identified
from tallystick.kiosk.customers.errors import (
    CustomerBarred,
    IdentityNeeded,
    LicenceUnreadable,
    NotAsked,
)
from tallystick.kiosk.customers.keeping import extend, keep
from tallystick.kiosk.customers.tables import BUYERS, CODES, CUSTOMERS
from tallystick.kiosk.errors import PurchaseUnknown
from tallystick.kiosk.quote import Desk
from tallystick.kiosk.record import listed
from tallystick.kiosk.scams.tables import INTERVENTIONS
from tallystick.kiosk.tables import PURCHASES

CODE_DIGITS: Final = 6
CODE_TTL_S: Final = 300
CODE_TRIES_MAX: Final = 5
WRONG_PER_PHONE_MAX: Final = 10
"""Wrong codes of a number within `LOCKED_S`; then it is locked for that long."""
LOCKED_S: Final = 3_600
CODES_PER_PHONE_MAX: Final = 4
"""Texts to one number within `LOCKED_S`."""
CODES_PER_MACHINE_MAX: Final = 60
"""Texts that one machine may cause within `LOCKED_S`: what a stolen one could pester with."""
CODES_KEPT: Final = dt.timedelta(days=2)
SOURCES: Final = ("wages", "savings", "sale", "gift", "business", "benefits", "other")
TEXT: Final = "{code} is your code at the kiosk. Tell it to nobody, whoever asks on the telephone."

Row = dict[str, Any]


def of(desk: Desk) -> CustomerDesk:
    """Return the customers' desk; raise `IdentityNeeded` where this server has none."""
    if desk.customers is None:
        raise IdentityNeeded("this server keeps no customers: it has no vault")
    return desk.customers


def send_code(tx: Tx, desk: Desk, machine: str, purchase: str, ask: wire.PhoneAsk) -> wire.Identity:
    """Send a one-time code to a number; says sent, bad_phone, locked or too_many."""
    mine = begin(tx, desk, machine, purchase)
    number = phone.normal(ask.phone, desk.place.code)
    if number is None:
        return told(tx, desk, purchase, "bad_phone")
    link, now = mine.vault.link(people.PHONE, number), desk.clock.now()
    since = now - dt.timedelta(seconds=LOCKED_S)
    if _wrong(tx, link, since) >= WRONG_PER_PHONE_MAX:
        return told(tx, desk, purchase, "locked")
    sent = _count(tx, CODES.c.phone == link, since)
    if sent >= CODES_PER_PHONE_MAX or (
        _count(tx, CODES.c.machine == machine, since) >= CODES_PER_MACHINE_MAX
    ):
        return told(tx, desk, purchase, "too_many")
    code = f"{int.from_bytes(desk.clock.random_bytes(8), 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"
    row = {"id": new_id(desk.clock), "purchase": purchase, "machine": machine, "phone": link}
    digest = _digest(mine, str(row["id"]), code)
    tx.execute(sa.insert(CODES).values(**row, digest=digest, made_at=now, tries=0))
    tx.execute(sa.delete(CODES).where(CODES.c.made_at < now - CODES_KEPT))
    if mine.texts is not None:
        mine.texts.send(number, TEXT.format(code=code))
    return told(tx, desk, purchase, "sent")


def confirm(tx: Tx, desk: Desk, machine: str, purchase: str, ask: wire.CodeAsk) -> wire.Identity:
    """Take the code that came to a number; says wrong, expired or locked, or nothing if right."""
    mine = begin(tx, desk, machine, purchase)
    number = phone.normal(ask.phone, desk.place.code) or ""
    link, now = mine.vault.link(people.PHONE, number), desk.clock.now()
    if _wrong(tx, link, now - dt.timedelta(seconds=LOCKED_S)) >= WRONG_PER_PHONE_MAX:
        return told(tx, desk, purchase, "locked")
    row = _newest(tx, purchase, link)
    live = row is not None and now - row["made_at"] < dt.timedelta(seconds=CODE_TTL_S)
    if row is None or not live or row["used_at"] is not None or row["tries"] >= CODE_TRIES_MAX:
        return told(tx, desk, purchase, "expired")
    mark = sa.update(CODES).where(CODES.c.id == row["id"])
    tx.execute(mark.values(tries=row["tries"] + 1))
    if not hmac.compare_digest(row["digest"], _digest(mine, row["id"], ask.code)):
        return told(tx, desk, purchase, "wrong")
    tx.execute(mark.values(used_at=now))
    _phone_shown(tx, desk, mine, purchase, number, link)
    return told(tx, desk, purchase)


def show_document(
    tx: Tx, desk: Desk, machine: str, purchase: str, ask: wire.DocumentAsk
) -> wire.Identity:
    """Take in a document.

    Says unreadable, out_of_date, too_young or no_address, or nothing if taken.
    """
    mine = begin(tx, desk, machine, purchase)
    try:
        licence = licences.parse(ask.text)
    except LicenceUnreadable:
        return told(tx, desk, purchase, "unreadable")
    today = desk.day(desk.clock.now())
    if licence.expires is not None and licence.expires < today:
        return told(tx, desk, purchase, "out_of_date")
    if licence.age(today) < mine.policy.age_least:
        return told(tx, desk, purchase, "too_young")
    if not (licence.street and licence.city) and address_wanted(desk.place, today):
        return told(tx, desk, purchase, "no_address")
    _document_shown(tx, desk, mine, purchase, licence)
    return told(tx, desk, purchase)


def say_source(
    tx: Tx, desk: Desk, machine: str, purchase: str, ask: wire.SourceAsk
) -> wire.Identity:
    """Take in where the money is from, as the customer says."""
    mine = begin(tx, desk, machine, purchase)
    who = people.buyer(tx, purchase)
    if ask.source not in SOURCES or who is None:
        return told(tx, desk, purchase, "unreadable")
    customer = who.customer or people.make(tx, desk.clock)
    said = {"source": ask.source, "purchase": purchase}
    record = keep(tx, desk, mine, customer, "source", said, machine)
    note_shown(tx, desk, purchase, Item.SOURCE, customer, record)
    return told(tx, desk, purchase)


def wanted(desk: Desk, item: Item) -> None:
    """Raise `NotAsked` unless law or policy asks this of customers here: the rest is not kept."""
    today = desk.day(desk.clock.now())
    if all(one.item is not item for one in asks(desk.place, of(desk).policy, today)):
        raise NotAsked(f"{name(item)} is not asked here")


def check(tx: Tx, desk: Desk, machine: str, purchase: str) -> None:
    """Raise unless everything that is asked before any cash was shown at this visit."""
    asked = desk.asked()
    who = people.buyer(tx, purchase)
    if who is not None and who.machine != machine:
        raise PurchaseUnknown(f"purchase {purchase} is not known for this machine")
    missing = [one for one in asked if who is None or one.item not in who.shown]
    if missing:
        raise IdentityNeeded("; ".join(f"{one.item} ({one.cite})" for one in missing))
    if who is not None and barred(tx, desk, who.customer):
        raise CustomerBarred


def barred(tx: Tx, desk: Desk, customer: str) -> bool:
    """Say whether nothing is sold to a customer for now."""
    return bool(customer and desk.customers and desk.customers.screening.barred(tx, customer))


def told(tx: Tx, desk: Desk, purchase: str, said: str = "") -> wire.Identity:
    """Say what was shown at this visit, and what became of the last thing."""
    from tallystick.kiosk.standing import room_of

    who = people.buyer(tx, purchase)
    shown = sorted(who.shown) if who else []
    return wire.Identity(said=said, shown=shown, left_minor=room_of(tx, desk, purchase))


def begin(tx: Tx, desk: Desk, machine: str, purchase: str) -> CustomerDesk:
    """Lock, and return the desk; a purchase of another machine's is not this one's."""
    journal.lock(tx)
    theirs = sa.select(PURCHASES.c.machine).where(PURCHASES.c.id == purchase)
    who = people.buyer(tx, purchase)
    owner = tx.execute(theirs).scalar() or (who.machine if who else machine)
    if owner != machine:
        raise PurchaseUnknown(f"purchase {purchase} is not known for this machine")
    if who is None:
        row = {"purchase": purchase, "machine": machine, "phone": "", "shown": "[]"}
        tx.execute(sa.insert(BUYERS).values(**row, made_at=desk.clock.now()))
    return of(desk)


def _digest(mine: CustomerDesk, code_id: str, code: str) -> str:
    return mine.vault.link("code", f"{code_id}\n{code}")


def _newest(tx: Tx, purchase: str, link: str) -> Row | None:
    mine = sa.and_(CODES.c.purchase == purchase, CODES.c.phone == link)
    query = sa.select(CODES).where(mine).order_by(CODES.c.made_at.desc(), CODES.c.id.desc())
    row = tx.execute(query.limit(1)).mappings().first()
    return None if row is None else dict(row)


def _count(tx: Tx, which: sa.ColumnElement[bool], since: dt.datetime) -> int:
    query = sa.select(sa.func.count()).select_from(CODES).where(which, CODES.c.made_at > since)
    return int(tx.execute(query).scalar_one())


def _wrong(tx: Tx, link: str, since: dt.datetime) -> int:
    """Count the tries of a number's codes that were not right."""
    right = sa.case((CODES.c.used_at.is_not(None), 1), else_=0)
    query = sa.select(sa.func.coalesce(sa.func.sum(CODES.c.tries - right), 0))
    mine = sa.and_(CODES.c.phone == link, CODES.c.made_at > since)
    return int(tx.execute(query.where(mine)).scalar_one())


def _phone_shown(
    tx: Tx, desk: Desk, mine: CustomerDesk, purchase: str, number: str, link: str
) -> None:
    who = people.buyer(tx, purchase)
    customer = people.of_link(tx, people.PHONE, link)
    if not customer:
        customer = people.make(tx, desk.clock)
        people.point(tx, desk.clock, people.PHONE, link, customer)
    owner = people.find(tx, customer)
    record = mine.vault.marked(tx, owner["subject"], "phone", link) or keep(
        tx, desk, mine, customer, "phone", {"number": number}, purchase, mark=link
    )
    extend(tx, desk, mine, customer)
    if who is not None and who.documented and who.customer:
        customer = who.customer
    row = sa.update(BUYERS).where(BUYERS.c.purchase == purchase)
    tx.execute(row.values(phone=link))
    note_shown(tx, desk, purchase, Item.PHONE, customer, record)


def _document_shown(
    tx: Tx, desk: Desk, mine: CustomerDesk, purchase: str, licence: licences.Licence
) -> None:
    vault, who = mine.vault, people.buyer(tx, purchase)
    card = vault.link(people.DOCUMENT, f"{licence.issuer}\n{licence.number.upper()}")
    name = f"{licence.family}\n{licence.given.split(' ')[0]}\n{licence.born}".upper()
    links = {people.DOCUMENT: card, people.PERSON: vault.link(people.PERSON, name)}
    owners = [o for o in (people.of_link(tx, k, v) for k, v in links.items()) if o]
    here = who.customer if who else ""
    if here and not (people.documented(tx, here) and here not in owners):
        owners.append(here)
    owners = list(dict.fromkeys(owners)) or [people.make(tx, desk.clock)]
    customer = owners[0]
    for other in owners[1:]:
        people.merge(tx, desk.clock, desk.scams.key, customer, other, "a document")
    for kind, link in links.items():
        people.point(tx, desk.clock, kind, link, customer)
    mark = vault.link(people.DOCUMENT, f"{card}\n{licence.expires}")
    subject = people.find(tx, customer)["subject"]
    record = vault.marked(tx, subject, "document", mark) or keep(
        tx, desk, mine, customer, "document", _plain(licence), purchase, mark=mark
    )
    extend(tx, desk, mine, customer)
    row = sa.update(CUSTOMERS).where(
        CUSTOMERS.c.id == customer, CUSTOMERS.c.documented_at.is_(None)
    )
    tx.execute(row.values(documented_at=desk.clock.now()))
    note_shown(tx, desk, purchase, Item.DOCUMENT, customer, record)
    _rest_on_pictures(tx, desk, mine, purchase, customer, record)
    names = (licence.family, licence.given, licence.born, licence.country)
    mine.screening.identified(tx, Identified(customer, *names))


def _rest_on_pictures(
    tx: Tx, desk: Desk, mine: CustomerDesk, purchase: str, customer: str, document: str
) -> None:
    """Take as shown each picture that is asked for here and in force from an earlier visit."""
    today, days = desk.day(desk.clock.now()), mine.policy.picture_days
    for item in sorted({one.item for one in asks(desk.place, mine.policy, today)} & PICTURES):
        held = rests.in_force(tx, mine.vault, desk.clock, customer, item, document, days)
        who = people.buyer(tx, purchase)
        if held is not None and who is not None and item not in who.shown:
            note_shown(tx, desk, purchase, item, customer, held.record, held.at)


def _plain(licence: licences.Licence) -> Row:
    return {name: getattr(licence, name) for name in licences.Licence.__dataclass_fields__}


def note_shown(
    tx: Tx,
    desk: Desk,
    purchase: str,
    item: Item,
    customer: str,
    record: str,
    since: dt.datetime | None = None,
) -> None:
    """Write down that something was shown, and by whom; the journal learns a salted hash.

    ``record``: what the purchase rests on; ``since``: when that was taken, at an earlier visit.
    """
    who = people.buyer(tx, purchase)
    shown = sorted((who.shown if who else frozenset()) | {item.value})
    row = sa.update(BUYERS).where(BUYERS.c.purchase == purchase)
    tx.execute(row.values(customer=customer, shown=msgspec.json.encode(shown).decode()))
    known = people.pseudonym(desk.scams.key, customer)
    desk_row = sa.update(INTERVENTIONS).where(INTERVENTIONS.c.purchase == purchase)
    tx.execute(desk_row.values(person=known))
    rests.note(tx, purchase, item, record, since or desk.clock.now(), since is not None)
    said = {"purchase": purchase, "customer": customer, "item": item.value, "record": record}
    listed(tx, desk.clock, "customer_shown", said)
