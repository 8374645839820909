"""Ask the gates of a case, and stop what is under way where one does not pass, in one step.

`settle` is called by every event: the case goes where its pending remedies put it, and a transfer
that is being prepared stops in the transaction that wrote the event. There is no way around it.
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from tallystick.core import approvals
from tallystick.core.approvals.errors import ApprovalError
from tallystick.core.store import Tx
from tallystick.hubs import agreements, claims, family, gates, needs, record
from tallystick.hubs.agreements import TAKING, Book
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseErased, CaseUnknown
from tallystick.hubs.gates import Fact, GateAnswer
from tallystick.hubs.law import Answer, Stage, Value
from tallystick.hubs.model import ABROAD, ASKED_IN, ENDS, REMEDIES, UNDER_WAY, Alarm, State
from tallystick.hubs.record import Case
from tallystick.hubs.tables import CASES

LAPSING: Final = ("notice.served", "notice.destination_and_route", "notice.period_ends")
"""Facts of a notice: a transfer that was stopped needs a new one."""


APPEALING: Final = frozenset(
    {"appeal.pending", "appeal.remitted", "submissions.fresh_claim", "remedy.undecided"}
)
ENDING: Final = ("appeal.ended", "return.decision_enforceable")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a step: the case after it, and what the gates said, if they were asked."""

    case: Case
    answers: tuple[GateAnswer, ...] = ()
    moved: bool = False
    stopped: bool = False
    why: tuple[str, ...] = ()
    """What is the matter beside the gates: approvals that are missing."""
    together: tuple[Outcome, ...] = ()
    """What came of it for others of the same family."""

    @property
    def permitted(self) -> bool:
        """Say whether the gates were asked and passed, and nothing else is missing."""
        return not self.why and gates.permits(self.answers)


def ask(
    tx: Tx,
    desk: Desk,
    case: Case,
    stage: Stage = Stage.DOOR,
    facts: Mapping[str, Fact] | None = None,
    known_on: dt.date | None = None,
    books: dict[str, Book] | None = None,
) -> tuple[GateAnswer, ...]:
    """Ask the gates of a case today, or as everything was known at the end of an earlier day.

    ``books`` keeps what was read of hosts, for asking many cases in one transaction.
    """
    on = known_on or desk.today()
    mine = record.facts(tx, desk, case, known_on) if facts is None else facts
    host: Mapping[str, Fact] = {}
    country: Mapping[str, Fact] = {}
    if case.host:
        held = book_of(tx, case.host, on, {} if books is None else books)
        host, country = agreements.facts(tx, desk, held, case), held.country
    return gates.ask(desk.law(tx, case.sender), mine, host, country, on, on, stage)


def book_of(tx: Tx, host: str, on: dt.date, books: dict[str, Book]) -> Book:
    """Return what is on record of an agreement and its host state, read once for many cases."""
    if host not in books:
        books[host] = agreements.book(tx, agreements.find(tx, host), on)
    return books[host]


def unmet(
    tx: Tx,
    desk: Desk,
    case: Case,
    facts: Mapping[str, Fact],
    books: dict[str, Book] | None = None,
    also: Collection[str] = (),
) -> tuple[str, ...]:
    """Return what stands against the place that a case has; nothing where it has none yet.

    ``also`` are the references of those who stay together with the person by their own records.
    """
    if case.state not in TAKING or not case.host:
        return ()
    held = book_of(tx, case.host, desk.today(), {} if books is None else books)
    return needs.against(tx, case, facts, held, desk.today(), also)


def said(answers: Sequence[GateAnswer]) -> list[dict[str, Any]]:
    """Return answers as a record keeps them."""
    return [
        {
            "gate": one.gate.id,
            "answer": one.answer.word,
            "until": one.until and one.until.isoformat(),
            "why": list(one.why),
            "cite": one.gate.provision.cite,
            "evidence": {k: v for reason in one.reasons for k, v in reason.evidence.items()},
        }
        for one in answers
    ]


