"""A report from the draft to the authority's number: written, proposed, approved by another, filed.

Every step is journalled, under the one header that says nothing of what it is about. A report of
suspicion is known only to the role of compliance: to anybody else there is none.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
import sqlalchemy as sa

from tallystick.core import approvals, journal
from tallystick.core.clock import Clock, new_id
from tallystick.core.history import History
from tallystick.core.identity import grants
from tallystick.core.store import Tx
from tallystick.core.vault import Vault
from tallystick.kiosk.reports.cash import zone_of
from tallystick.kiosk.reports.errors import (
    ReportFiled,
    ReportIncomplete,
    ReportStep,
    ReportUnknown,
)
from tallystick.kiosk.reports.model import NARRATIVE_LENGTH_MAX, NEXT, ROLE, SECRET, Draft, State
from tallystick.kiosk.reports.tables import REPORT_EVENTS, REPORTS

KIND: Final = "report.filing"
ITSELF: Final = "drafted by itself"
"""In place of an officer, where a step of the programme made the draft."""
NUMBER_LENGTH_MAX: Final = 60
LIST_MAX: Final = 1_000
APPROVE_WITHIN_S: Final = 14 * 86_400
HISTORY: Final = History(REPORT_EVENTS, "report")

Row = dict[str, Any]


def write(tx: Tx, clock: Clock, draft: Draft, by: str, corrects: str | None = None) -> str:
    """Keep a draft; return its id. The same person, days and kind are drafted once.

    A draft that is not filed is brought up to what the books say now.
    """
    _allowed(tx, draft.kind.value, by)
    return _write(tx, clock, draft, by, corrects)


def write_by_itself(tx: Tx, clock: Clock, draft: Draft, because: str) -> str:
    """Keep a draft that a step of ours makes, for an officer to complete; return its id.

    Nobody reads it, nor learns of it, by causing it. ``because``: the step, for compliance alone.
    """
    return _write(tx, clock, draft, ITSELF, None, because)


def _write(
    tx: Tx, clock: Clock, draft: Draft, by: str, corrects: str | None, because: str = ""
) -> str:
    journal.lock(tx)
    same = sa.and_(
        REPORTS.c.kind == draft.kind.value,
        REPORTS.c.person == draft.person,
        REPORTS.c.first_day == draft.first_day.isoformat(),
        REPORTS.c.state != State.DROPPED.value,
    )
    held = tx.execute(sa.select(REPORTS).where(same)).mappings().first()
    if held is not None and corrects is None:
        if State(held["state"]) is State.DRAFT and held["digest"] != _kept(held, draft).digest:
            _rewrite(tx, clock, dict(held), _kept(held, draft), by)
        return str(held["id"])
    row = _row(clock, draft, by) | {"corrects": corrects}
    tx.execute(sa.insert(REPORTS).values(**row))
    told = {"digest": draft.digest} | ({"because": because} if because else {})
    _event(tx, clock, row["id"], "drafted", by, told)
    return str(row["id"])


def _kept(held: Any, draft: Draft) -> Draft:
    """Return the new draft with the narrative and the activity of the old one."""
    before = msgspec.json.decode(held["body"], type=Draft)
    return msgspec.structs.replace(
        draft, narrative_digest=before.narrative_digest, activity=before.activity or draft.activity
    )


def _row(clock: Clock, draft: Draft, by: str) -> Row:
    now = clock.now()
    return {
        "id": new_id(clock),
        "kind": draft.kind.value,
        "state": State.DRAFT.value,
        "person": draft.person,
        "first_day": draft.first_day.isoformat(),
        "last_day": draft.last_day.isoformat(),
        "due": draft.due.isoformat(),
        "body": msgspec.json.encode(draft).decode(),
        "digest": draft.digest,
        "narrative": "",
        "made_at": now,
        "moved_at": now,
        "made_by": by,
        "proposal": "",
        "filed_at": None,
        "number": "",
    }


def narrate(tx: Tx, clock: Clock, vault: Vault, report: str, text: str, by: str) -> None:
    """Put the narrative of a draft into the vault, under the report's own key.

    Raises `ReportIncomplete` for none or too long a one, or without the key term where it applies.
    """
    journal.lock(tx)
    row, draft = _find(tx, report, by)
    _open(row)
    if not 0 < len(text.strip()) <= NARRATIVE_LENGTH_MAX:
        raise ReportIncomplete(f"a narrative of at most {NARRATIVE_LENGTH_MAX} characters")
    if draft.note_to_fincen and draft.note_to_fincen not in text:
        raise ReportIncomplete(f"the narrative must have the term {draft.note_to_fincen}")
    record = vault.put(tx, report, "narrative", text.encode(), by)
    digest = hashlib.sha256(text.encode()).hexdigest()
    _rewrite(tx, clock, row, msgspec.structs.replace(draft, narrative_digest=digest), by, record)


def _rewrite(tx: Tx, clock: Clock, row: Row, draft: Draft, by: str, narrative: str = "") -> None:
    _open(row)
    change = {
        "body": msgspec.json.encode(draft).decode(),
        "digest": draft.digest,
        "due": draft.due.isoformat(),
        "narrative": narrative or row["narrative"],
    }
    same = (REPORTS.c.id == row["id"], REPORTS.c.state == State.DRAFT.value)
    tx.execute(sa.update(REPORTS).where(*same).values(**change))
    _event(tx, clock, row["id"], "rewritten", by, {"digest": draft.digest})


def propose(tx: Tx, clock: Clock, report: str, by: str) -> approvals.Proposal:
    """Propose to file a draft as it stands; another officer approves it.

    Raises `ReportIncomplete` for a report of suspicion without a narrative.
    """
    journal.lock(tx)
    row, draft = _find(tx, report, by)
    if row["kind"] in SECRET and not draft.narrative_digest:
        raise ReportIncomplete("a report of suspicion has a narrative")
    rule = approvals.Rule(needs={ROLE: 1}, proposers=frozenset({ROLE}), expires_s=APPROVE_WITHIN_S)
    made = approvals.propose(tx, clock, KIND, report, draft.digest, rule, by)
    tx.execute(sa.update(REPORTS).where(REPORTS.c.id == report).values(proposal=made.id))
    _move(tx, clock, row, State.PROPOSED, "proposed", by, {"digest": draft.digest})
    return made


def approve(tx: Tx, clock: Clock, report: str, by: str, evidence: str = "") -> approvals.Status:
    """Approve the filing that another officer proposed."""
    journal.lock(tx)
    row, draft = _find(tx, report, by)
    return approvals.approve(tx, clock, row["proposal"], by, ROLE, draft.digest, evidence)


def file(tx: Tx, clock: Clock, report: str, number: str, by: str) -> None:
    """Record that an approved report was filed, with the authority's number for it.

    Raises `ReportIncomplete` without a number, and `NotApproved` before another officer approved.
    """
    journal.lock(tx)
    row, draft = _find(tx, report, by)
    if not 0 < len(number.strip()) <= NUMBER_LENGTH_MAX:
        raise ReportIncomplete("the authority's number of the filing")
    _next(row, State.FILED)
    approvals.use(tx, clock, row["proposal"], KIND, report, draft.digest, by)
    _move(tx, clock, row, State.FILED, "filed", by, {"digest": draft.digest, "number": number})
    change = {"filed_at": clock.now(), "number": number.strip()}
    tx.execute(sa.update(REPORTS).where(REPORTS.c.id == report).values(**change))


def take_back(tx: Tx, clock: Clock, report: str, by: str, why: str) -> None:
    """Withdraw one's own proposal, or drop one that expired: the report is a draft again."""
    journal.lock(tx)
    row, _ = _find(tx, report, by)
    _next(row, State.DRAFT)
    if approvals.status(tx, row["proposal"], clock.now()).stage is not approvals.Stage.EXPIRED:
        approvals.withdraw(tx, clock, row["proposal"], by, why)
    _move(tx, clock, row, State.DRAFT, "taken_back", by, {})


