"""Claims about an agreement or a country: each with its value, its source, its day, and for ever.

Nothing is a flag: how an agreement stands, and what its text says, is a claim that somebody made
on a day and somebody recorded on another. The newest counts; the older ones are its history.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.store import Tx
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import ClaimRefused
from tallystick.hubs.gates import Fact
from tallystick.hubs.law import NUMBER_MAX, FactKind, Value, is_codes, known_facts
from tallystick.hubs.model import PROGRAMME
from tallystick.hubs.tables import CLAIMS

TEXT_CHARS_MAX: Final = 1_000
CLAIMS_MAX: Final = 2_000
"""About one agreement or country."""

TERMS: Final[Mapping[str, str]] = {
    "term.kind": "one-of",
    "term.ceiling_day": "number",
    "term.ceiling_total": "number",
    "term.languages": "codes",
    "term.care": "codes",
    "term.conditions": "text",
    "term.excluded": "text",
    "term.obligations": "text",
    "term.monitor": "text",
    "term.text_hash": "text",
    "term.note": "text",
}
"""What is claimed of an agreement beside the facts that gates ask for."""
KINDS: Final = ("transit", "final", "not-said")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim as it was recorded."""

    about: str
    n: int
    name: str
    value: Value
    source: str
    on: dt.date
    """The day of the source."""
    at: dt.datetime
    by: str
    until: dt.date | None = None


def record(
    tx: Tx,
    desk: Desk,
    about: str,
    name: str,
    value: Value,
    source: str,
    on: dt.date,
    by: str,
    until: dt.date | None = None,
) -> Claim:
    """Record a claim and commit to it in the journal; raise `ClaimRefused`, and write nothing."""
    journal.lock(tx)
    _check(name, value, source, on, desk.today(), about)
    n = tx.execute(sa.select(sa.func.count()).where(CLAIMS.c.about == about)).scalar_one() + 1
    if n > CLAIMS_MAX:
        raise ClaimRefused(f"there are {CLAIMS_MAX} claims about {about} already")
    at = desk.clock.now()
    said: dict[str, Any] = {
        "about": about,
        "n": n,
        "name": name,
        "value": msgspec.json.encode(value).decode(),
        "source": source,
        "on_day": on.isoformat(),
        "until_day": until and until.isoformat(),
        "at": at,
        "by": by,
    }
    salt = desk.clock.random_bytes(journal.SALT_BYTES)
    entry = journal.append(tx, PROGRAMME, "claim", journal.commit(salt, said), at)
    tx.execute(sa.insert(CLAIMS).values(**said, salt=salt.hex(), entry=entry.seq))
    return Claim(about, n, name, value, source, on, at, by, until)


def _check(name: str, value: Value, source: str, on: dt.date, today: dt.date, about: str) -> None:
    if not 0 < len(source.strip()) <= TEXT_CHARS_MAX:
        raise ClaimRefused(f"a claim has a source of at most {TEXT_CHARS_MAX} characters")
    if on > today:
        raise ClaimRefused(f"the source's day, {on}, has not come yet")
    kind = known_facts().get(name)
    of = about.partition(":")[0]
    if kind is not None and kind.of == of:
        try:
            kind.code(value)
        except ValueError as error:
            raise ClaimRefused(str(error)) from error
    elif of != "agreement" or not _is_term(name, value):
        raise ClaimRefused(f"{name} is not claimed of {of} with {value!r}")


def _is_term(name: str, value: Value) -> bool:
    match TERMS.get(name):
        case "number":
            return type(value) is int and 0 <= value <= NUMBER_MAX
        case "one-of":
            return value in KINDS
        case "codes":
            return isinstance(value, str) and is_codes(value)
        case "text":
            return isinstance(value, str) and 0 < len(value) <= TEXT_CHARS_MAX
    return False


def history(tx: Tx, about: str, known_on: dt.date | None = None) -> list[Claim]:
    """Return the claims about something, the oldest first, recorded up to the end of a day."""
    query = sa.select(CLAIMS).where(CLAIMS.c.about == about).order_by(CLAIMS.c.n)
    found = [_claim(row) for row in tx.execute(query).mappings()]
    return [one for one in found if known_on is None or one.at.date() <= known_on]


def newest(tx: Tx, about: str, known_on: dt.date | None = None) -> dict[str, Claim]:
    """Return the newest claim of each name."""
    return {one.name: one for one in history(tx, about, known_on)}


def facts(tx: Tx, about: str, known_on: dt.date) -> dict[str, Fact]:
    """Return what the gates may ask of an agreement or a country, as known on a day."""
    kinds = known_facts()
    return {
        name: Fact(one.value, f"{one.source} ({one.on})", one.on, one.at.date(), one.until)
        for name, one in newest(tx, about, known_on).items()
        if name in kinds
    }


def _claim(row: Mapping[Any, Any]) -> Claim:
    until = row["until_day"]
    return Claim(
        row["about"],
        row["n"],
        row["name"],
        value_of(known_facts().get(row["name"]), msgspec.json.decode(row["value"])),
        row["source"],
        dt.date.fromisoformat(row["on_day"]),
        row["at"],
        row["by"],
        until and dt.date.fromisoformat(until),
    )


def value_of(kind: FactKind | None, raw: Any) -> Value:
    """Read a value as JSON wrote it: a day was written as a text."""
    if kind is not None and kind.kind == "day":
        return dt.date.fromisoformat(raw)
    found: Value = raw
    return found
