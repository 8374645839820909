"""What a machine took today is asked at each note: found by its day, however long it has stood."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

INDEX = "ix_kiosk_notes_machine"


def upgrade() -> None:
    """Find a machine's notes by their time."""
    op.drop_index(INDEX, "kiosk_notes")
    op.create_index(INDEX, "kiosk_notes", ["machine", "asked_at"])


def downgrade() -> None:
    """Find them by the machine alone."""
    op.drop_index(INDEX, "kiosk_notes")
    op.create_index(INDEX, "kiosk_notes", ["machine"])