def drop(tx: Tx, clock: Clock, report: str, by: str, why: str) -> None:
    """End a draft that must not be filed; why stays in its history."""
    journal.lock(tx)
    row, _ = _find(tx, report, by)
    if not why.strip():
        raise ReportIncomplete("the reason is missing")
    _move(tx, clock, row, State.DROPPED, "dropped", by, {"why": why})


def find(tx: Tx, report: str, by: str) -> Row:
    """Return a report with its draft and history, to who may know of it; raise `ReportUnknown`."""
    row, draft = _find(tx, report, by)
    query = sa.select(REPORT_EVENTS).where(REPORT_EVENTS.c.report == report)
    events = [dict(one) for one in tx.execute(query.order_by(REPORT_EVENTS.c.n)).mappings()]
    return row | {"draft": draft, "events": events}


def listed(tx: Tx, by: str, states: Iterable[State] = (State.DRAFT, State.PROPOSED)) -> list[Row]:
    """Return reports, the most urgent first. Who is not of compliance sees no secret kind."""
    query = sa.select(REPORTS).where(REPORTS.c.state.in_([state.value for state in states]))
    if not _may_know(tx, by):
        query = query.where(REPORTS.c.kind.not_in(sorted(SECRET)))
    query = query.order_by(REPORTS.c.due, REPORTS.c.id).limit(LIST_MAX)
    return [dict(row) for row in tx.execute(query).mappings()]


