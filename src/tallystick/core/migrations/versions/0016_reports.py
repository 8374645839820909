"""Reports: drafts, filings and each step."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "kiosk_reports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Text(), nullable=False),
        sa.Column("last_day", sa.Text(), nullable=False),
        sa.Column("due", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("narrative", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("filed_at", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("corrects", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["corrects"], ["kiosk_reports.id"], name=op.f("fk_kiosk_reports_corrects")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kiosk_reports")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_kiosk_reports_due"), "kiosk_reports", ["due"], unique=False)
    op.create_index(op.f("ix_kiosk_reports_kind"), "kiosk_reports", ["kind"], unique=False)
    op.create_table(
        "kiosk_report_events",
        sa.Column("report", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["report"], ["kiosk_reports.id"], name=op.f("fk_kiosk_report_events_report")),
        sa.PrimaryKeyConstraint("report", "n", name=op.f("pk_kiosk_report_events")),
        sqlite_strict=True,
    )
