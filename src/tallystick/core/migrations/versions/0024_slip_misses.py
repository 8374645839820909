"""Papers brought back to a machine: the wrong numbers typed there."""

import sqlalchemy as sa
from alembic import op

from tallystick.core.store import Moment

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "kiosk_slip_misses",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kiosk_slip_misses")),
        sqlite_strict=True,
    )
    op.create_index("ix_kiosk_slip_misses_machine", "kiosk_slip_misses", ["machine", "at"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("kiosk_slip_misses")
