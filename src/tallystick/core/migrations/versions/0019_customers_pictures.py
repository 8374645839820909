"""Customers: find a machine's visits of the last hour, to bound the pictures that it may send."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

NAME = "ix_kiosk_buyers_machine_made_at"


def upgrade() -> None:
    """Create the index."""
    op.create_index(NAME, "kiosk_buyers", ["machine", "made_at"])


def downgrade() -> None:
    """Drop the index."""
    op.drop_index(NAME, "kiosk_buyers")
