"""Rows of vaults, their keys, their addresses and what happened to them. Moments in UTC."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tallystick.core.columns import text, whole
from tallystick.core.store import METADATA, Moment


def _vault() -> sa.Column[str]:
    return sa.Column("vault", sa.Text, sa.ForeignKey("reserve_vaults.id"), nullable=False)


VAULTS: Final = sa.Table(
    "reserve_vaults",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("name", unique=True),
    text("network"),
    text("kind"),
    whole("quorum"),
    whole("recovery_quorum"),
    whole("older_blocks"),
    text("template"),
    text("descriptor", unique=True),
    whole("address_sats_max"),
    text("state"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("retired_at", Moment),
    text("replaced_by"),
    sqlite_strict=True,
)
KEYS: Final = sa.Table(
    "reserve_vault_keys",
    METADATA,
    sa.Column("vault", sa.Text, sa.ForeignKey("reserve_vaults.id"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    text("fingerprint", index=True),
    text("origin"),
    text("xpub"),
    text("maker"),
    text("model"),
    text("firmware"),
    text("custodian"),
    text("place"),
    text("role"),
    whole("dice"),
    sqlite_strict=True,
)
ADDRESSES: Final = sa.Table(
    "reserve_addresses",
    METADATA,
    _vault(),
    whole("branch"),
    whole("number"),
    text("address", unique=True),
    text("script", unique=True),
    text("state"),
    text("purpose"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("issued_at", Moment),
    sa.PrimaryKeyConstraint("vault", "branch", "number"),
    sqlite_strict=True,
)
CHECKS: Final = sa.Table(
    "reserve_address_checks",
    METADATA,
    _vault(),
    whole("branch"),
    whole("number"),
    text("signer"),
    text("implementation"),
    text("address"),
    sa.Column("at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("vault", "branch", "number", "signer"),
    sqlite_strict=True,
)
CEREMONIES: Final = sa.Table(
    "reserve_ceremonies",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("name"),
    text("network"),
    text("kind"),
    whole("quorum"),
    whole("recovery_quorum"),
    whole("older_blocks"),
    whole("address_sats_max"),
    text("state"),
    text("vault"),
    text("psbt"),
    text("record"),
    text("led_by"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sqlite_strict=True,
)
CARDS: Final = sa.Table(
    "reserve_ceremony_keys",
    METADATA,
    sa.Column("ceremony", sa.Text, sa.ForeignKey("reserve_ceremonies.id"), primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    text("card"),
    text("dice_commitment"),
    text("test_psbt"),
    sa.Column("at", Moment, nullable=False),
    sqlite_strict=True,
)
EVENTS: Final = sa.Table(
    "reserve_key_events",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    whole("seq"),
    text("subject", index=True),
    text("kind"),
    text("content"),
    text("salt"),
    text("commitment"),
    sa.Column("at", Moment, nullable=False),
    sqlite_strict=True,
)
