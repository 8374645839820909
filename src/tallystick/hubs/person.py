"""The person's own side of a case: a key to read it, a complaint, and receipts of what was written.

Whoever has the reference and the key that was given on paper reads the record as the officials see
it, in their own language. A complaint goes to the independent monitor alone: it is no step of the
case, so no caseworker ever sees that there is one, and the journal commits to it all the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.clock import base32, new_id
from tallystick.core.store import METADATA, Moment, Tx
from tallystick.core.vault.errors import KeyGone
from tallystick.hubs import asking, family, queries, record
from tallystick.hubs.cases import may
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseErased, CaseUnknown, HubsError
from tallystick.hubs.family import Duty
from tallystick.hubs.gates import GateAnswer, permits, stopping
from tallystick.hubs.model import Alarm, Role
from tallystick.hubs.queries import ClockRunning
from tallystick.hubs.record import Case, Event

KEY_CHARS: Final = 20
"""100 bits in Crockford's base 32: nobody guesses it, and it fits on a line of paper."""
VISIT_S: Final = 1_800
WORDS_CHARS_MAX: Final = 4_000
COMPLAINTS_MAX: Final = 200
"""Of one person. A machine that sends more is no person."""

ACCESS: Final = sa.Table(
    "hubs_access",
    METADATA,
    sa.Column("case", sa.Text, sa.ForeignKey("hubs_cases.id"), primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sqlite_strict=True,
)
VISITS: Final = sa.Table(
    "hubs_visits",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("case", sa.Text, sa.ForeignKey("hubs_cases.id"), nullable=False),
    sa.Column("until", Moment, nullable=False),
    sqlite_strict=True,
)
COMPLAINTS: Final = sa.Table(
    "hubs_complaints",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("case", sa.Text, sa.ForeignKey("hubs_cases.id"), nullable=False, index=True),
    sa.Column("at", Moment, nullable=False, index=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("commitment", sa.Text, nullable=False),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sqlite_strict=True,
)


class NoSuchRecord(HubsError):
    """The reference and the key together open no record; which of them is wrong is not said."""

    code = 8760


class VisitOver(HubsError):
    """The page was open for too long, and asks for the key again."""

    code = 8761


class WordsRefused(HubsError):
    """What was written is empty, too long, or one time too often; nothing was sent."""

    code = 8762


@dataclass(frozen=True, slots=True)
class Complaint:
    """What a person wrote to the monitor, and where the journal has it."""

    id: str
    at: dt.datetime
    words: str
    entry: int
    salt: str
    commitment: str


@dataclass(frozen=True, slots=True)
class View:
    """A case as the person reads it: the same verdict that the officials see."""

    case: Case
    history: tuple[Event, ...]
    against: tuple[GateAnswer, ...]
    passing: int
    permitted: bool
    clocks: tuple[ClockRunning, ...]
    complaints: tuple[Complaint, ...]
    parted: tuple[Duty, ...]
    """Open questions how this person and others of the family will be together again."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(key: str) -> str:
    """Return a key as typed from paper: capitals, without spaces and dashes."""
    return "".join(key.split()).replace("-", "").upper()


def give_key(tx: Tx, desk: Desk, case: str, by: str) -> str:
    """Make a key to the person's record and return it, once; an earlier one opens nothing more.

    The person's lawyer or the monitor gives it; a caseworker with it could read the complaints.
    """
    held = record.locked(tx, case)
    may(tx, held, by, Role.MONITOR, Role.LAWYER)
    bits = int.from_bytes(desk.clock.random_bytes(13), "big") >> 4
    key = base32(bits, KEY_CHARS)
    tx.execute(sa.delete(ACCESS).where(ACCESS.c.case == held.id))
    tx.execute(sa.delete(VISITS).where(VISITS.c.case == held.id))
    row = {"case": held.id, "digest": _digest(key), "made_at": desk.clock.now(), "by": by}
    tx.execute(sa.insert(ACCESS).values(**row))
    return "-".join(key[n : n + 5] for n in range(0, KEY_CHARS, 5))


def enter(tx: Tx, desk: Desk, reference: str, key: str) -> str:
    """Return a visit's token for a reference with its key; raise `NoSuchRecord`."""
    try:
        case = record.find(tx, _reference(reference)).id
    except CaseUnknown:
        case = ""
    query = sa.select(ACCESS.c.digest).where(ACCESS.c.case == case)
    held = tx.execute(query).scalar_one_or_none() or ""
    if not hmac.compare_digest(held, _digest(_plain(key))):
        raise NoSuchRecord
    now = desk.clock.now()
    tx.execute(sa.delete(VISITS).where(VISITS.c.until < sa.literal(now, VISITS.c.until.type)))
    token = desk.clock.random_bytes(32).hex()
    until = now + dt.timedelta(seconds=VISIT_S)
    tx.execute(sa.insert(VISITS).values(digest=_digest(token), case=case, until=until))
    return token


def _reference(text: str) -> str:
    return "".join(text.split()).upper()


def visited(tx: Tx, desk: Desk, token: str) -> Case:
    """Return the case that a visit may read; raise `VisitOver`."""
    query = sa.select(VISITS.c.case, VISITS.c.until).where(VISITS.c.digest == _digest(token))
    row = tx.execute(query).one_or_none()
    if row is None or row.until < desk.clock.now():
        raise VisitOver
    return record.find(tx, row.case)


def leave(tx: Tx, token: str) -> None:
    """End a visit."""
    tx.execute(sa.delete(VISITS).where(VISITS.c.digest == _digest(token)))


def view(tx: Tx, desk: Desk, case: Case) -> View:
    """Return a case as its person reads it; raise `CaseErased`."""
    answers = asking.ask(tx, desk, case)
    return View(
        case=case,
        history=tuple(reversed(record.history(tx, desk, case))),
        against=stopping(answers),
        passing=sum(1 for one in answers) - len(stopping(answers)),
        permitted=permits(answers),
        clocks=tuple(queries.clocks(answers)),
        complaints=tuple(complaints(tx, desk, case)),
        parted=tuple(family.standing(tx, desk, case)),
    )


def complain(tx: Tx, desk: Desk, case: Case, words: str) -> Complaint:
    """Send a complaint to the monitor and to nobody else; raise `WordsRefused`."""
    journal.lock(tx)
    text, now = words.strip(), desk.clock.now()
    if not 0 < len(text) <= WORDS_CHARS_MAX:
        raise WordsRefused(f"write something, in at most {WORDS_CHARS_MAX} characters")
    count = sa.select(sa.func.count()).where(COMPLAINTS.c.case == case.id)
    if tx.execute(count).scalar_one() >= COMPLAINTS_MAX:
        raise WordsRefused(f"there are {COMPLAINTS_MAX} complaints already")
    one, salt = new_id(desk.clock), desk.clock.random_bytes(journal.SALT_BYTES)
    content = _content(one, case.id, now, text)
    mark = journal.commit(salt, content)
    entry = journal.append(tx, *journal.QUIET, mark, now)
    inside = msgspec.json.encode({"salt": salt.hex(), "words": text})
    sealed = desk.vault.seal(tx, case.person, f"complaint {one}", inside)
    row = {"id": one, "case": case.id, "at": now, "commitment": mark, "entry": entry.seq}
    tx.execute(sa.insert(COMPLAINTS).values(**row, sealed=sealed))
    told = {"by": "the person", "note": text, "complaint": one}
    record.tell(tx, desk, case, Alarm.COMPLAINT, told)
    return Complaint(one, now, text, entry.seq, salt.hex(), mark)


def _content(one: str, case: str, at: dt.datetime, words: str) -> dict[str, Any]:
    return {"complaint": one, "case": case, "at": at.isoformat(), "words": words}


def complaints(tx: Tx, desk: Desk, case: Case) -> list[Complaint]:
    """Return what a person wrote, the newest first; raise `CaseErased`."""
    query = sa.select(COMPLAINTS).where(COMPLAINTS.c.case == case.id)
    found = []
    for row in tx.execute(query.order_by(COMPLAINTS.c.id.desc())).mappings():
        try:
            sealed = desk.vault.unseal(case.person, f"complaint {row['id']}", row["sealed"])
        except KeyGone as error:
            raise CaseErased(f"case {case.reference} was erased") from error
        inside = msgspec.json.decode(sealed)
        more = {"salt": inside["salt"], "commitment": row["commitment"]}
        found.append(Complaint(row["id"], row["at"], inside["words"], row["entry"], **more))
    return found


def opening(tx: Tx, desk: Desk, case: Case, entry: int) -> tuple[str, str]:
    """Return the salt and the content that open one of the person's entries of the journal.

    Raise `NoSuchRecord` for an entry that is not of this case.
    """
    for event in record.history(tx, desk, case):
        if event.entry == entry:
            names = ("n", "kind", "at", "by", "before", "after", "content")
            said = {"case": case.id, **{name: getattr(event, name) for name in names}}
            return event.salt, journal.canonical(msgspec.to_builtins(said)).decode()
    for one in complaints(tx, desk, case):
        if one.entry == entry:
            content = _content(one.id, case.id, one.at, one.words)
            return one.salt, journal.canonical(content).decode()
    raise NoSuchRecord
