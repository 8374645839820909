"""What a receipt must carry by law, item by item, and what ours has for each.

Our receipt always has the operator, machine, time, sums, fee, price, address and payment; a law's
item that needs more adds a line. An item that we have nothing for closes the place: a receipt that
lacks what the statute lists is no receipt (Decision 9).
"""

from __future__ import annotations

import datetime as dt
from typing import Final

from tallystick.core import rulebook
from tallystick.kiosk import wire

ALWAYS: Final = ""
NAME, SPREAD, SOURCE, RIGHTS = "name", "spread", "source", "rights"
ITEMS: Final = {
    "costs": ALWAYS,
    "all fees and charges": ALWAYS,
    "customer name": NAME,
    "date and time": ALWAYS,
    "every address and unique transaction identifier": ALWAYS,
    "exchange rate": ALWAYS,
    "exchange rate to US dollars": ALWAYS,
    "fiat and coin amounts and fees": ALWAYS,
    "kiosk identifier": ALWAYS,
    "licensed exchange used for the spread": SOURCE,
    "operator name": ALWAYS,
    "operator name and licence number": ALWAYS,
    "others by regulation": ALWAYS,
    "recipient address": ALWAYS,
    "refund policy": RIGHTS,
    "spread": SPREAD,
    "toll-free number": ALWAYS,
    "transaction details": ALWAYS,
    "transaction hash and public destination address": ALWAYS,
    "type and value of currency": ALWAYS,
    "type, value and precise time": ALWAYS,
}
"""Each item as a law file names it, and the line that it adds; most are on every receipt."""


def items_of(place: rulebook.Jurisdiction, on: dt.date) -> list[str]:
    """Return what the laws of a day list for a receipt; of two readings, the items of both."""
    found: dict[str, None] = {}
    for rule in place.of("receipt", on):
        found |= dict.fromkeys(str(item) for item in rule.terms.get("items", ()))
    return list(found)


def lacking(place: rulebook.Jurisdiction, on: dt.date) -> list[str]:
    """Return the items that our receipt has nothing for."""
    return [item for item in items_of(place, on) if item not in ITEMS]


def lines(place: rulebook.Jurisdiction, on: dt.date, source: str) -> list[wire.ReceiptLine]:
    """Return the lines that the law adds to a receipt, each once; ``source``: where prices are
    read."""
    codes = dict.fromkeys(ITEMS.get(item, ALWAYS) for item in items_of(place, on))
    said = {NAME: "", SPREAD: "", SOURCE: source}
    return [wire.ReceiptLine(code=code, value=said[code]) for code in codes if code in said]
