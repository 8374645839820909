"""Customers: each run that ends what no law keeps, and an index to bound a machine's pictures."""

import sqlalchemy as sa
from alembic import op

from tallystick.core.store import Moment

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

NAME = "ix_kiosk_buyers_machine_made_at"


def upgrade() -> None:
    """Create the table and the index."""
    op.create_table(
        "kiosk_sweeps",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("links", sa.BigInteger(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kiosk_sweeps")),
        sqlite_strict=True,
    )
    op.create_index(NAME, "kiosk_buyers", ["machine", "made_at"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index(NAME, "kiosk_buyers")
    op.drop_table("kiosk_sweeps")
