"""Two officials agree, one of them independent of removals; nobody who worked on the case.

The caseworker proposes a transfer under one agreement once every gate of eligibility passes. What
the officials approve is a digest of exactly that. Their approvals are counted again at the door,
and spent there.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any, Final

import msgspec

from tallystick.core import approvals, journal
from tallystick.core.approvals import Proposal, Rule
from tallystick.core.identity import grants
from tallystick.core.store import Tx
from tallystick.hubs import agreements, asking, cases, family, gates, record
from tallystick.hubs.asking import Outcome
from tallystick.hubs.desk import Desk
from tallystick.hubs.errors import CaseStep, NotIndependent, NotYours
from tallystick.hubs.law import Stage
from tallystick.hubs.model import Role, State
from tallystick.hubs.record import Case

KIND: Final = "hubs.transfer"
EXPIRES_S: Final = 60 * 86_400
REMOVALS: Final = frozenset({Role.CASEWORKER.value, Role.OFFICIAL.value})
"""Roles with a part in removals: who holds one is not independent of them."""


def rule_of(tx: Tx, case: Case) -> Rule:
    """Return what a transfer needs: one official, one independent, nobody who worked on it."""
    deciding = {Role.OFFICIAL.value, Role.INDEPENDENT.value}
    return Rule(
        needs=dict.fromkeys(deciding, 1),
        excluded=cases.workers(tx, case),
        proposers=frozenset({Role.CASEWORKER.value}),
        vetoes=frozenset(deciding),
        expires_s=EXPIRES_S,
    )


def digest_of(case: Case, asked: list[dict[str, Any]], facts: object) -> str:
    """Return SHA-256 over who is to be transferred where, what was known, and what gates said."""
    known = hashlib.sha256(msgspec.json.encode(facts, order="deterministic")).hexdigest()
    what = {"case": case.id, "sender": case.sender, "host": case.host, "known": known}
    return hashlib.sha256(journal.canonical({**what, "asked": asked})).hexdigest()


def propose(tx: Tx, desk: Desk, case: str, host: str, by: str) -> Outcome:
    """Propose a transfer under an agreement; only if every gate of eligibility passes.

    Raises `CaseStep` unless the case is in review, `NotYours` for anybody but its caseworker.
    """
    held = record.locked(tx, case)
    if held.state is not State.REVIEW or held.proposal:
        raise CaseStep(f"case {held.reference} is {held.state}: nothing can be proposed in it now")
    if by != held.caseworker:
        raise NotYours("the case's own caseworker proposes")
    agreement = agreements.find(tx, host)
    if agreement.sender != held.sender:
        raise CaseStep(f"{agreement.name} is not an agreement of {held.sender}")
    wanted = replace(held, host=host)
    known = record.facts(tx, desk, wanted)
    answers = asking.ask(tx, desk, wanted, Stage.ELIGIBILITY, known)
    told = {"host": host, "gates": asking.said(gates.stopping(answers))}
    if not gates.permits(answers):
        # The host stays on the file, so that everybody sees why it was not proposed.
        record.append(tx, desk, held, wanted, "refused", by, {**told, "wanted": "proposed"})
        return Outcome(wanted, answers)
    digest = digest_of(wanted, asking.said(answers), known)
    rule = rule_of(tx, held)
    made = approvals.propose(tx, desk.clock, KIND, held.id, digest, rule, by)
    after = replace(wanted, proposal=made.id, digest=digest)
    record.append(tx, desk, held, after, "proposed", by, {**told, "digest": digest})
    return Outcome(after, answers)


def approve(tx: Tx, desk: Desk, case: str, by: str, role: Role, evidence: str = "") -> Outcome:
    """Approve the proposed transfer, as one of the two officials; the second makes it eligible.

    Raises the errors of `core.approvals`, `CaseStep`, and `NotIndependent` for an independent
    official who has a part in removals.
    """
    held = record.locked(tx, case)
    proposal = _open(tx, held)
    if by in cases.workers(tx, held):
        raise NotYours("who worked on a case never decides in it")
    if role is Role.INDEPENDENT and grants.held(tx, by) & REMOVALS:
        raise NotIndependent
    approvals.approve(tx, desk.clock, proposal.id, by, role.value, held.digest, evidence)
    record.append(tx, desk, held, held, "approved", by, {"role": role.value, "digest": held.digest})
    if asking.agreed(tx, desk, held):
        return Outcome(held)
    after = record.moved(desk, held, State.ELIGIBLE)
    return asking.attempt(
        tx, desk, held, Stage.ELIGIBILITY, record.LAW, after, "eligible", {"digest": held.digest}
    )


def veto(tx: Tx, desk: Desk, case: str, by: str, reason: str) -> Outcome:
    """Stop a transfer for good, as one official, until it happens; a new proposal starts afresh."""
    held = record.locked(tx, case)
    approvals.veto(tx, desk.clock, _open(tx, held).id, by, reason)
    change: dict[str, Any] = {"proposal": "", "digest": "", "planned_on": None}
    if held.state is State.REVIEW:
        after = replace(held, **change)
    else:
        after = record.moved(desk, held, State.REVIEW, **change)
    record.append(tx, desk, held, after, "vetoed", by, {"reason": reason})
    names = family.named(record.facts(tx, desk, after))
    together = asking.with_family(tx, desk, names)
    moved = after.state is not held.state
    return Outcome(after, moved=moved, stopped=True, together=together)


def independent(tx: Tx, desk: Desk, case: Case) -> tuple[str, ...]:
    """Return why the approvals of the two officials would not stand at the door."""
    if not case.proposal:
        return ()
    worked = cases.workers(tx, case)
    for one in approvals.status(tx, case.proposal, desk.clock.now()).counted:
        if one.person in worked:
            return ("An official who approved has worked on the case.",)
        if one.role == Role.INDEPENDENT.value and grants.held(tx, one.person) & REMOVALS:
            return ("The independent official has a part in removals now.",)
    return ()


def _open(tx: Tx, case: Case) -> Proposal:
    if not case.proposal:
        raise CaseStep(f"nothing is proposed in case {case.reference}")
    return approvals.get(tx, case.proposal)
