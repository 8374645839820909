"""Published statistics: people counted by quarter, small groups hidden, each figure provable.

A quarter is published once, after its end, and never revised: an event counts in the quarter in
which it was recorded. A person counts once for each kind of step at a host in a quarter. Cells are
hidden by `disclosure` over everything that was ever published. The journal commits to the tables'
digest and to a Merkle root over the commitments of all that was counted, so that the monitor, who
may open them, can prove each figure, and anybody the tables.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import Clock
from tallystick.core.errors import TallystickError
from tallystick.core.store import METADATA, Moment, Tx
from tallystick.hubs import disclosure
from tallystick.hubs.disclosure import Atom, Cell, Key
from tallystick.hubs.model import PROGRAMME, UNDER_WAY, State
from tallystick.hubs.person import COMPLAINTS
from tallystick.hubs.tables import AGREEMENTS, CASES, EVENTS

QUARTER: Final = re.compile(r"(\d{4})-Q([1-4])")
ALL: Final = "all"
HIDDEN: Final = "c"
"""How a hidden figure is written: confidential."""
NO_HOST: Final = "none"
KIND: Final = "statistics"

RELEASES: Final = sa.Table(
    "hubs_releases",
    METADATA,
    sa.Column("quarter", sa.Text, primary_key=True),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("atoms", sa.LargeBinary, nullable=False),
    sa.Column("tables", sa.LargeBinary, nullable=False),
    sa.Column("counted", sa.Text, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("commitment", sa.Text, nullable=False),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sqlite_strict=True,
)

STEPS: Final[Mapping[str, str]] = {
    "transferred": "People transferred",
    "brought_back": "People brought back",
    "returned": "People who went on to another country",
    "released": "People released",
    "departed": "People who left by their own choice",
    "granted": "People granted leave",
    "died": "People who died",
    "stopped": "People whose transfer was stopped while it was prepared",
    "force_used": "People against whom force was used",
    "complaint": "People who complained",
    "order": "People whose transfer was ordered against the gates",
}
"""What is counted, in the order of the tables: by the state that a case came into, or an event."""
MOVES: Final = {
    State.TRANSFERRED: "transferred",
    State.BROUGHT_BACK: "brought_back",
    State.RETURNED: "returned",
    State.RELEASED: "released",
    State.DEPARTED: "departed",
    State.GRANTED: "granted",
    State.DIED: "died",
}


class QuarterRefused(TallystickError):
    """This quarter cannot be published now, or does not exist; nothing was published."""

    code, money, say = 8741, "no money here; nothing was published", ""


class FigureWrong(TallystickError):
    """A published figure does not follow from the records that the journal commits to."""

    code, money, say = 8742, "no money here; the release and the record differ", ""


class Figure(msgspec.Struct, frozen=True):
    """One cell of a published table; ``value`` is empty where it is hidden."""

    period: str
    table: str
    row: str
    column: str
    value: int | None

    @property
    def key(self) -> Key:
        """Return what the cell is called."""
        return (self.period, self.table, self.row, self.column)


@dataclass(frozen=True, slots=True)
class Release:
    """A published quarter as anybody may read it, with what opens its entry in the journal."""

    quarter: str
    made_at: dt.datetime
    by: str
    figures: tuple[Figure, ...]
    counted: str
    salt: str
    commitment: str
    entry: int

    def csv(self) -> str:
        """Return the figures as CSV; a hidden one is ``c``."""
        return csv_of(self.figures)

    def content(self) -> dict[str, str]:
        """Return what the journal committed to."""
        return content_of(self.quarter, self.figures, self.counted)


def csv_of(figures: Iterable[Figure]) -> str:
    """Return figures as CSV, in their order. Names of ours have no commas or quotes."""
    lines = ["period,table,row,column,people"]
    for one in figures:
        shown = HIDDEN if one.value is None else str(one.value)
        lines.append(",".join((one.period, one.table, one.row, one.column, shown)))
    return "\n".join(lines) + "\n"


def content_of(quarter: str, figures: Iterable[Figure], counted: str) -> dict[str, str]:
    """Return the content of the journal's entry: the tables' digest, and the counted's root."""
    digest = hashlib.sha256(csv_of(figures).encode()).hexdigest()
    return {"quarter": quarter, "tables_sha256": digest, "counted_root": counted}


