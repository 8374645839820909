"""The steps of an approval: propose, approve, veto, withdraw, use; each journalled as it is taken.

Every step takes the journal's lock first, so that two at once run one after the other and each
sees what the other did. Times are the clock's, and never before the step before.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core import journal
from tallystick.core.approvals import queries
from tallystick.core.approvals.errors import (
    ApprovedAlready,
    BackDated,
    DigestDiffers,
    MakerIsChecker,
    NotApproved,
    ProposalClosed,
    ProposalInvalid,
    RoleMissing,
    TooManyProposals,
)
from tallystick.core.approvals.model import NEXT, Proposal, Stage, Status
from tallystick.core.approvals.rule import Rule
from tallystick.core.approvals.tables import GIVEN, PROPOSALS, STEPS
from tallystick.core.clock import Clock, new_id
from tallystick.core.identity import grants, people
from tallystick.core.store import Tx

FORCED: Final = "forced"
KIND_CHARS_MAX: Final = 60
SUBJECT_CHARS_MAX: Final = 200
REASON_CHARS_MAX: Final = 500
EVIDENCE_CHARS_MAX: Final = 16_384
OPEN_PER_MAKER_MAX: Final = 500
CLOCK_SKEW_S_MAX: Final = 5
"""Servers' clocks may differ by so much; a step is then dated with the later of the two."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


def propose(
    tx: Tx, clock: Clock, kind: str, subject: str, digest: str, rule: Rule, maker: str
) -> Proposal:
    """Propose what the digest (SHA-256, hex) stands for; ``maker`` is the id of a person.

    Raises `ProposalInvalid`, `UnknownPerson`, `RoleMissing` when the rule names roles that may
    propose and the maker holds none, and `TooManyProposals`.
    """
    journal.lock(tx)
    _check_words(kind, subject, digest)
    people.present(tx, maker)
    if rule.proposers and rule.proposers.isdisjoint(grants.held(tx, maker)):
        raise RoleMissing(f"proposing this needs the role {' or '.join(sorted(rule.proposers))}")
    now = clock.now()
    _check_room(tx, maker, now)
    expires_at = now + dt.timedelta(seconds=rule.expires_s)
    made = Proposal(
        new_id(clock), kind, subject, digest, rule, maker, now, expires_at, Stage.OPEN, now
    )
    row = {name: getattr(made, name) for name in Proposal.__dataclass_fields__}
    tx.execute(sa.insert(PROPOSALS).values({**row, "rule": rule.encode(), "stage": made.stage}))
    _step(tx, clock, made, "proposed", now, by=maker, rule=rule.encode(), expires_at=expires_at)
    return made


def approve(
    tx: Tx, clock: Clock, proposal_id: str, by: str, role: str, digest: str, evidence: str = ""
) -> Status:
    """Approve exactly what was proposed, under one role; return what the approvals amount to.

    Raises `ProposalClosed`, `DigestDiffers`, `MakerIsChecker`, `RoleMissing`, `ApprovedAlready`.
    """
    proposal, now = _open(tx, clock, proposal_id)
    if digest != proposal.digest:
        raise DigestDiffers(f"proposal {proposal.id} has the digest {proposal.digest}")
    _check_approver(tx, proposal, by, role)
    if len(evidence) > EVIDENCE_CHARS_MAX:
        raise ProposalInvalid(f"evidence has at most {EVIDENCE_CHARS_MAX} characters")
    shown = hashlib.sha256(evidence.encode("utf-8", "surrogatepass")).hexdigest()
    entry = _step(tx, clock, proposal, "approved", now, by=by, role=role, evidence=shown)
    given = {"proposal": proposal.id, "person": by, "role": role, "at": now, "entry": entry}
    tx.execute(sa.insert(GIVEN).values({**given, "evidence": evidence}))
    return queries.status(tx, proposal.id, now)


def seem_to_approve(tx: Tx, clock: Clock, proposal_id: str, by: str, role: str) -> None:
    """Write down, sealed, that somebody was made to answer: in the journal it looks like an
    approval, and it counts for nothing. Raises what `approve` raises.
    """
    proposal, now = _open(tx, clock, proposal_id)
    _check_approver(tx, proposal, by, role)
    s = STEPS.c
    before = sa.select(s.content).where(s.proposal == proposal.id, s.kind == FORCED)
    if any(msgspec.json.decode(text)["by"] == by for text in tx.execute(before).scalars()):
        raise ApprovedAlready
    _step(tx, clock, proposal, FORCED, now, by=by, role=role)


def _check_approver(tx: Tx, proposal: Proposal, by: str, role: str) -> None:
    if by == proposal.maker or by in proposal.rule.excluded:
        raise MakerIsChecker
    if role not in proposal.rule.needs or role not in grants.held(tx, by):
        raise RoleMissing(f"{by} does not approve this as {role[:KIND_CHARS_MAX]}")
    if any(one.person == by for one in queries.approvals_of(tx, proposal.id)):
        raise ApprovedAlready


