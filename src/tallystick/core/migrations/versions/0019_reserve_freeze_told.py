"""The reserve: when the public is told of a freeze."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the moment; a freeze from before is told already."""
    op.add_column("reserve_charter", sa.Column("tell_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take it away."""
    op.drop_column("reserve_charter", "tell_at")
