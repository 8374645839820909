"""On which record of the vault each purchase rests, so that a picture is not asked for twice."""

import sqlalchemy as sa
from alembic import op

from tallystick.core.store import Moment

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "kiosk_rests",
        sa.Column("purchase", sa.Text(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("again", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("purchase", "item", name=op.f("pk_kiosk_rests")),
        sqlite_strict=True,
    )
    op.create_index("ix_kiosk_rests_record", "kiosk_rests", ["record"])


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("kiosk_rests")
