"""A picture of the customer's document, or of the customer, from the machine into the vault.

It comes sealed for this server and this step, is opened in memory, looked at as bytes, and sealed
again under the customer's own key; the books learn that it was shown. Nobody's face is compared or
measured by any program: a person of the operator's looks, on record. Once a visit for each item,
and not at all while one from before is in force (`rests`); one that comes again changes nothing.
"""

from __future__ import annotations

import base64
import datetime as dt
import io
from typing import Final

import sqlalchemy as sa
from PIL import Image

from tallystick.core.identity import sealing
from tallystick.core.identity.errors import SealedForAnother
from tallystick.core.store import Tx
from tallystick.kiosk import wire
from tallystick.kiosk.customers import people
from tallystick.kiosk.customers.ask import PICTURES, Item
from tallystick.kiosk.customers.errors import NotAsked, PictureUnreadable
from tallystick.kiosk.customers.identify import LOCKED_S, begin, note_shown, told, wanted
from tallystick.kiosk.customers.keeping import extend, keep
from tallystick.kiosk.customers.tables import BUYERS
from tallystick.kiosk.quote import Desk

SIDE_PIXELS_MAX: Final = 4_096
SIDE_PIXELS_MIN: Final = 160
PICTURES_PER_MACHINE_MAX: Final = 120
"""Visits with a picture that one machine may report within an hour: what a stolen one could put
into the vault."""


def about(purchase: str, item: str) -> bytes:
    """Return what a picture's seal is bound to: this purchase, and what is on it."""
    return f"tallystick picture\n{purchase}\n{item}".encode()


def take(tx: Tx, desk: Desk, machine: str, purchase: str, ask: wire.PictureAsk) -> wire.Identity:
    """Take in a picture; says full, or nothing if taken.

    Raises `NotAsked` where nobody asks for it, `PictureUnreadable` for what is none.
    """
    if ask.item not in PICTURES:
        raise NotAsked(f"{ask.item[:20]!r} is no picture")
    item = Item(ask.item)
    wanted(desk, item)
    mine = begin(tx, desk, machine, purchase)
    jpeg = opened(desk, purchase, ask)
    who = people.buyer(tx, purchase)
    if who is not None and item in who.shown:
        return told(tx, desk, purchase)
    if _lately(tx, desk, machine) >= PICTURES_PER_MACHINE_MAX:
        return told(tx, desk, purchase, "full")
    customer = (who.customer if who else "") or people.make(tx, desk.clock)
    said = {"purchase": purchase, "jpeg": base64.b64encode(jpeg).decode()}
    record = keep(tx, desk, mine, customer, item, said, purchase)
    extend(tx, desk, mine, customer)
    note_shown(tx, desk, purchase, item, customer, record)
    return told(tx, desk, purchase)


def opened(desk: Desk, purchase: str, ask: wire.PictureAsk) -> bytes:
    """Open the seal and see that it holds one JPEG within our limits; raise `PictureUnreadable`."""
    try:
        jpeg = sealing.unseal(ask.sealed, about(purchase, ask.item), desk.key)
    except SealedForAnother as error:
        raise PictureUnreadable(str(error)) from error
    if len(jpeg) > wire.PICTURE_BYTES_MAX:
        raise PictureUnreadable(f"more than {wire.PICTURE_BYTES_MAX} bytes")
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as seen:
            sides = seen.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureUnreadable("not a JPEG") from error
    if not SIDE_PIXELS_MIN <= min(sides) <= max(sides) <= SIDE_PIXELS_MAX:
        raise PictureUnreadable(f"{sides[0]} by {sides[1]} pixels")
    return jpeg


def _lately(tx: Tx, desk: Desk, machine: str) -> int:
    since = desk.clock.now() - dt.timedelta(seconds=LOCKED_S)
    b = BUYERS.c
    pictured = sa.or_(*(b.shown.contains(f'"{item}"') for item in sorted(PICTURES)))
    query = sa.select(sa.func.count()).where(b.machine == machine, b.made_at > since, pictured)
    return int(tx.execute(query).scalar_one())
