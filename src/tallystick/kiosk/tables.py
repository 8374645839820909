"""The kiosk programme's rows. Money in minor units, coins in satoshis, moments in UTC."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tallystick.core.columns import text, whole
from tallystick.core.store import METADATA, Moment

SLIP_MISSES: Final = sa.Table(
    "kiosk_slip_misses",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("machine"),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_kiosk_slip_misses_machine", "machine", "at"),
    sqlite_strict=True,
)
"""Wrong numbers of papers, typed at a machine: so that nobody tries many."""
PURCHASES: Final = sa.Table(
    "kiosk_purchases",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("reference", unique=True),
    text("machine"),
    text("state", index=True),
    text("jurisdiction"),
    text("currency"),
    text("address", index=True),
    text("language"),
    sa.Column("made_at", Moment, nullable=False, index=True),
    sa.Column("moved_at", Moment, nullable=False),
    text("quote"),
    whole("quote_number"),
    sa.Column("quote_expires_at", Moment, nullable=False),
    whole("price_minor"),
    whole("fee_bp"),
    whole("fee_min_minor"),
    whole("purchase_min_minor"),
    whole("notes"),
    whole("cash_minor"),
    whole("fee_minor"),
    whole("worth_minor"),
    whole("sats"),
    text("salt"),
    text("commitment"),
    text("zone", server_default=""),
    sa.CheckConstraint("cash_minor = fee_minor + worth_minor", name="sums"),
    sqlite_strict=True,
)
QUOTES: Final = sa.Table(
    "kiosk_quotes",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("purchase", sa.Text, sa.ForeignKey("kiosk_purchases.id"), nullable=False),
    whole("number"),
    text("body"),
    sa.UniqueConstraint("purchase", "number"),
    sqlite_strict=True,
)
NOTES: Final = sa.Table(
    "kiosk_notes",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("purchase", sa.Text, sa.ForeignKey("kiosk_purchases.id"), nullable=False),
    text("machine"),
    whole("seq"),
    whole("minor"),
    text("currency"),
    text("state"),
    text("answer"),
    text("box"),
    text("quote"),
    sa.Column("asked_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.UniqueConstraint("purchase", "seq"),
    sa.Index("ix_kiosk_notes_machine", "machine", "asked_at"),
    sa.CheckConstraint("minor > 0", name="positive"),
    sqlite_strict=True,
)
EVENTS: Final = sa.Table(
    "kiosk_events",
    METADATA,
    sa.Column("purchase", sa.Text, sa.ForeignKey("kiosk_purchases.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    text("kind"),
    text("content"),
    text("salt"),
    whole("entry"),
    sqlite_strict=True,
)
PAYMENTS: Final = sa.Table(
    "kiosk_payments",
    METADATA,
    sa.Column("txid", sa.Text, primary_key=True),
    text("raw"),
    text("state"),
    whole("fee_sats"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("sent_at", Moment),
    sa.Column("height", sa.BigInteger),
    whole("confirmations"),
    sa.Column("replaces", sa.Text, sa.ForeignKey("kiosk_payments.txid"), unique=True),
    sqlite_strict=True,
)
PAYOUTS: Final = sa.Table(
    "kiosk_payouts",
    METADATA,
    sa.Column("purchase", sa.Text, sa.ForeignKey("kiosk_purchases.id"), primary_key=True),
    sa.Column("txid", sa.Text, sa.ForeignKey("kiosk_payments.txid"), nullable=False, index=True),
    text("address"),
    whole("sats"),
    sqlite_strict=True,
)
INCIDENTS: Final = sa.Table(
    "kiosk_incidents",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False, index=True),
    text("machine"),
    text("purchase"),
    text("kind"),
    text("detail"),
    sqlite_strict=True,
)
BLOCKED: Final = sa.Table(
    "kiosk_blocked",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("address", index=True),
    text("list"),
    text("reason"),
    text("by"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("until", Moment),
    sa.Column("lifted_at", Moment),
    text("lifted_by"),
    sqlite_strict=True,
)
STATUS: Final = sa.Table(
    "kiosk_status",
    METADATA,
    sa.Column("machine", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    text("state"),
    text("validator"),
    whole("box_notes"),
    whole("box_minor"),
    text("currency"),
    text("software"),
    text("trouble"),
    sqlite_strict=True,
)
WALLET: Final = sa.Table(
    "kiosk_wallet",
    METADATA,
    sa.Column("one", sa.Integer, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    whole("confirmed_sats"),
    whole("pending_sats"),
    whole("height"),
    sqlite_strict=True,
)
