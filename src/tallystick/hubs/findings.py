"""What the independent monitor finds: written once, never changed, and committed to in the journal.

The monitor reads everything, and changes nothing in any case. A finding may answer a person's
complaint; then the person reads it. Seen alarms stay: that somebody looked is added, not taken.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import new_id
from tallystick.core.store import METADATA, Moment, Tx
from tallystick.core.vault.errors import KeyGone
from tallystick.hubs import family, queries, record
from tallystick.hubs.cases import may
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseUnknown, HubsError
from tallystick.hubs.family import Duty
from tallystick.hubs.model import Alarm, Role
from tallystick.hubs.record import Case
from tallystick.hubs.tables import ALARMS

WORDS_CHARS_MAX: Final = 8_000
LIST_MAX: Final = 200

FINDINGS: Final = sa.Table(
    "hubs_findings",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("case", sa.Text, sa.ForeignKey("hubs_cases.id"), nullable=False, index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("to_person", sa.Integer, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("commitment", sa.Text, nullable=False),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sqlite_strict=True,
)


class FindingRefused(HubsError):
    """A finding is empty or too long; nothing was written."""

    code = 8770


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding, opened; its words are empty if the case was erased since."""

    id: str
    case: str
    at: dt.datetime
    by: str
    to_person: bool
    words: str
    entry: int


def write(tx: Tx, desk: Desk, case: str, words: str, by: str, to_person: bool = False) -> Finding:
    """Write a finding about a case, for good. Only a monitor may; raise `FindingRefused`."""
    held = record.find(tx, case)
    journal.lock(tx)
    may(tx, held, by, Role.MONITOR)
    text, now, one = words.strip(), desk.clock.now(), new_id(desk.clock)
    if not 0 < len(text) <= WORDS_CHARS_MAX:
        raise FindingRefused(f"write what was found, in at most {WORDS_CHARS_MAX} characters")
    salt = desk.clock.random_bytes(journal.SALT_BYTES)
    content = {"finding": one, "case": held.id, "at": now.isoformat(), "by": by, "words": text}
    mark = journal.commit(salt, content)
    entry = journal.append(tx, *journal.QUIET, mark, now)
    inside = msgspec.json.encode({"salt": salt.hex(), "words": text})
    sealed = desk.vault.seal(tx, held.person, f"finding {one}", inside)
    row = {"id": one, "case": held.id, "at": now, "by": by, "to_person": int(to_person)}
    more = {"sealed": sealed, "commitment": mark, "entry": entry.seq}
    tx.execute(sa.insert(FINDINGS).values(**row, **more))
    return Finding(one, held.id, now, by, to_person, text, entry.seq)


def listed(tx: Tx, desk: Desk, case: Case | None = None, to_person: bool = False) -> list[Finding]:
    """Return findings, the newest first: all, of one case, or those that answer its person."""
    query = sa.select(FINDINGS).order_by(FINDINGS.c.id.desc()).limit(LIST_MAX)
    query = query.where(FINDINGS.c.case == case.id) if case else query
    query = query.where(FINDINGS.c.to_person == 1) if to_person else query
    return [_finding(tx, desk, dict(row)) for row in tx.execute(query).mappings()]


def _finding(tx: Tx, desk: Desk, row: dict[str, Any]) -> Finding:
    person = record.find(tx, row["case"]).person
    try:
        sealed = desk.vault.unseal(person, f"finding {row['id']}", row["sealed"])
        words = str(msgspec.json.decode(sealed)["words"])
    except KeyGone:
        words = ""
    names = ("id", "case", "at", "by", "entry")
    return Finding(
        **{name: row[name] for name in names}, to_person=bool(row["to_person"]), words=words
    )


def see(tx: Tx, desk: Desk, alarm: str, by: str) -> None:
    """Write down that a monitor has seen an alarm; it stays on the list. Raise `CaseUnknown`."""
    may(tx, None, by, Role.MONITOR)
    where = sa.and_(ALARMS.c.id == alarm, ALARMS.c.seen_at.is_(None))
    done = tx.execute(
        sa.update(ALARMS).where(where).values(seen_at=desk.clock.now(), seen_by=by)
    ).rowcount
    known = tx.execute(sa.select(ALARMS.c.id).where(ALARMS.c.id == alarm)).first()
    if not done and known is None:
        raise CaseUnknown("there is no such alarm")


@dataclass(frozen=True, slots=True)
class Watch:
    """What the monitor's page shows."""

    alarms: list[dict[str, Any]]
    counts: dict[str, int]
    overstaying: list[Case]
    findings: list[Finding]
    references: dict[str, str]
    parted: list[Duty]
    """Families that are apart, the soonest due first."""


def watch(tx: Tx, desk: Desk) -> Watch:
    """Return every alarm, the stays beyond their limit, and the findings."""
    told = record.alarms(tx, desk)
    counts = {kind.value: 0 for kind in Alarm}
    for one in told:
        counts[one["kind"]] += one["seen_at"] is None
    found = listed(tx, desk)
    names = {one.case: record.find(tx, one.case).reference for one in found}
    late = queries.overstaying(tx, desk.today())
    parted = family.open_duties(tx, desk)
    return Watch(told[:LIST_MAX], counts, late, found, names, parted)
