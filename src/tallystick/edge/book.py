"""What the machine's journal adds up to: purchases, notes, the cash box, what the server must hear.

`Book` is pure: it changes only by `apply`, one record at a time, and the same records give the
same book after every power cut. What the server must hear is not a second list to keep in step:
each record of that kind is itself the message, until a ``told`` record names it.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tallystick.kiosk import wire

TOLD_KINDS: Final = frozenset({"escrow", "stacked", "returned", "finish", "close"})
"""Records that the server must hear of, in this order and until it has answered."""


@dataclass(slots=True)
class NoteLine:
    """One note of one purchase. ``state``: escrow, stacking, stacked or returned."""

    id: str
    purchase: str
    seq: int
    minor: int
    currency: str
    state: str = "escrow"


@dataclass(slots=True)
class Purchase:
    """One purchase as the machine knows it."""

    id: str
    address: str
    language: str
    quote: wire.Quote | None = None
    notes: list[NoteLine] = field(default_factory=list)
    finishing: bool = False
    closed: str = ""

    @property
    def stacked(self) -> list[NoteLine]:
        """Return the notes that lie in the cash box."""
        return [note for note in self.notes if note.state == "stacked"]

    @property
    def cash_minor(self) -> int:
        """Return the cash in the box for this purchase, in minor units."""
        return sum(note.minor for note in self.stacked)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message that the server must hear; ``seq`` is its record's number."""

    seq: int
    kind: str
    purchase: str
    message: wire.Message
    note: str = ""


class Book:
    """The sum of a journal's records."""

    def __init__(self) -> None:
        self.box_notes = 0
        self.box_minor = 0
        self.strays = 0
        self.purchases: OrderedDict[str, Purchase] = OrderedDict()
        self.untold: OrderedDict[int, Delivery] = OrderedDict()
        self.stacked_ever = False

    def apply(self, seq: int, record: dict[str, Any]) -> None:
        """Take in one record."""
        getattr(self, f"_{record['kind']}")(seq, record)
        if record["kind"] in TOLD_KINDS:
            self.untold[seq] = self._delivery(seq, record)

    @property
    def open_note(self) -> NoteLine | None:
        """Return the one note whose end is not known: in escrow, or ordered into the box."""
        for bought in reversed(self.purchases.values()):
            for note in reversed(bought.notes):
                if note.state in ("escrow", "stacking"):
                    return note
        return None

    def _opened(self, seq: int, record: dict[str, Any]) -> None:
        self.purchases[record["purchase"]] = Purchase(
            record["purchase"], record["address"], record["language"]
        )

    def _quoted(self, seq: int, record: dict[str, Any]) -> None:
        quote = msgspec.convert(record["quote"], wire.Quote)
        self.purchases[quote.purchase].quote = quote

    def _escrow(self, seq: int, record: dict[str, Any]) -> None:
        names = ("note", "purchase", "seq", "minor", "currency")
        line = NoteLine(*(record[name] for name in names))
        self.purchases[line.purchase].notes.append(line)

    def _note(self, note: str) -> NoteLine:
        for bought in reversed(self.purchases.values()):
            for line in bought.notes:
                if line.id == note:
                    return line
        raise KeyError(note)

    def _stacking(self, seq: int, record: dict[str, Any]) -> None:
        self._note(record["note"]).state = "stacking"

    def _stacked(self, seq: int, record: dict[str, Any]) -> None:
        line = self._note(record["note"])
        line.state = "stacked"
        self.box_notes += 1
        self.box_minor += line.minor
        self.stacked_ever = True

    def _returned(self, seq: int, record: dict[str, Any]) -> None:
        self._note(record["note"]).state = "returned"

    def _stray(self, seq: int, record: dict[str, Any]) -> None:
        self.strays += 1

    def _finish(self, seq: int, record: dict[str, Any]) -> None:
        self.purchases[record["purchase"]].finishing = True

    def _close(self, seq: int, record: dict[str, Any]) -> None:
        self.purchases[record["purchase"]].closed = record["how"]

    def _told(self, seq: int, record: dict[str, Any]) -> None:
        told = self.untold.pop(record["seq"], None)
        if told is not None and told.kind == "finish" and record["refused"]:
            self.purchases[told.purchase].finishing = False

    def _ended(self, seq: int, record: dict[str, Any]) -> None:
        self.purchases.pop(record["purchase"], None)

    def _box(self, seq: int, record: dict[str, Any]) -> None:
        self.box_notes, self.box_minor = record["notes"], record["minor"]
        self.strays, self.stacked_ever = record["strays"], record["stacked_ever"]

    def _delivery(self, seq: int, record: dict[str, Any]) -> Delivery:
        kind, purchase = record["kind"], record.get("purchase", "")
        if kind in ("escrow", "stacked", "returned"):
            line = self._note(record["note"])
            return Delivery(seq, kind, line.purchase, _about_note(record, line), line.id)
        return Delivery(seq, kind, purchase, _about_purchase(record))

    def may_end(self, purchase: str) -> bool:
        """Say whether nothing more can happen to a purchase at this machine."""
        held = self.purchases.get(purchase)
        if held is None or any(note.state in ("escrow", "stacking") for note in held.notes):
            return False
        return not any(told.purchase == purchase for told in self.untold.values())

    def summary(self) -> dict[str, Any]:
        """Return the one record that stands for this book once every purchase has ended."""
        return {
            "kind": "box",
            "notes": self.box_notes,
            "minor": self.box_minor,
            "strays": self.strays,
            "stacked_ever": self.stacked_ever,
        }


def _about_note(record: dict[str, Any], line: NoteLine) -> wire.Message:
    if record["kind"] == "escrow":
        return wire.NoteAsk(
            note=line.id,
            seq=line.seq,
            minor=line.minor,
            currency=line.currency,
            quote=record["quote"],
        )
    if record["kind"] == "stacked":
        return wire.NoteStacked(
            note=line.id,
            seq=line.seq,
            minor=line.minor,
            currency=line.currency,
            recovered=record["recovered"],
        )
    return wire.NoteReturned(note=line.id, seq=line.seq, reason=record["reason"])


def _about_purchase(record: dict[str, Any]) -> wire.Message:
    if record["kind"] == "finish":
        names = ("quote", "notes", "cash_minor", "sats")
        return wire.FinishRequest(**{name: record[name] for name in names})
    return wire.CloseRequest(how=record["how"], reason=record["reason"])


def replay(records: list[tuple[int, dict[str, Any]]]) -> Book:
    """Return the book of a whole journal."""
    book = Book()
    for seq, record in records:
        book.apply(seq, record)
    return book
