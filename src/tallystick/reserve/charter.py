"""The charter: which mandate binds this reserve, since when, and whether the reserve is frozen.

A reserve has one mandate. Adopting a bill, and every freeze, is journalled by name (Decision 9).
Freezing takes one official at once; thawing takes as many as a movement does, and their delay.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from tallystick.core import approvals, journal
from tallystick.core.approvals import Proposal, Rule
from tallystick.core.clock import Clock
from tallystick.core.identity import grants
from tallystick.core.store import Tx, insert_once
from tallystick.reserve import mandate as mandates
from tallystick.reserve import record, words
from tallystick.reserve.errors import NoCharter, NotThisPerson
from tallystick.reserve.mandate import Mandate
from tallystick.reserve.tables import CHARTER

ROLES: Final = {
    "reserve.proposer": "may propose movements and register origins",
    "reserve.treasurer": "may approve as the treasurer",
    "reserve.auditor": "may approve as the auditor",
    "reserve.board": "may approve as a member of the board",
    "reserve.keyholder": "holds a key of a vault, and so may approve nothing",
}
"""The roles of this programme, granted by `identity.grants`."""
APPROVING: Final = ("reserve.treasurer", "reserve.auditor", "reserve.board")
VETOING: Final = frozenset({*APPROVING, "reserve.proposer"})
SUBJECT: Final = "charter"
FROZEN: Final = "the reserve is frozen: nothing moves until two officials thaw it"
"""What everybody is told of a freeze; who began it and why is sealed, and for officials alone."""
DURESS: Final = "signed under duress"
DURESS_TOLD_S_MIN: Final = 3_600
DURESS_TOLD_S_MAX: Final = 86_400
"""A freeze under duress becomes public at a moment drawn between the two, and never with the code
that began it: who watches the log cannot tell it from any other."""
THAW_DELAY_S: Final = 86_400
THAW_EXPIRES_S: Final = 14 * 86_400


@dataclass(frozen=True, slots=True)
class Charter:
    """The mandate as it binds this reserve, and the freeze if there is one."""

    mandate: Mandate
    since: dt.date
    frozen_at: dt.datetime | None
    frozen_by: str
    frozen_why: str
    tell_at: dt.datetime | None = None
    """When the public is told of the freeze; None once it is told."""

    @property
    def frozen(self) -> bool:
        """Say whether nothing may move."""
        return self.frozen_at is not None

    @property
    def told(self) -> bool:
        """Say whether the reserve is frozen and everybody knows."""
        return self.frozen and self.tell_at is None

    def day(self, at: dt.datetime) -> dt.date:
        """Return the day on which a moment falls, by the mandate's own clock."""
        return at.astimezone(ZoneInfo(self.mandate.zone)).date()


def establish(tx: Tx, clock: Clock, code: str, since: dt.date, by: str, source: str) -> Charter:
    """Put the reserve under a mandate, once; raise `NoCharter` if it is under another.

    A bill binds as adopted from ``since``; what is in force keeps its own days.
    """
    journal.lock(tx)
    mandate = mandates.load(code)
    mandate.as_charter(since, by, source)
    row = {
        "one": 1,
        "mandate": code,
        "name": mandate.name,
        "since": since.isoformat(),
        "by": by,
        "source": source,
        "at": clock.now(),
        "frozen_at": None,
        "frozen_by": "",
        "frozen_why": "",
        "tell_at": None,
    }
    if not insert_once(tx, CHARTER, row):
        held = charter(tx)
        if (held.mandate.code, held.since) != (code, since):
            raise NoCharter(f"this reserve is under {held.mandate.code} since {held.since}")
        return held
    content = {"mandate": code, "since": since, "by": by, "source": source}
    record.event(tx, clock, SUBJECT, "established", content)
    return charter(tx)


def charter(tx: Tx) -> Charter:
    """Return the charter; raise `NoCharter` before one is established."""
    row = tx.execute(sa.select(CHARTER)).mappings().one_or_none()
    if row is None:
        raise NoCharter("no mandate is established: tallystick reserve establish")
    since = dt.date.fromisoformat(row["since"])
    found = mandates.load(row["mandate"]).as_charter(since, row["by"], row["source"])
    said = row["frozen_by"], row["frozen_why"], row["tell_at"]
    return Charter(found, since, row["frozen_at"], *said)


