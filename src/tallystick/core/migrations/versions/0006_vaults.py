"""Vaults of the reserve: their keys, addresses and what happened to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _whole(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]



def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "reserve_vaults",
        *_text("id", "name", "network", "kind"),
        *_whole("quorum", "recovery_quorum", "older_blocks"),
        *_text("template", "descriptor"),
        *_whole("address_sats_max"),
        *_text("state"),
        *_whole("made_at"),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        *_text("replaced_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_vaults")),
        sa.UniqueConstraint("name", name=op.f("uq_reserve_vaults_name")),
        sa.UniqueConstraint("descriptor", name=op.f("uq_reserve_vaults_descriptor")),
        sqlite_strict=True,
    )
    op.create_table(
        "reserve_vault_keys",
        *_text("vault"),
        *_whole("number"),
        *_text("fingerprint", "origin", "xpub", "maker", "model", "firmware"),
        *_text("custodian", "place", "role"),
        sa.ForeignKeyConstraint(
            ["vault"], ["reserve_vaults.id"], name=op.f("fk_reserve_vault_keys_vault")
        ),
        sa.PrimaryKeyConstraint("vault", "number", name=op.f("pk_reserve_vault_keys")),
        sqlite_strict=True,
    )
    op.create_index(
        op.f("ix_reserve_vault_keys_fingerprint"), "reserve_vault_keys", ["fingerprint"]
    )
    op.create_table(
        "reserve_addresses",
        *_text("vault"),
        *_whole("branch", "number"),
        *_text("address", "script", "state", "purpose"),
        *_whole("made_at"),
        sa.Column("issued_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["vault"], ["reserve_vaults.id"], name=op.f("fk_reserve_addresses_vault")
        ),
        sa.PrimaryKeyConstraint("vault", "branch", "number", name=op.f("pk_reserve_addresses")),
        sa.UniqueConstraint("address", name=op.f("uq_reserve_addresses_address")),
        sa.UniqueConstraint("script", name=op.f("uq_reserve_addresses_script")),
        sqlite_strict=True,
    )
    op.create_table(
        "reserve_address_checks",
        *_text("vault"),
        *_whole("branch", "number"),
        *_text("signer", "implementation", "address"),
        *_whole("at"),
        sa.ForeignKeyConstraint(
            ["vault"], ["reserve_vaults.id"], name=op.f("fk_reserve_address_checks_vault")
        ),
        sa.PrimaryKeyConstraint(
            "vault", "branch", "number", "signer", name=op.f("pk_reserve_address_checks")
        ),
        sqlite_strict=True,
    )
    op.create_table(
        "reserve_key_events",
        *_text("id", "subject", "kind", "content", "salt", "commitment"),
        *_whole("at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reserve_key_events")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_reserve_key_events_subject"), "reserve_key_events", ["subject"])
