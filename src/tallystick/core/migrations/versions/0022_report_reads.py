"""Reports: who looked at which, and when."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "kiosk_report_reads",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kiosk_report_reads")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_kiosk_report_reads_what"), "kiosk_report_reads", ["what"], unique=False)


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("kiosk_report_reads")
