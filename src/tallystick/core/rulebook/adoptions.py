"""What an operator's compliance officer adopted, by name and with a source, in the journal.

A place whose law is not settled stays closed until then; auditors see who settled it and from
what (Decision 9). An adoption is never changed, and what is settled is not adopted again.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol, Self, TypeVar

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.rulebook.ask import binding
from tallystick.core.rulebook.place import Adoption, AdoptionRefused, Jurisdiction
from tallystick.core.rulebook.provision import NEEDED
from tallystick.core.store import METADATA, Moment, Tx

PROGRAMME: Final = "law"
TEXT_LENGTH_MAX: Final = 500
NEW_FIGURES: Final = ("hours", "days", "transactions", "active_days")
"""Any of these says when a customer is no longer new."""

ADOPTIONS: Final = sa.Table(
    "law_adoptions",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("figures", sa.Text, nullable=False),
    sa.Column("officer", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sqlite_strict=True,
)


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """What an officer must adopt before a kiosk opens: ``needs`` all, or one of ``choices``."""

    subject: str
    kind: str
    needs: tuple[str, ...]
    choices: tuple[str, ...] = ()


def open_points(place: Jurisdiction, on: dt.date) -> list[OpenPoint]:
    """Return what is open in a place on a day, each with the figures that are missing."""
    bound = binding(place, on)
    found = []
    for item in bound.doubts:
        if item.id.startswith(f"{place.code}/"):
            needs = tuple(n for n in NEEDED.get(item.kind, ()) if n not in item.figures)
            choices = NEW_FIGURES if item.kind == "new-customer" and not item.figures else ()
            found.append(OpenPoint(item.id.partition("/")[2], item.kind, needs, choices))
    for kind in bound.unread:
        if kind == "daily-limit" and "status" in bound.unread:
            continue
        needs = NEEDED["daily-limit"] if kind == "status" else NEEDED.get(kind, ())
        found.append(OpenPoint(kind, kind, needs, NEW_FIGURES if kind == "new-customer" else ()))
    return found


class Adopting(Protocol):
    """What takes adoptions: a kiosk's jurisdiction, or the law of another programme."""

    @property
    def code(self) -> str:
        """Return the name under which its adoptions are kept."""

    def adopt(self, adoptions: Iterable[Adoption], /) -> Self:
        """Return it with an officer's adoptions; raise `AdoptionRefused` for a bad one."""


Law = TypeVar("Law", bound=Adopting)


def adopted(tx: Tx, place: str) -> list[Adoption]:
    """Return a place's adoptions, the oldest first."""
    query = sa.select(ADOPTIONS).where(ADOPTIONS.c.place == place).order_by(ADOPTIONS.c.entry)
    return [
        Adoption(
            row.place,
            row.subject,
            msgspec.json.decode(row.figures, type=dict[str, int]),
            row.officer,
            row.source,
            row.at.date(),
            row.at,
        )
        for row in tx.execute(query)
    ]


def record(
    tx: Tx,
    clock: Clock,
    place: Law,
    subject: str,
    figures: Mapping[str, int],
    by: str,
    source: str,
) -> Law:
    """Adopt figures in the officer's name; return the place as it stands then.

    Raises `AdoptionRefused`, and writes nothing, when nothing of that name is open, when a figure,
    the name or the source is missing, or when it was adopted before.
    """
    journal.lock(tx)
    before = adopted(tx, place.code)
    if max(len(by), len(source), len(subject)) > TEXT_LENGTH_MAX:
        raise AdoptionRefused(f"a name or a source has at most {TEXT_LENGTH_MAX} characters")
    now = clock.now()
    made = Adoption(place.code, subject, dict(figures), by, source, now.date(), now)
    new = place.adopt([*before, made])
    row = _row(made, now)
    salt = clock.random_bytes(journal.SALT_BYTES)
    entry = journal.append(tx, PROGRAMME, "adopted", journal.commit(salt, row), now)
    kept = {"id": new_id(clock), **row, "salt": salt.hex(), "entry": entry.seq}
    tx.execute(sa.insert(ADOPTIONS).values(**kept))
    return new


def _row(made: Adoption, at: dt.datetime) -> dict[str, object]:
    return {
        "place": made.place,
        "subject": made.subject,
        "figures": journal.canonical(made.figures).decode(),
        "officer": made.by,
        "source": made.source,
        "at": at,
    }
