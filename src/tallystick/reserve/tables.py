"""The reserve's rows: charter, lots, coins, movements, alarms, proofs. Sums in satoshis."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tallystick.core.columns import text, whole
from tallystick.core.store import METADATA, Moment

CHARTER: Final = sa.Table(
    "reserve_charter",
    METADATA,
    sa.Column("one", sa.Integer, primary_key=True),
    text("mandate"),
    text("name"),
    text("since"),
    text("by"),
    text("source"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("frozen_at", Moment),
    text("frozen_by"),
    text("frozen_why"),
    sa.Column("tell_at", Moment),
    sqlite_strict=True,
)
LOTS: Final = sa.Table(
    "reserve_lots",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("ledger"),
    text("origin"),
    text("kind"),
    text("deposited"),
    whole("sats"),
    text("txid"),
    whole("vout"),
    sa.Column("at", Moment, nullable=False),
    text("by"),
    sa.CheckConstraint("sats > 0", name="positive"),
    sqlite_strict=True,
)
VAULT_LEDGERS: Final = sa.Table(
    "reserve_vault_ledgers",
    METADATA,
    sa.Column("vault", sa.Text, primary_key=True),
    text("ledger"),
    sqlite_strict=True,
)
"""The ledger to which all coins of a vault belong, for good."""
COINS: Final = sa.Table(
    "reserve_coins",
    METADATA,
    sa.Column("txid", sa.Text, primary_key=True),
    sa.Column("vout", sa.BigInteger, primary_key=True, autoincrement=False),
    text("vault", index=True),
    text("ledger"),
    text("address", index=True),
    text("keychain"),
    whole("place"),
    whole("sats"),
    whole("height"),
    text("day"),
    sa.Column("at", Moment, nullable=False),
    text("spent_by"),
    whole("spent_height"),
    sqlite_strict=True,
)
PARCELS: Final = sa.Table(
    "reserve_parcels",
    METADATA,
    sa.Column("txid", sa.Text, primary_key=True),
    sa.Column("vout", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    text("lot", index=True),
    whole("sats"),
    sa.CheckConstraint("sats > 0", name="positive"),
    sqlite_strict=True,
)
MOVEMENTS: Final = sa.Table(
    "reserve_movements",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("reference", unique=True),
    text("act"),
    text("vault", index=True),
    text("ledger"),
    text("state", index=True),
    whole("sats"),
    whole("fee_sats"),
    whole("fee_sats_max"),
    text("plan"),
    text("digest"),
    text("verdict"),
    text("why"),
    text("maker"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("moved_at", Moment, nullable=False, index=True),
    sa.Column("ready_at", Moment),
    sa.Column("expires_at", Moment),
    text("proposal"),
    text("settled_on"),
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
    text("psbt"),
    sqlite_strict=True,
)
PAYMENTS: Final = sa.Table(
    "reserve_payments",
    METADATA,
    sa.Column("txid", sa.Text, primary_key=True),
    sa.Column("movement", sa.Text, sa.ForeignKey("reserve_movements.id"), nullable=False),
    text("which"),
    text("raw"),
    text("state"),
    whole("fee_sats"),
    sa.Column("made_at", Moment, nullable=False),
    whole("height"),
    sqlite_strict=True,
)
EVENTS: Final = sa.Table(
    "reserve_events",
    METADATA,
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False, index=True),
    text("kind"),
    text("content"),
    text("salt"),
    whole("entry"),
    sqlite_strict=True,
)
ALARMS: Final = sa.Table(
    "reserve_alarms",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False, index=True),
    text("kind"),
    text("subject"),
    text("detail"),
    sa.Column("ended_at", Moment),
    text("ended_by"),
    sa.UniqueConstraint("kind", "subject"),
    sqlite_strict=True,
)
ATTESTATIONS: Final = sa.Table(
    "reserve_attestations",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False, index=True),
    whole("height"),
    text("state"),
    text("statement"),
    text("digest"),
    text("proofs"),
    sqlite_strict=True,
)
CODES: Final = sa.Table(
    "reserve_codes",
    METADATA,
    sa.Column("person", sa.Text, primary_key=True),
    text("salt"),
    text("code"),
    text("duress"),
    sqlite_strict=True,
)
CODES_GIVEN: Final = sa.Table(
    "reserve_codes_given",
    METADATA,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("about", sa.Text, primary_key=True),
    text("mark"),
    sqlite_strict=True,
)
"""Which code an official gave for what: HMAC-SHA-256 under the code's own hash."""