def pending(facts: Mapping[str, Fact]) -> State:
    """Return where pending remedies put a case."""
    so = {name for name, fact in facts.items() if fact.value is True}
    if so & APPEALING:
        return State.APPEAL
    return State.SUBMISSIONS if "submissions.outstanding" in so else State.REVIEW


def settle(tx: Tx, desk: Desk, case: Case, books: dict[str, Book] | None = None) -> Outcome:
    """Put a case where it belongs now; stop a transfer that a gate no longer lets pass,
    or whose place lacks what the person needs (`needs`)."""
    known = record.facts(tx, desk, case)
    if case.state in UNDER_WAY or case.proposal:
        stage = ASKED_IN.get(case.state, Stage.ELIGIBILITY)
        answers = ask(tx, desk, case, stage, known, books=books)
        why = unmet(tx, desk, case, known, books)
        if gates.permits(answers) and not why:
            return Outcome(case, answers)
        return stop(tx, desk, case, answers, known, why)
    if case.state in ABROAD:
        return _watch(tx, desk, case, known)
    to = pending(known)
    waits = case.state is State.REFUSED and to is State.REVIEW and not _ended(known)
    idle = case.state not in REMEDIES | {State.REFUSED} and to is State.REVIEW
    if to is case.state or waits or idle or case.state in (State.RETURNED, *ENDS):
        return Outcome(case)
    after = record.moved(desk, case, to)
    record.append(tx, desk, case, after, "settled", record.LAW, {"pending": to.value})
    return Outcome(after, moved=True)


def _ended(known: Mapping[str, Fact]) -> bool:
    """Say whether remedies against the refusal itself are at an end, so that a review begins."""
    return any(name in known and known[name].value is True for name in ENDING)


def _watch(tx: Tx, desk: Desk, case: Case, known: Mapping[str, Fact]) -> Outcome:
    """After a transfer nothing can be stopped; a bar that shows up then is the monitor's to see."""
    answers = ask(tx, desk, case, Stage.DOOR, known)
    bars = [one for one in answers if one.answer in (Answer.REFUSE, Answer.HOLD)]
    if bars:
        record.tell(tx, desk, case, Alarm.AFTER_TRANSFER, {"gates": said(bars)})
    return Outcome(case, answers)


def stop(
    tx: Tx,
    desk: Desk,
    case: Case,
    answers: tuple[GateAnswer, ...],
    known: Mapping[str, Fact],
    why: tuple[str, ...] = (),
) -> Outcome:
    """Stop what is under way: approvals and notice lapse, the place is free, the case is reviewed.

    The next attempt begins with new approvals and a new notice. Those who stay together with the
    person are asked again at once, and where a family is parted by it the duty of `family` opens.
    """
    lapse(tx, desk, case)
    change: dict[str, Any] = {"proposal": "", "digest": "", "planned_on": None}
    to = pending(known)
    stays = to is case.state
    after = replace(case, **change) if stays else record.moved(desk, case, to, **change)
    told = {"gates": said(gates.stopping(answers)), "why": list(why)}
    n = record.append(tx, desk, case, after, "stopped", record.LAW, told)
    left = {name: fact for name, fact in known.items() if name not in LAPSING}
    record.keep_facts(tx, desk, after, n, left)
    family.watch(tx, desk, after)
    together = with_family(tx, desk, family.named(known))
    return Outcome(after, answers, moved=True, stopped=True, why=why, together=together)


def with_family(tx: Tx, desk: Desk, names: Iterable[str]) -> tuple[Outcome, ...]:
    """Ask again for those of a family who are under way, after a step of one of them."""
    found = []
    for name in sorted(names):
        with contextlib.suppress(CaseUnknown, CaseErased):
            if record.find(tx, name).state in UNDER_WAY:
                found.append(settle(tx, desk, record.locked(tx, name)))
    return tuple(found)


