"""Proposals, the approvals given, and each step with the salt of its commitment in the journal.

A person's approval of a proposal is one row by the primary key: the database itself refuses to
count anybody twice.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tallystick.core.store import METADATA, Moment

PROPOSALS: Final = sa.Table(
    "approvals_proposals",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("maker", sa.Text, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("moved_at", Moment, nullable=False),
    sa.Index("ix_approvals_proposals_subject", "subject"),
    sa.Index("ix_approvals_proposals_stage", "stage", "maker"),
    sqlite_strict=True,
)

GIVEN: Final = sa.Table(
    "approvals_given",
    METADATA,
    sa.Column("proposal", sa.Text, sa.ForeignKey("approvals_proposals.id"), primary_key=True),
    sa.Column("person", sa.Text, sa.ForeignKey("people.id"), primary_key=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sqlite_strict=True,
)

STEPS: Final = sa.Table(
    "approvals_steps",
    METADATA,
    sa.Column("proposal", sa.Text, sa.ForeignKey("approvals_proposals.id"), primary_key=True),
    sa.Column("entry", sa.BigInteger, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sqlite_strict=True,
)
