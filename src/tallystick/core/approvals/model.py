"""A proposal, the approvals given, and what they amount to at a moment: pure, so it can be proved.

Quorum is never stored. It is counted afresh from the approvals of people who still stand (not
removed, holding the role they approved under ever since), so nobody's word outlives their office.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from tallystick.core.approvals.rule import Rule


class Stage(enum.StrEnum):
    """Where a proposal is; *delayed*, *ready* and *expired* follow from time and are not stored."""

    OPEN = "open"
    DELAYED = "delayed"
    READY = "ready"
    USED = "used"
    VETOED = "vetoed"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


NEXT: Final[Mapping[Stage, frozenset[Stage]]] = {
    Stage.OPEN: frozenset({Stage.USED, Stage.VETOED, Stage.WITHDRAWN}),
    Stage.USED: frozenset(),
    Stage.VETOED: frozenset(),
    Stage.WITHDRAWN: frozenset(),
}
"""The stored stages and what each may become."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed. ``digest``: SHA-256, in hex, over exactly what would be done."""

    id: str
    kind: str
    subject: str
    digest: str
    rule: Rule
    maker: str
    made_at: dt.datetime
    expires_at: dt.datetime
    stage: Stage
    moved_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """One person's word, under one role. ``evidence``: such as a passkey's signature.

    ``entry``: its number in the journal.
    """

    person: str
    role: str
    at: dt.datetime
    evidence: str
    entry: int


@dataclass(frozen=True, slots=True)
class Status:
    """What the approvals amount to. ``missing``: by role; of any role under ``""``.

    ``until`` is when the delay ends (*delayed*), or when the proposal expires (*open*, *ready*).
    """

    stage: Stage
    counted: tuple[Approval, ...]
    missing: Mapping[str, int] = field(default_factory=dict)
    until: dt.datetime | None = None


def weigh(
    proposal: Proposal,
    given: Sequence[Approval],
    standing: Mapping[str, frozenset[str]],
    now: dt.datetime,
) -> Status:
    """Say where a proposal is. ``standing``: the roles that each approver kept since."""
    now = max(now, proposal.moved_at)
    counted = _counting(proposal, given, standing)
    missing = proposal.rule.missing(Counter(one.role for one in counted))
    if proposal.stage is not Stage.OPEN:
        return Status(proposal.stage, counted, missing)
    if now >= proposal.expires_at:
        return Status(Stage.EXPIRED, counted, missing)
    agreed = agreed_at(proposal.rule, counted)
    if agreed is None:
        return Status(Stage.OPEN, counted, missing, proposal.expires_at)
    ready = agreed + dt.timedelta(seconds=proposal.rule.delay_s)
    if now < ready:
        return Status(Stage.DELAYED, counted, missing, ready)
    return Status(Stage.READY, counted, missing, proposal.expires_at)


def _counting(
    proposal: Proposal, given: Sequence[Approval], standing: Mapping[str, frozenset[str]]
) -> tuple[Approval, ...]:
    """Return the approvals that count: one for a person, of those who stand and may approve."""
    barred = proposal.rule.excluded | {proposal.maker}
    found: dict[str, Approval] = {}
    for one in given:
        stands = one.role in standing.get(one.person, frozenset())
        if stands and one.person not in barred and one.role in proposal.rule.needs:
            found.setdefault(one.person, one)
    return tuple(found.values())


def agreed_at(rule: Rule, counted: Sequence[Approval]) -> dt.datetime | None:
    """Return when enough had agreed, from the approvals that count, in order; None if never."""
    counts: Counter[str] = Counter()
    for one in counted:
        counts[one.role] += 1
        if not rule.missing(counts):
            return one.at
    return None
