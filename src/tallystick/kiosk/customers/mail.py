"""A customer's e-mail address: read strictly, kept sealed, and never taken for who somebody is.

The form is the dot-atom of RFC 5321 (4.1.2) with a name of RFC 1123, in ASCII, within their
lengths: what nearly every address is. Nothing is ever sent to it, so nothing proves that it is
theirs, and wherever it is shown it is called not verified.
"""

from __future__ import annotations

import re
from typing import Final

from tallystick.core.store import Tx
from tallystick.kiosk import wire
from tallystick.kiosk.customers import people
from tallystick.kiosk.customers.ask import Item
from tallystick.kiosk.customers.identify import begin, note_shown, told, wanted
from tallystick.kiosk.customers.keeping import extend, keep
from tallystick.kiosk.quote import Desk

LOCAL_CHARS_MAX: Final = 64
NAME_CHARS_MAX: Final = 253
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"({_ATOM}(?:\.{_ATOM})*)@((?:{_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9])")


def normal(text: str) -> str | None:
    """Return an address with its host in small letters, or None for what is no address."""
    text = text.strip()
    found = _ADDRESS.fullmatch(text) if len(text) <= wire.MAIL_CHARS_MAX else None
    if found is None or len(found[1]) > LOCAL_CHARS_MAX or len(found[2]) > NAME_CHARS_MAX:
        return None
    return f"{found[1]}@{found[2].lower()}"


def give(tx: Tx, desk: Desk, machine: str, purchase: str, ask: wire.MailAsk) -> wire.Identity:
    """Take in an e-mail address; says bad_mail, or nothing if taken. Raises `NotAsked`."""
    wanted(desk, Item.MAIL)
    mine = begin(tx, desk, machine, purchase)
    address = normal(ask.address)
    if address is None:
        return told(tx, desk, purchase, "bad_mail")
    who = people.buyer(tx, purchase)
    customer = (who.customer if who else "") or people.make(tx, desk.clock)
    mark = mine.vault.link(Item.MAIL, address)
    subject, said = people.find(tx, customer)["subject"], {"address": address, "verified": "no"}
    record = mine.vault.marked(tx, subject, Item.MAIL, mark) or keep(
        tx, desk, mine, customer, Item.MAIL, said, purchase, mark
    )
    extend(tx, desk, mine, customer)
    note_shown(tx, desk, purchase, Item.MAIL, customer, record)
    return told(tx, desk, purchase)
