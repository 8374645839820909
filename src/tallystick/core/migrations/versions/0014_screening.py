"""Screening: lists taken in, hits and their history."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "screening_hits",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.Column("entry_digest", sa.Text(), nullable=False),
        sa.Column("listed", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.UniqueConstraint("person", "entry", "entry_digest", name=op.f("uq_screening_hits_person_entry_entry_digest")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_hits")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_screening_hits_person"), "screening_hits", ["person"], unique=False)
    op.create_index(op.f("ix_screening_hits_state"), "screening_hits", ["state"], unique=False)
    op.create_table(
        "screening_lists",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("dated", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("entries", sa.BigInteger(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_lists")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_screening_lists_list"), "screening_lists", ["list"], unique=False)
    op.create_table(
        "screening_screened",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("against", sa.Text(), nullable=False),
        sa.Column("complete", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_screening_screened")),
        sqlite_strict=True,
    )
    op.create_table(
        "screening_entries",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("list", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("until", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["since"], ["screening_lists.id"], name=op.f("fk_screening_entries_since")),
        sa.ForeignKeyConstraint(["until"], ["screening_lists.id"], name=op.f("fk_screening_entries_until")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screening_entries")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_screening_entries_in_force"), "screening_entries", ["list", "until"], unique=False)
    op.create_index(op.f("ix_screening_entries_key"), "screening_entries", ["key"], unique=False)
    op.create_index(op.f("ix_screening_entries_since"), "screening_entries", ["since"], unique=False)
    op.create_index(op.f("ix_screening_entries_until"), "screening_entries", ["until"], unique=False)
    op.create_table(
        "screening_events",
        sa.Column("hit", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["hit"], ["screening_hits.id"], name=op.f("fk_screening_events_hit")),
        sa.PrimaryKeyConstraint("hit", "n", name=op.f("pk_screening_events")),
        sqlite_strict=True,
    )
