"""Rows of vaults, their keys, their addresses and what happened to them. Moments in UTC."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.store import METADATA, Moment


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **more)


def _whole(name: str, **more: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, **more)


def _vault() -> sa.Column[str]:
    return sa.Column("vault", sa.Text, sa.ForeignKey("reserve_vaults.id"), nullable=False)


VAULTS: Final = sa.Table(
    "reserve_vaults",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("name", unique=True),
    _text("network"),
    _text("kind"),
    _whole("quorum"),
    _whole("recovery_quorum"),
    _whole("older_blocks"),
    _text("template"),
    _text("descriptor", unique=True),
    _whole("address_sats_max"),
    _text("state"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("retired_at", Moment),
    _text("replaced_by"),
    sqlite_strict=True,
)
KEYS: Final = sa.Table(
    "reserve_vault_keys",
    METADATA,
    sa.Column("vault", sa.Text, sa.ForeignKey("reserve_vaults.id"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("fingerprint", index=True),
    _text("origin"),
    _text("xpub"),
    _text("maker"),
    _text("model"),
    _text("firmware"),
    _text("custodian"),
    _text("place"),
    _text("role"),
    _whole("dice"),
    sqlite_strict=True,
)
ADDRESSES: Final = sa.Table(
    "reserve_addresses",
    METADATA,
    _vault(),
    _whole("branch"),
    _whole("number"),
    _text("address", unique=True),
    _text("script", unique=True),
    _text("state"),
    _text("purpose"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("issued_at", Moment),
    sa.PrimaryKeyConstraint("vault", "branch", "number"),
    sqlite_strict=True,
)
CHECKS: Final = sa.Table(
    "reserve_address_checks",
    METADATA,
    _vault(),
    _whole("branch"),
    _whole("number"),
    _text("signer"),
    _text("implementation"),
    _text("address"),
    sa.Column("at", Moment, nullable=False),
    sa.PrimaryKeyConstraint("vault", "branch", "number", "signer"),
    sqlite_strict=True,
)
CEREMONIES: Final = sa.Table(
    "reserve_ceremonies",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("name"),
    _text("network"),
    _text("kind"),
    _whole("quorum"),
    _whole("recovery_quorum"),
    _whole("older_blocks"),
    _whole("address_sats_max"),
    _text("state"),
    _text("vault"),
    _text("psbt"),
    _text("record"),
    _text("led_by"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sqlite_strict=True,
)
CARDS: Final = sa.Table(
    "reserve_ceremony_keys",
    METADATA,
    sa.Column("ceremony", sa.Text, sa.ForeignKey("reserve_ceremonies.id"), primary_key=True),
    sa.Column("fingerprint", sa.Text, primary_key=True),
    _text("card"),
    _text("dice_commitment"),
    _text("test_psbt"),
    sa.Column("at", Moment, nullable=False),
    sqlite_strict=True,
)
EVENTS: Final = sa.Table(
    "reserve_key_events",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _whole("seq"),
    _text("subject", index=True),
    _text("kind"),
    _text("content"),
    _text("salt"),
    _text("commitment"),
    sa.Column("at", Moment, nullable=False),
    sqlite_strict=True,
)
