"""Reading proposals: one, a list, what its approvals amount to now, and every step of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from tallystick.core.approvals.errors import ProposalUnknown
from tallystick.core.approvals.model import Approval, Proposal, Stage, Status, weigh
from tallystick.core.approvals.rule import Rule
from tallystick.core.approvals.tables import GIVEN, PROPOSALS, STEPS
from tallystick.core.identity import grants
from tallystick.core.store import Tx

LIST_MAX: Final = 500


def get(tx: Tx, proposal_id: str) -> Proposal:
    """Return a proposal as stored; raise `ProposalUnknown`."""
    query = sa.select(PROPOSALS).where(PROPOSALS.c.id == proposal_id)
    row = tx.execute(query).mappings().first()
    if row is None:
        raise ProposalUnknown(f"there is no proposal {proposal_id[:40]}")
    return _proposal(row)


def status(tx: Tx, proposal_id: str, now: dt.datetime) -> Status:
    """Say where a proposal is, counting only people who still stand; raise `ProposalUnknown`."""
    return weighed(tx, get(tx, proposal_id), now)


def weighed(tx: Tx, proposal: Proposal, now: dt.datetime) -> Status:
    """Say where a proposal that was read is."""
    given = approvals_of(tx, proposal.id)
    standing = {one.person: grants.held(tx, one.person, since=one.entry) for one in given}
    return weigh(proposal, given, standing, now)


def approvals_of(tx: Tx, proposal_id: str) -> list[Approval]:
    """Return every approval given, counting or not, in the order of the journal."""
    names = [GIVEN.c[name] for name in Approval.__dataclass_fields__]
    query = sa.select(*names).where(GIVEN.c.proposal == proposal_id).order_by(GIVEN.c.entry)
    return [Approval(**row) for row in tx.execute(query).mappings()]


def listed(
    tx: Tx, kind: str = "", subject: str = "", stage: Stage | None = None, limit: int = LIST_MAX
) -> list[Proposal]:
    """Return proposals, the newest first, of a kind, a subject or a stored stage."""
    query = sa.select(PROPOSALS).order_by(PROPOSALS.c.made_at.desc(), PROPOSALS.c.id.desc())
    wanted = {"kind": kind, "subject": subject, "stage": stage or ""}
    for name, value in wanted.items():
        query = query.where(PROPOSALS.c[name] == str(value)) if value else query
    return [_proposal(row) for row in tx.execute(query.limit(min(limit, LIST_MAX))).mappings()]


def history(tx: Tx, proposal_id: str) -> list[dict[str, Any]]:
    """Return each step in order: ``at``, ``kind``, ``content``, ``salt``, ``entry`` (journal)."""
    query = sa.select(STEPS).where(STEPS.c.proposal == proposal_id).order_by(STEPS.c.entry)
    return [
        {**row, "content": msgspec.json.decode(row["content"])}
        for row in tx.execute(query).mappings()
    ]


def _proposal(row: Mapping[Any, Any]) -> Proposal:
    read = {"rule": Rule.decode(row["rule"]), "stage": Stage(row["stage"])}
    return Proposal(**{**row, **read})