def left(row: Row, now: dt.datetime) -> int:
    """Return how many days a report may still wait, on the calendar of where it happened."""
    draft = msgspec.json.decode(row["body"], type=Draft)
    zone = ZoneInfo(draft.zone) if draft.zone else zone_of(draft.jurisdiction)
    due: dt.date = dt.date.fromisoformat(row["due"])
    return (due - now.astimezone(zone).date()).days


def _may_know(tx: Tx, by: str) -> bool:
    return ROLE in grants.held(tx, by)


def _allowed(tx: Tx, kind: str, by: str) -> None:
    """Raise as for a report that is not there: a refusal must not tell that there is one."""
    if kind in SECRET and not _may_know(tx, by):
        raise ReportUnknown("there is no such report")


def _find(tx: Tx, report: str, by: str) -> tuple[Row, Draft]:
    row = tx.execute(sa.select(REPORTS).where(REPORTS.c.id == report)).mappings().one_or_none()
    if row is None:
        raise ReportUnknown("there is no such report")
    _allowed(tx, row["kind"], by)
    return dict(row), msgspec.json.decode(row["body"], type=Draft)


def _open(row: Row) -> None:
    if State(row["state"]) is State.FILED:
        raise ReportFiled("a filed report does not change; draft a correction of it")
    if State(row["state"]) is not State.DRAFT:
        raise ReportStep(f"a report that is {row['state']} is not written to")


def _next(row: Row, to: State) -> None:
    before = State(row["state"])
    if to not in NEXT[before]:
        kind = ReportFiled if before is State.FILED else ReportStep
        raise kind(f"a report that is {before} cannot become {to}")


def _move(tx: Tx, clock: Clock, row: Row, to: State, kind: str, by: str, content: Row) -> None:
    _next(row, to)
    same = (REPORTS.c.id == row["id"], REPORTS.c.state == row["state"])
    change = {"state": to.value, "moved_at": clock.now()}
    if tx.execute(sa.update(REPORTS).where(*same).values(**change)).rowcount != 1:
        raise ReportStep(f"report {row['id']} has moved on")
    row["state"] = to.value
    _event(tx, clock, row["id"], kind, by, content)


def _event(tx: Tx, clock: Clock, report: str, kind: str, by: str, content: Row) -> None:
    """Append one step to a report's history; the journal learns only that something moved."""
    HISTORY.append(tx, clock, report, kind, by, content, journal.QUIET)
