"""Return hubs: the person's key and visits, complaints to the monitor, the monitor's findings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _whole(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _case(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_case_hubs_cases")
    return sa.ForeignKeyConstraint(["case"], ["hubs_cases.id"], name=name)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "hubs_access",
        *_text("case", "digest"),
        *_whole("made_at"),
        *_text("by"),
        _case("hubs_access"),
        sa.PrimaryKeyConstraint("case", name=op.f("pk_hubs_access")),
        sqlite_strict=True,
    )
    op.create_table(
        "hubs_visits",
        *_text("digest", "case"),
        *_whole("until"),
        _case("hubs_visits"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_hubs_visits")),
        sqlite_strict=True,
    )
    op.create_table(
        "hubs_complaints",
        *_text("id", "case"),
        *_whole("at"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        *_text("commitment"),
        *_whole("entry"),
        _case("hubs_complaints"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hubs_complaints")),
        sqlite_strict=True,
    )
    op.create_table(
        "hubs_findings",
        *_text("id", "case"),
        *_whole("at"),
        *_text("by"),
        sa.Column("to_person", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        *_text("commitment"),
        *_whole("entry"),
        _case("hubs_findings"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hubs_findings")),
        sqlite_strict=True,
    )
    for table, column in (
        ("hubs_complaints", "at"),
        ("hubs_complaints", "case"),
        ("hubs_findings", "case"),
    ):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)
