"""Ceremonies of the reserve: who brought which key, and the test signature of each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _whole(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def upgrade() -> None:
    """Create the tables, and a column for each key's dice."""
    op.create_table(
        "reserve_ceremonies",
        *_text("id", "name", "network", "kind"),
        *_whole("quorum", "recovery_quorum", "older_blocks", "address_sats_max"),
        *_text("state", "vault", "psbt", "record", "led_by"),
        *_whole("made_at"),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_ceremonies")),
        sqlite_strict=True,
    )
    op.create_table(
        "reserve_ceremony_keys",
        *_text("ceremony", "fingerprint", "card", "dice_commitment", "test_psbt"),
        *_whole("at"),
        sa.ForeignKeyConstraint(
            ["ceremony"],
            ["reserve_ceremonies.id"],
            name=op.f("fk_reserve_ceremony_keys_ceremony"),
        ),
        sa.PrimaryKeyConstraint(
            "ceremony", "fingerprint", name=op.f("pk_reserve_ceremony_keys")
        ),
        sqlite_strict=True,
    )
    op.add_column(
        "reserve_key_events",
        sa.Column("seq", sa.BigInteger(), nullable=False, server_default="0"),
    )
    op.add_column(
        "reserve_vault_keys",
        sa.Column("dice", sa.BigInteger(), nullable=False, server_default="0"),
    )