def veto(tx: Tx, clock: Clock, proposal_id: str, by: str, reason: str) -> None:
    """Stop a proposal for good, by one person who holds a role that may; until it is used.

    Raises `RoleMissing`, `ProposalClosed`, and `ProposalInvalid` without a reason.
    """
    proposal, now = _open(tx, clock, proposal_id)
    if proposal.rule.vetoes.isdisjoint(grants.held(tx, by)):
        raise RoleMissing(f"{by} holds no role that may veto this")
    _move(tx, proposal, Stage.VETOED, now)
    _step(tx, clock, proposal, "vetoed", now, by=by, reason=_reason(reason))


def withdraw(tx: Tx, clock: Clock, proposal_id: str, by: str, reason: str) -> None:
    """Take back one's own proposal, before it is used; raise `RoleMissing` for somebody else's."""
    proposal, now = _open(tx, clock, proposal_id)
    if by != proposal.maker:
        raise RoleMissing("only who proposed it withdraws it")
    _move(tx, proposal, Stage.WITHDRAWN, now)
    _step(tx, clock, proposal, "withdrawn", now, by=by, reason=_reason(reason))


def use(
    tx: Tx, clock: Clock, proposal_id: str, kind: str, subject: str, digest: str, by: str
) -> Status:
    """Spend the approval, once, in the transaction that does what was approved.

    What is done is named again, whole: raises `DigestDiffers` when kind, subject or digest is not
    the one approved, `ProposalClosed`, and `NotApproved` before quorum or before the delay is over.
    """
    proposal, now = _open(tx, clock, proposal_id)
    if (kind, subject, digest) != (proposal.kind, proposal.subject, proposal.digest):
        raise DigestDiffers(f"proposal {proposal.id} is of {proposal.kind} {proposal.subject}")
    found = queries.weighed(tx, proposal, now)
    if found.stage is not Stage.READY:
        raise NotApproved(_why_not(found))
    _move(tx, proposal, Stage.USED, now)
    counted = sorted(one.person for one in found.counted)
    _step(tx, clock, proposal, "used", now, by=by, counted=counted)
    return found


def _open(tx: Tx, clock: Clock, proposal_id: str) -> tuple[Proposal, dt.datetime]:
    """Return a proposal that may still move and the moment of this step, the journal locked."""
    journal.lock(tx)
    proposal, now = queries.get(tx, proposal_id), clock.now()
    if proposal.moved_at - now > dt.timedelta(seconds=CLOCK_SKEW_S_MAX):
        raise BackDated(f"the clock says {now}, the last step was at {proposal.moved_at}")
    now = max(now, proposal.moved_at)
    if proposal.stage is not Stage.OPEN or now >= proposal.expires_at:
        over = proposal.stage if proposal.stage is not Stage.OPEN else Stage.EXPIRED
        raise ProposalClosed(f"proposal {proposal.id} is {over}")
    return proposal, now


def _move(tx: Tx, proposal: Proposal, stage: Stage, now: dt.datetime) -> None:
    if stage not in NEXT[proposal.stage]:
        raise ProposalClosed(f"{proposal.stage} does not become {stage}")
    row = PROPOSALS.c.id == proposal.id
    tx.execute(sa.update(PROPOSALS).where(row).values(stage=stage))


def _step(
    tx: Tx, clock: Clock, proposal: Proposal, kind: str, at: dt.datetime, **content: Any
) -> int:
    """Write a step down and commit to it in the journal; return the number of its entry."""
    about = {"proposal": proposal.id, "of": proposal.kind, "subject": proposal.subject}
    full = {**about, "digest": proposal.digest, "kind": kind, "at": at, **content}
    salt = clock.random_bytes(journal.SALT_BYTES)
    entry = journal.append(tx, *journal.QUIET, journal.commit(salt, full), at)
    row = {"proposal": proposal.id, "entry": entry.seq, "at": at, "kind": kind, "salt": salt.hex()}
    tx.execute(sa.insert(STEPS).values({**row, "content": journal.canonical(full).decode()}))
    moved = sa.update(PROPOSALS).where(PROPOSALS.c.id == proposal.id).values(moved_at=at)
    tx.execute(moved)
    return entry.seq


def _check_words(kind: str, subject: str, digest: str) -> None:
    if not 0 < len(kind) <= KIND_CHARS_MAX or not 0 < len(subject) <= SUBJECT_CHARS_MAX:
        raise ProposalInvalid("a proposal has a kind and a subject, neither of them long")
    if not _DIGEST.fullmatch(digest):
        raise ProposalInvalid("a digest is SHA-256 in 64 small hex letters")


def _check_room(tx: Tx, maker: str, now: dt.datetime) -> None:
    mine = sa.and_(
        PROPOSALS.c.stage == Stage.OPEN, PROPOSALS.c.maker == maker, PROPOSALS.c.expires_at > now
    )
    query = sa.select(sa.func.count()).select_from(PROPOSALS).where(mine)
    if tx.execute(query).scalar_one() >= OPEN_PER_MAKER_MAX:
        raise TooManyProposals


def _reason(text: str) -> str:
    text = text.strip()
    if not 0 < len(text) <= REASON_CHARS_MAX:
        raise ProposalInvalid(f"say why, in at most {REASON_CHARS_MAX} characters")
    return text


def _why_not(found: Status) -> str:
    if found.stage is Stage.DELAYED:
        return f"approved, and delayed until {found.until}"
    lacking = [f"{count} {role or 'more'}" for role, count in sorted(found.missing.items())]
    return f"still missing: {', '.join(lacking)}"