def stopped_by(outcome: Outcome) -> list[str]:
    """Return the references of the cases that a step stopped: its own, and of the same family."""
    own = [outcome.case.reference] if outcome.stopped else []
    return own + [ref for one in outcome.together for ref in stopped_by(one)]


def lapse(tx: Tx, desk: Desk, case: Case) -> None:
    """Take back the officials' approvals, unless they ended by themselves."""
    if not case.proposal:
        return
    held = approvals.get(tx, case.proposal)
    if held.stage is approvals.Stage.OPEN and desk.clock.now() < held.expires_at:
        approvals.withdraw(tx, desk.clock, held.id, held.maker, "Stopped by a gate.")


def agreed(tx: Tx, desk: Desk, case: Case) -> tuple[str, ...]:
    """Return what the officials' approvals still lack; nothing when both stand."""
    if not case.proposal:
        return ("Nobody has proposed this transfer to the officials.",)
    try:
        found = approvals.status(tx, case.proposal, desk.clock.now())
    except ApprovalError as error:
        return (str(error),)
    if found.stage is not approvals.Stage.READY:
        return (f"The officials' approval is {found.stage}.",)
    return ()


def again(tx: Tx, desk: Desk, hosts: Iterable[str] | None = None) -> list[str]:
    """Ask the gates of every case under way, or of those with some hosts; return those stopped.

    Run it daily too: evidence grows old without any event, and so does a family's duty.
    """
    c = CASES.c
    open_ = sa.or_(c.state.in_([s.value for s in UNDER_WAY]), c.proposal != "")
    query = sa.select(c.id).where(open_).order_by(c.id)
    query = query if hosts is None else query.where(c.host.in_(list(hosts)))
    stopped: list[str] = []
    books: dict[str, Book] = {}
    for one in tx.execute(query).scalars().all():
        with contextlib.suppress(CaseErased):  # it takes no step any more
            stopped += stopped_by(settle(tx, desk, record.locked(tx, one), books))
    if hosts is None:
        family.tell_late(tx, desk)
    return stopped


def claim(
    tx: Tx,
    desk: Desk,
    about: str,
    name: str,
    value: Value,
    source: str,
    on: dt.date,
    by: str,
    until: dt.date | None = None,
) -> list[str]:
    """Record a claim about ``agreement:ID`` or ``country:XX``, and ask again wherever it matters.

    Returns the references of the cases that it stopped. Raises `ClaimRefused`, `AgreementUnknown`.
    """
    of, _, which = about.partition(":")
    if of == "agreement":
        agreements.find(tx, which)
    claims.record(tx, desk, about, name, value, source, on, by, until)
    return again(tx, desk, [one.id for one in agreements.concerned(tx, of, which)])


def attempt(
    tx: Tx,
    desk: Desk,
    case: Case,
    stage: Stage,
    by: str,
    after: Case,
    kind: str,
    content: Mapping[str, Any],
) -> Outcome:
    """Ask the gates of a stage for a case as the step would leave it; step only if all pass.

    What they said is written down either way. Where they do not pass the case stays, or stops if
    a gate of the stage before no longer passes.
    """
    wanted = replace(case, planned_on=after.planned_on, host=after.host)
    known = record.facts(tx, desk, case)
    answers = ask(tx, desk, wanted, stage, known)
    why = (*agreed(tx, desk, case), *unmet(tx, desk, after, known))
    told = {**content, "stage": stage.name.lower(), "gates": said(gates.stopping(answers))}
    if gates.permits(answers) and not why:
        record.append(tx, desk, case, after, kind, by, {**told, "asked": said(answers)})
        return Outcome(after, answers, moved=True)
    refused = {**told, "wanted": kind, "why": list(why)}
    record.append(tx, desk, case, case, "refused", by, refused)
    settled = settle(tx, desk, case)
    return replace(settled, answers=answers, why=why)