def freeze(tx: Tx, clock: Clock, by: str, why: str, told_in_s: int = 0) -> bool:
    """Freeze the reserve at once; return whether it was not frozen before.

    ``told_in_s``: after how many seconds the public is told (`tell`); 0 for now.
    """
    journal.lock(tx)
    now = clock.now()
    frozen = {"frozen_at": now, "frozen_by": by, "frozen_why": why[: words.WHY_CHARS_MAX]}
    frozen |= {"tell_at": now + dt.timedelta(seconds=told_in_s)}
    changed = tx.execute(sa.update(CHARTER).where(CHARTER.c.frozen_at.is_(None)).values(frozen))
    if not changed.rowcount:
        return False
    record.alarm(tx, clock, "frozen", SUBJECT, f"frozen by {by}: {why}", told=False)
    tell(tx, clock)
    return True


def freeze_under_duress(tx: Tx, clock: Clock, person: str) -> bool:
    """Freeze at once, and let the public know at a moment that says nothing."""
    span = DURESS_TOLD_S_MAX - DURESS_TOLD_S_MIN
    drawn = int.from_bytes(clock.random_bytes(4), "big") * span >> 32
    return freeze(tx, clock, person, DURESS, DURESS_TOLD_S_MIN + drawn)


def tell(tx: Tx, clock: Clock, now: bool = False) -> None:
    """Write a freeze into the log once its time has come, in words that are the same for each.

    Who began it and why is committed in an entry of its own that stays closed. Run it with every
    look at the chain.
    """
    held = charter(tx)
    if not held.frozen or held.tell_at is None or not (now or clock.now() >= held.tell_at):
        return
    tx.execute(sa.update(CHARTER).values(tell_at=None))
    record.event(tx, clock, SUBJECT, "frozen", {"says": FROZEN})
    content = {"by": held.frozen_by, "why": held.frozen_why, "since": held.frozen_at}
    record.event(tx, clock, SUBJECT, "freeze_reason", content)


def freeze_by(tx: Tx, clock: Clock, person: str, why: str) -> bool:
    """Freeze by an official's word; raise `NotThisPerson` for anybody else."""
    if VETOING.isdisjoint(grants.held(tx, person)):
        raise NotThisPerson(f"{person} is no official of this reserve")
    return freeze(tx, clock, person, words.public(why, "why it is frozen"))


def propose_thaw(tx: Tx, clock: Clock, maker: str) -> Proposal:
    """Propose to thaw the reserve: two officials must agree, and a day must pass."""
    held = charter(tx)
    rule = Rule(
        needs={"reserve.treasurer": 1, "reserve.auditor": 1},
        excluded=frozenset(grants.holders(tx, "reserve.keyholder")),
        vetoes=VETOING,
        proposers=VETOING,
        delay_s=THAW_DELAY_S,
        expires_s=THAW_EXPIRES_S,
    )
    return approvals.propose(tx, clock, "thaw", SUBJECT, thaw_digest(held), rule, maker)


def thaw_digest(held: Charter) -> str:
    """Return what those who thaw approve: the very freeze that they end."""
    content = {"thaw": held.frozen_at, "by": held.frozen_by, "why": held.frozen_why}
    return hashlib.sha256(journal.canonical(content)).hexdigest()


def thaw(tx: Tx, clock: Clock, proposal: str, by: str) -> None:
    """Thaw the reserve by an approved proposal; raise what `approvals.use` raises."""
    journal.lock(tx)
    held = charter(tx)
    used = approvals.use(tx, clock, proposal, "thaw", SUBJECT, thaw_digest(held), by)
    tell(tx, clock, now=True)
    over = {"frozen_at": None, "frozen_by": "", "frozen_why": "", "tell_at": None}
    tx.execute(sa.update(CHARTER).values(over))
    counted = sorted([one.person, one.role] for one in used.counted)
    content = {"by": by, "proposal": proposal, "counted": counted}
    record.event(tx, clock, SUBJECT, "thawed", content)
    record.calm(tx, clock, "frozen", SUBJECT, by, told=False)