def days_of(quarter: str) -> tuple[dt.date, dt.date]:
    """Return the first day of a quarter and the first after it; raise `QuarterRefused`."""
    found = QUARTER.fullmatch(quarter)
    if not found:
        raise QuarterRefused(f"{quarter[:20]!r} is no quarter; write it as 2026-Q4")
    year, number = int(found[1]), int(found[2])
    end = dt.date(year + number // 4, number % 4 * 3 + 1, 1)
    return dt.date(year, number * 3 - 2, 1), end


def step_of(kind: str, before: str, after: str) -> str:
    """Return what an event counts as, or an empty text."""
    if kind in ("force_used", "complaint", "order"):
        return kind
    if before == after:
        return ""
    if State(after) in MOVES:
        return MOVES[State(after)]
    under_way = {state.value for state in UNDER_WAY}
    return "stopped" if before in under_way and after not in under_way else ""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a quarter's records hold: people by atom, and the commitments of what was counted."""

    atoms: dict[Atom, int]
    commitments: tuple[str, ...]

    def root(self) -> str:
        """Return a Merkle root (RFC 6962 hashing) over the commitments, in the journal's order."""
        return merkle_root([bytes.fromhex(one) for one in self.commitments]).hex()


def merkle_root(leaves: list[bytes]) -> bytes:
    """Return the root of a tree over leaves, hashed as RFC 6962 section 2.1 says."""
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        pairs = [level[n : n + 2] for n in range(0, len(level), 2)]
        level = [
            hashlib.sha256(b"\x01" + pair[0] + pair[1]).digest() if len(pair) == 2 else pair[0]
            for pair in pairs
        ]
    return level[0]


def count(tx: Tx, quarter: str) -> Counted:
    """Count a quarter's people by step, host and sender; each once."""
    first, end = (dt.datetime.combine(day, dt.time(), dt.UTC) for day in days_of(quarter))
    query = (
        sa.select(EVENTS, CASES.c.host, CASES.c.sender)
        .join(CASES, CASES.c.id == EVENTS.c.case)
        .where(EVENTS.c.at >= first, EVENTS.c.at < end)
        .order_by(EVENTS.c.entry)
    )
    seen: set[tuple[Atom, str]] = set()
    commitments = []
    for row in tx.execute(query).mappings():
        if step := step_of(row["kind"], row["before"], row["after"]):
            commitments.append(row["commitment"])
            atom = (quarter, step, row["host"] or NO_HOST, row["sender"])
            seen.add((atom, row["case"]))
    for row in tx.execute(_complaints(first, end)).mappings():
        commitments.append(row["commitment"])
        seen.add(((quarter, "complaint", row["host"] or NO_HOST, row["sender"]), row["case"]))
    return Counted({**_nobody(tx, quarter), **Counter(a for a, _ in seen)}, tuple(commitments))


def _complaints(first: dt.datetime, end: dt.datetime) -> sa.Select[Any]:
    """Select what people wrote to the monitor themselves: no event of any case."""
    return (
        sa.select(COMPLAINTS, CASES.c.host, CASES.c.sender)
        .join(CASES, CASES.c.id == COMPLAINTS.c.case)
        .where(COMPLAINTS.c.at >= first, COMPLAINTS.c.at < end)
        .order_by(COMPLAINTS.c.entry)
    )


def _nobody(tx: Tx, quarter: str) -> dict[Atom, int]:
    """Return every atom that a quarter has, empty: a nought is a figure, and may be hidden too."""
    hosts = [NO_HOST, *tx.execute(sa.select(AGREEMENTS.c.id)).scalars()]
    senders = list(tx.execute(sa.select(CASES.c.sender).distinct()).scalars())
    return {(quarter, s, host, sender): 0 for s in STEPS for host in hosts for sender in senders}


def cells_of(quarter: str, atoms: Mapping[Atom, int]) -> list[Cell]:
    """Return the cells of a quarter's tables; after a fourth quarter, of the year's too."""
    found = _tables(quarter, {atom: n for atom, n in atoms.items() if atom[0] == quarter})
    year = quarter[:4]
    if quarter.endswith("Q4"):
        found += _tables(year, {atom: n for atom, n in atoms.items() if atom[0][:4] == year})
    return found


def _tables(period: str, atoms: Mapping[Atom, int]) -> list[Cell]:
    found = []
    for table, axis in (("by-host", 2), ("by-sender", 3)):
        columns = sorted({atom[axis] for atom in atoms})
        for row in STEPS:
            for column in (*columns, ALL):
                of = {a: n for a, n in atoms.items() if a[1] == row and column in (a[axis], ALL)}
                key = (period, table, row, column)
                found.append(Cell(key, frozenset(of), sum(of.values())))
    return found


def publish(tx: Tx, clock: Clock, quarter: str, by: str) -> Release:
    """Publish a quarter, once and for all; its entry in the journal is in the same transaction.

    Raise `QuarterRefused`, or `disclosure.NotProtected` if it would reveal a small group.
    """
    journal.lock(tx)
    end, now = days_of(quarter)[1], clock.now()
    if now.date() < end:
        raise QuarterRefused(f"{quarter} is not over before {end}")
    held = _rows(tx)
    if held and max(held) >= quarter:
        raise QuarterRefused(f"{max(held)} is published; {quarter} cannot be any more")
    counted = count(tx, quarter)
    atoms = {atom: n for row in held.values() for atom, n in _atoms(row).items()} | counted.atoms
    new, before = cells_of(quarter, atoms), _shown(held, atoms)
    hidden = disclosure.hide(before, new, atoms)
    figures = tuple(_figure(cell, cell.key in hidden) for cell in new)
    salt = clock.random_bytes(journal.SALT_BYTES)
    commitment = journal.commit(salt, content_of(quarter, figures, counted.root()))
    entry = journal.append(tx, PROGRAMME, KIND, commitment, now)
    row = {"quarter": quarter, "made_at": now, "by": by, "counted": counted.root()}
    kept = [(*atom, n) for atom, n in sorted(counted.atoms.items())]
    more = {"atoms": msgspec.json.encode(kept), "tables": msgspec.json.encode(figures)}
    sealed = {"salt": salt.hex(), "commitment": commitment, "entry": entry.seq}
    tx.execute(sa.insert(RELEASES).values(**row, **more, **sealed))
    return release(tx, quarter)


def _figure(cell: Cell, hidden: bool) -> Figure:
    period, table, row, column = cell.key
    return Figure(period, table, row, column, None if hidden else cell.count)


def _rows(tx: Tx) -> dict[str, Mapping[Any, Any]]:
    query = sa.select(RELEASES).order_by(RELEASES.c.quarter)
    return {row["quarter"]: row for row in tx.execute(query).mappings()}


def _atoms(row: Mapping[Any, Any]) -> dict[Atom, int]:
    return {tuple(one[:-1]): int(one[-1]) for one in msgspec.json.decode(row["atoms"])}


def _figures(row: Mapping[Any, Any]) -> tuple[Figure, ...]:
    return tuple(msgspec.json.decode(row["tables"], type=list[Figure]))


def _shown(held: Mapping[str, Mapping[Any, Any]], atoms: Mapping[Atom, int]) -> list[Cell]:
    """Return every cell that earlier releases show."""
    found = []
    for quarter, row in held.items():
        shown = {one.key for one in _figures(row) if one.value is not None}
        until = {atom: n for atom, n in atoms.items() if atom[0] <= quarter}
        found += [cell for cell in cells_of(quarter, until) if cell.key in shown]
    return found


def releases(tx: Tx) -> list[Release]:
    """Return what was published, the newest first."""
    return [_release(row) for row in reversed(_rows(tx).values())]


def release(tx: Tx, quarter: str) -> Release:
    """Return a published quarter; raise `QuarterRefused`."""
    row = _rows(tx).get(quarter)
    if row is None:
        raise QuarterRefused(f"{quarter[:20]} is not published")
    return _release(row)


def _release(row: Mapping[Any, Any]) -> Release:
    names = ("quarter", "made_at", "by", "counted", "salt", "commitment", "entry")
    return Release(**{name: row[name] for name in names}, figures=_figures(row))


def prove(tx: Tx, quarter: str) -> int:
    """Prove each figure of a quarter from the records; return how many; raise `FigureWrong`.

    Only somebody who may read the records can: the monitor does it, and anybody can then compare
    the tables' digest with the journal.
    """
    given, row = release(tx, quarter), _rows(tx)[quarter]
    counted, kept = count(tx, quarter), _atoms(row)
    found = journal.find(tx, given.commitment)
    opens = journal.commit(bytes.fromhex(given.salt), given.content()) == given.commitment
    if not opens or found is None or found[0] != given.entry:
        raise FigureWrong(f"{quarter}: the journal does not commit to these tables")
    if counted.root() != given.counted:
        raise FigureWrong(f"{quarter}: the records counted are not those committed to")
    if _by_step(counted.atoms) != _by_step(kept):
        raise FigureWrong(f"{quarter}: the records do not add up to what was counted")
    atoms = {a: n for other in _rows(tx).values() for a, n in _atoms(other).items()}
    true = {cell.key: cell.count for cell in cells_of(quarter, atoms)}
    for one in given.figures:
        if one.value is not None and true.get(one.key) != one.value:
            raise FigureWrong(f"{' '.join(one.key)}: {one.value} is not what the records say")
    return sum(1 for one in given.figures if one.value is not None)


def _by_step(atoms: Mapping[Atom, int]) -> Counter[tuple[str, str]]:
    """Sum over hosts: a case may since be under another agreement."""
    found: Counter[tuple[str, str]] = Counter()
    for (_, step, _, sender), n in atoms.items():
        found[step, sender] += n
    return found
