"""The reserve's rows: charter, lots, coins, movements, alarms, proofs. Sums in satoshis."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.store import METADATA, Moment


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **more)


def _whole(name: str, **more: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, **more)


CHARTER: Final = sa.Table(
    "reserve_charter",
    METADATA,
    sa.Column("one", sa.Integer, primary_key=True),
    _text("mandate"),
    _text("name"),
    _text("since"),
    _text("by"),
    _text("source"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("frozen_at", Moment),
    _text("frozen_by"),
    _text("frozen_why"),
    sa.Column("tell_at", Moment),
    sqlite_strict=True,
)
LOTS: Final = sa.Table(
    "reserve_lots",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("ledger"),
    _text("origin"),
    _text("kind"),
    _text("deposited"),
    _whole("sats"),
    _text("txid"),
    _whole("vout"),
    sa.Column("at", Moment, nullable=False),
    _text("by"),
    sa.CheckConstraint("sats > 0", name="positive"),
    sqlite_strict=True,
)
VAULT_LEDGERS: Final = sa.Table(
    "reserve_vault_ledgers",
    METADATA,
    sa.Column("vault", sa.Text, primary_key=True),
    _text("ledger"),
    sqlite_strict=True,
)
"""The ledger to which all coins of a vault belong, for good."""
COINS: Final = sa.Table(
    "reserve_coins",
    METADATA,
    sa.Column("txid", sa.Text, primary_key=True),
    sa.Column("vout", sa.BigInteger, primary_key=True, autoincrement=False),
    _text("vault", index=True),
    _text("ledger"),
    _text("address", index=True),
    _text("keychain"),
    _whole("place"),
    _whole("sats"),
    _whole("height"),
    _text("day"),
    sa.Column("at", Moment, nullable=False),
    _text("spent_by"),
    _whole("spent_height"),
    sqlite_strict=True,
)
PARCELS: Final = sa.Table(
    "reserve_parcels",
    METADATA,
    sa.Column("txid", sa.Text, primary_key=True),
    sa.Column("vout", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    _text("lot", index=True),
    _whole("sats"),
    sa.CheckConstraint("sats > 0", name="positive"),
    sqlite_strict=True,
)
MOVEMENTS: Final = sa.Table(
    "reserve_movements",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("reference", unique=True),
    _text("act"),
    _text("vault", index=True),
    _text("ledger"),
    _text("state", index=True),
    _whole("sats"),
    _whole("fee_sats"),
    _whole("fee_sats_max"),
    _text("plan"),
    _text("digest"),
    _text("verdict"),
    _text("why"),
    _text("maker"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("moved_at", Moment, nullable=False, index=True),
    sa.Column("ready_at", Moment),
    sa.Column("expires_at", Moment),
    _text("proposal"),
    _text("settled_on"),
    sqlite_strict=True,
)
HOLDS: Final = sa.Table(
    "reserve_coin_holds",
    METADATA,
    sa.Column("txid", sa.Text, primary_key=True),
    sa.Column("vout", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("movement", sa.Text, sa.ForeignKey("reserve_movements.id"), nullable=False),
    sqlite_strict=True,
)
"""Which live movement a coin is bound to: one, and no other."""
SIGNED: Final = sa.Table(
    "reserve_signed",
    METADATA,
    sa.Column("movement", sa.Text, sa.ForeignKey("reserve_movements.id"), primary_key=True),
    sa.Column("which", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    _text("psbt"),
    sqlite_strict=True,
)
PAYMENTS: Final = sa.Table(
    "reserve_payments",
    METADATA,
    sa.Column("txid", sa.Text, primary_key=True),
    sa.Column("movement", sa.Text, sa.ForeignKey("reserve_movements.id"), nullable=False),
    _text("which"),
    _text("raw"),
    _text("state"),
    _whole("fee_sats"),
    sa.Column("made_at", Moment, nullable=False),
    _whole("height"),
    sqlite_strict=True,
)
EVENTS: Final = sa.Table(
    "reserve_events",
    METADATA,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False, index=True),
    _text("kind"),
    _text("content"),
    _text("salt"),
    _whole("entry"),
    sqlite_strict=True,
)
ALARMS: Final = sa.Table(
    "reserve_alarms",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False, index=True),
    _text("kind"),
    _text("subject"),
    _text("detail"),
    sa.Column("ended_at", Moment),
    _text("ended_by"),
    sa.UniqueConstraint("kind", "subject"),
    sqlite_strict=True,
)
ATTESTATIONS: Final = sa.Table(
    "reserve_attestations",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False, index=True),
    _whole("height"),
    _text("state"),
    _text("statement"),
    _text("digest"),
    _text("proofs"),
    sqlite_strict=True,
)
CODES: Final = sa.Table(
    "reserve_codes",
    METADATA,
    sa.Column("person", sa.Text, primary_key=True),
    _text("salt"),
    _text("code"),
    _text("duress"),
    sqlite_strict=True,
)
CODES_GIVEN: Final = sa.Table(
    "reserve_codes_given",
    METADATA,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("about", sa.Text, primary_key=True),
    _text("mark"),
    sqlite_strict=True,
)
"""Which code an official gave for what: HMAC-SHA-256 under the code's own hash."""
