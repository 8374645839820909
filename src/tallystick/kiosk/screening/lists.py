"""The lists in force: taken in whole, kept with their history, and what a newer one changed.

A list that is taken in again with the same bytes changes nothing. OFAC's wallets go to the blocked
addresses in the same transaction, and whoever was a hit by an entry that is gone is told so.
"""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core.clock import Clock, new_id
from tallystick.core.store import Tx
from tallystick.kiosk import blocked
from tallystick.kiosk.blocked import ListUnreadable
from tallystick.kiosk.errors import KioskError
from tallystick.kiosk.record import listed
from tallystick.kiosk.screening.entry import Entry, Kind, Published
from tallystick.kiosk.screening.errors import PublishedUnreadable
from tallystick.kiosk.screening.formats.read import published as read
from tallystick.kiosk.screening.index import Index, build
from tallystick.kiosk.screening.policy import ScreeningPolicy
from tallystick.kiosk.screening.tables import ENTRIES, LISTS

BATCH: Final = 1_000
REMOVED_SHARE_MAX: Final = 0.2
"""A list that lost more than a fifth of its entries is half a file, until a person says not."""
REMOVED_FREE: Final = 50

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """What a list that was taken in changed, by the keys of its entries."""

    taking: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Say whether it changed nothing."""
        return not (self.added or self.changed or self.removed)


def take_in(
    tx: Tx, clock: Clock, published: Published, by: str, *, shrinks: bool = False
) -> Change:
    """Put a published list in force in place of the former one of the same authority.

    Raises `PublishedUnreadable` when it is older than the one in force, or lost more than a fifth
    of its entries and nobody said that it ``shrinks``.
    """
    held = {row["key"]: row for row in _in_force(tx, published.list)}
    wanted = {entry.key: (entry, entry.digest) for entry in published.entries}
    added = sorted(set(wanted) - set(held))
    removed = sorted(set(held) - set(wanted))
    changed = sorted(k for k in set(wanted) & set(held) if held[k]["digest"] != wanted[k][1])
    _check(tx, published, len(held), len(removed), shrinks)
    change = Change(new_id(clock), tuple(added), tuple(changed), tuple(removed))
    _write(tx, clock, published, change, by)
    _end(tx, [held[key]["id"] for key in (*changed, *removed)], change.taking)
    rows = (_row(change.taking, *wanted[key]) for key in (*added, *changed))
    for batch in _batches(rows):
        tx.execute(sa.insert(ENTRIES), batch)
    if published.list == "ofac":
        blocked.take_in(tx, clock, wallets(published.entries))
    return change


def take_in_wallets(tx: Tx, clock: Clock, path: Path) -> tuple[int, int]:
    """Take only the bitcoin addresses of OFAC's SDN list, in any of its forms; see `blocked`.

    Raises `ListUnreadable` for a file too large, with entities of its own, or not OFAC's list.
    """
    try:
        found = read(path)
    except KioskError as error:
        raise ListUnreadable(str(error)) from error
    if found.list != "ofac":
        raise ListUnreadable(f"{path.name} is {found.format}, not OFAC's list")
    return blocked.take_in(tx, clock, wallets(found.entries))


def wallets(entries: Iterable[Entry]) -> dict[str, str]:
    """Return the bitcoin addresses of entries, each with the number of its entry."""
    return {
        blocked.canonical(wallet.address): entry.id
        for entry in entries
        for wallet in entry.wallets
        if wallet.currency == "XBT"
    }


def _check(tx: Tx, published: Published, held: int, removed: int, shrinks: bool) -> None:
    last = newest(tx).get(published.list)
    dated = published.dated.isoformat() if published.dated else None
    if last is not None and dated and last["dated"] and dated < last["dated"]:
        raise PublishedUnreadable(f"it is of {dated}; the one in force is of {last['dated']}")
    if removed > max(REMOVED_FREE, held * REMOVED_SHARE_MAX) and not shrinks:
        raise PublishedUnreadable(
            f"{removed} of {held} entries would go: say that it shrinks, if it does"
        )


def _write(tx: Tx, clock: Clock, published: Published, change: Change, by: str) -> None:
    row = {
        "id": change.taking,
        "list": published.list,
        "format": published.format,
        "dated": published.dated.isoformat() if published.dated else None,
        "digest": published.digest,
        "entries": len(published.entries),
        "added": len(change.added),
        "changed": len(change.changed),
        "removed": len(change.removed),
        "at": clock.now(),
        "by": by,
    }
    tx.execute(sa.insert(LISTS).values(**row))
    listed(tx, clock, "list_taken_in", {**row, "at": clock.now()})


def _end(tx: Tx, ids: list[str], taking: str) -> None:
    for batch in _batches(ids):
        tx.execute(sa.update(ENTRIES).where(ENTRIES.c.id.in_(batch)).values(until=taking))


def _row(taking: str, entry: Entry, digest: str) -> Row:
    body = msgspec.json.encode(entry).decode()
    made = f"{taking}/{entry.id}"
    about = {"id": made, "key": entry.key, "list": entry.list, "digest": digest, "body": body}
    return {**about, "since": taking, "until": None}


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    source = iter(items)
    while batch := list(itertools.islice(source, BATCH)):
        yield batch


def _in_force(tx: Tx, name: str) -> list[Row]:
    e = ENTRIES.c
    query = sa.select(e.id, e.key, e.digest).where(e.list == name, e.until.is_(None))
    return [dict(row) for row in tx.execute(query).mappings()]


def newest(tx: Tx) -> dict[str, Row]:
    """Return the last taking-in of each list."""
    query = sa.select(LISTS).order_by(LISTS.c.at, LISTS.c.id)
    return {row["list"]: dict(row) for row in tx.execute(query).mappings()}


def in_force(tx: Tx) -> tuple[str, ...]:
    """Return the takings-in that last changed each list: what a screening was against."""
    moved = LISTS.c.added + LISTS.c.changed + LISTS.c.removed > 0
    query = sa.select(LISTS.c.list, LISTS.c.id).where(moved).order_by(LISTS.c.at, LISTS.c.id)
    return tuple(sorted({row.list: row.id for row in tx.execute(query)}.values()))


def before(tx: Tx, taking: str) -> str:
    """Return the taking-in that last changed the same list before one; nothing for its first."""
    of = sa.select(LISTS.c.list).where(LISTS.c.id == taking).scalar_subquery()
    moved = LISTS.c.added + LISTS.c.changed + LISTS.c.removed > 0
    query = sa.select(LISTS.c.id).where(LISTS.c.list == of, moved).order_by(LISTS.c.at, LISTS.c.id)
    found = list(tx.execute(query).scalars())
    at = found.index(taking)
    return found[at - 1] if at else ""


def missing(tx: Tx, policy: ScreeningPolicy, against: Iterable[str]) -> list[str]:
    """Return the lists that the policy wants and that these takings-in are not of."""
    query = sa.select(LISTS.c.list).where(LISTS.c.id.in_(list(against)))
    held = set(tx.execute(query).scalars())
    return [name for name in policy.lists if name not in held]


def entries(tx: Tx) -> list[Entry]:
    """Return every entry in force."""
    query = sa.select(ENTRIES.c.body).where(ENTRIES.c.until.is_(None)).order_by(ENTRIES.c.key)
    return [_entry(body) for body in tx.execute(query).scalars()]


def entries_of(tx: Tx, taking: str) -> list[Entry]:
    """Return the entries that one taking-in added or changed, and that are still in force."""
    e = ENTRIES.c
    query = sa.select(e.body).where(e.since == taking, e.until.is_(None)).order_by(e.key)
    return [_entry(body) for body in tx.execute(query).scalars()]


def find(tx: Tx, key: str, digest: str = "") -> Entry | None:
    """Return an entry as it is in force, or as it was under a digest; None if there is none."""
    query = sa.select(ENTRIES.c.body).where(ENTRIES.c.key == key)
    last = ENTRIES.c.until.is_(None) if not digest else ENTRIES.c.digest == digest
    body = tx.execute(query.where(last).limit(1)).scalar()
    return None if body is None else _entry(body)


def _entry(body: str) -> Entry:
    return msgspec.json.decode(body, type=Entry)


@dataclass(frozen=True, slots=True)
class Difference:
    """How one entry differs from what it was: in words for the console."""

    key: str
    name: str
    what: tuple[str, ...]


def explained(tx: Tx, taking: str) -> list[Difference]:
    """Say what a taking-in changed, entry by entry."""
    e = ENTRIES.c
    new = {_entry(b).key: _entry(b) for b in tx.execute(_bodies(e.since == taking)).scalars()}
    old = {_entry(b).key: _entry(b) for b in tx.execute(_bodies(e.until == taking)).scalars()}
    found = []
    for key in sorted(set(new) | set(old)):
        entry = new.get(key) or old[key]
        found.append(Difference(key, entry.names[0].text, _what(old.get(key), new.get(key))))
    return found


def _bodies(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(ENTRIES.c.body).where(where)


def _what(old: Entry | None, new: Entry | None) -> tuple[str, ...]:
    if old is None or new is None:
        return ("added",) if old is None else ("removed",)
    said = []
    for field_, word in (("names", "name"), ("born", "date of birth"), ("wallets", "wallet")):
        before, after = set(getattr(old, field_)), set(getattr(new, field_))
        said += [f"{word} added"] * bool(after - before)
        said += [f"{word} removed"] * bool(before - after)
    return tuple(said or ["other facts changed"])


def stale(tx: Tx, policy: ScreeningPolicy, now: dt.datetime) -> list[str]:
    """Return the lists that the policy wants and that are missing, or too old."""
    held = newest(tx)
    oldest = now - dt.timedelta(days=policy.list_days_max)
    return [name for name in policy.lists if name not in held or held[name]["at"] < oldest]


@dataclass(slots=True)
class Lists:
    """The index of the lists in force, built when they change; one for a process."""

    policy: ScreeningPolicy
    _held: tuple[tuple[str, ...], Index] | None = None
    _building: threading.Lock = field(default_factory=threading.Lock)

    def current(self, tx: Tx) -> tuple[tuple[str, ...], Index]:
        """Return which takings-in are in force, and the index of all their entries."""
        against = in_force(tx)
        with self._building:
            if self._held is None or self._held[0] != against:
                self._held = against, build(self.wanted(entries(tx)))
            return self._held

    def wanted(self, found: Iterable[Entry]) -> list[Entry]:
        """Return the entries that a person is compared with."""
        return [entry for entry in found if self.policy.entities or entry.kind is Kind.PERSON]
