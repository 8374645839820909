"""Purchases: the time zone of the machine, by whose calendar days and deadlines are reckoned."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; earlier purchases go by their place's first zone."""
    op.add_column("kiosk_purchases", sa.Column("zone", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("kiosk_purchases", "zone")
