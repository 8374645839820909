"""The reserve: charter, lots, coins, movements, alarms and proofs."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "reserve_charter",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("mandate", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("frozen_at", sa.BigInteger(), nullable=True),
        sa.Column("frozen_by", sa.Text(), nullable=False),
        sa.Column("frozen_why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_reserve_charter")),
        sqlite_strict=True,
    )
    op.create_table(
        "reserve_lots",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("deposited", sa.Text(), nullable=False),
        sa.Column("sats", sa.BigInteger(), nullable=False),
        sa.Column("txid", sa.Text(), nullable=False),
        sa.Column("vout", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.CheckConstraint("sats > 0", name=op.f("ck_reserve_lots_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_lots")),
        sqlite_strict=True,
    )
    op.create_table(
        "reserve_vault_ledgers",
        sa.Column("vault", sa.Text(), nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("vault", name=op.f("pk_reserve_vault_ledgers")),
        sqlite_strict=True,
    )
    op.create_table(
        "reserve_coins",
        sa.Column("txid", sa.Text(), nullable=False),
        sa.Column("vout", sa.BigInteger(), nullable=False),
        sa.Column("vault", sa.Text(), nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("keychain", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("sats", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("spent_by", sa.Text(), nullable=False),
        sa.Column("spent_height", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("txid", "vout", name=op.f("pk_reserve_coins")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_reserve_coins_address"), "reserve_coins", ["address"])
    op.create_index(op.f("ix_reserve_coins_vault"), "reserve_coins", ["vault"])
    op.create_table(
        "reserve_parcels",
        sa.Column("txid", sa.Text(), nullable=False),
        sa.Column("vout", sa.BigInteger(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("lot", sa.Text(), nullable=False),
        sa.Column("sats", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("sats > 0", name=op.f("ck_reserve_parcels_positive")),
        sa.PrimaryKeyConstraint("txid", "vout", "n", name=op.f("pk_reserve_parcels")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_reserve_parcels_lot"), "reserve_parcels", ["lot"])
    op.create_table(
        "reserve_movements",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("vault", sa.Text(), nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("sats", sa.BigInteger(), nullable=False),
        sa.Column("fee_sats", sa.BigInteger(), nullable=False),
        sa.Column("fee_sats_max", sa.BigInteger(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.Column("ready_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("settled_on", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_movements")),
        sa.UniqueConstraint("reference", name=op.f("uq_reserve_movements_reference")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_reserve_movements_moved_at"), "reserve_movements", ["moved_at"])
    op.create_index(op.f("ix_reserve_movements_state"), "reserve_movements", ["state"])
    op.create_index(op.f("ix_reserve_movements_vault"), "reserve_movements", ["vault"])
    op.create_table(
        "reserve_coin_holds",
        sa.Column("txid", sa.Text(), nullable=False),
        sa.Column("vout", sa.BigInteger(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["movement"], ["reserve_movements.id"], name=op.f("fk_reserve_coin_holds_movement")
        ),
        sa.PrimaryKeyConstraint("txid", "vout", name=op.f("pk_reserve_coin_holds")),
        sqlite_strict=True,
    )
    op.create_table(
        "reserve_signed",
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("which", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("psbt", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["movement"], ["reserve_movements.id"], name=op.f("fk_reserve_signed_movement")
        ),
        sa.PrimaryKeyConstraint("movement", "which", "key", name=op.f("pk_reserve_signed")),
        sqlite_strict=True,
    )
    op.create_table(
        "reserve_payments",
        sa.Column("txid", sa.Text(), nullable=False),
        sa.Column("movement", sa.Text(), nullable=False),
        sa.Column("which", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fee_sats", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["movement"], ["reserve_movements.id"], name=op.f("fk_reserve_payments_movement")
        ),
        sa.PrimaryKeyConstraint("txid", name=op.f("pk_reserve_payments")),
        sqlite_strict=True,
    )
    op.create_table(
        "reserve_events",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("subject", "n", name=op.f("pk_reserve_events")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_reserve_events_at"), "reserve_events", ["at"])
    op.create_table(
        "reserve_alarms",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_alarms")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_reserve_alarms_kind_subject")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_reserve_alarms_at"), "reserve_alarms", ["at"])
    op.create_table(
        "reserve_attestations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("proofs", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_attestations")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_reserve_attestations_at"), "reserve_attestations", ["at"])
    op.create_table(
        "reserve_codes",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("duress", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_reserve_codes")),
        sqlite_strict=True,
    )
