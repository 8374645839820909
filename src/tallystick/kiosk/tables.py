"""The kiosk programme's rows. Money in minor units, coins in satoshis, moments in UTC."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.store import METADATA, Moment


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **more)


def _whole(name: str, **more: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, **more)


SLIP_MISSES: Final = sa.Table(
    "kiosk_slip_misses",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("machine"),
    sa.Column("at", Moment, nullable=False),
    sa.Index("ix_kiosk_slip_misses_machine", "machine", "at"),
    sqlite_strict=True,
)
"""Wrong numbers of papers, typed at a machine: so that nobody tries many."""
PURCHASES: Final = sa.Table(
    "kiosk_purchases",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("reference", unique=True),
    _text("machine"),
    _text("state", index=True),
    _text("jurisdiction"),
    _text("currency"),
    _text("address", index=True),
    _text("language"),
    sa.Column("made_at", Moment, nullable=False, index=True),
    sa.Column("moved_at", Moment, nullable=False),
    _text("quote"),
    _whole("quote_number"),
    sa.Column("quote_expires_at", Moment, nullable=False),
    _whole("price_minor"),
    _whole("fee_bp"),
    _whole("fee_min_minor"),
    _whole("purchase_min_minor"),
    _whole("notes"),
    _whole("cash_minor"),
    _whole("fee_minor"),
    _whole("worth_minor"),
    _whole("sats"),
    _text("salt"),
    _text("commitment"),
    _text("zone", server_default=""),
    sa.CheckConstraint("cash_minor = fee_minor + worth_minor", name="sums"),
    sqlite_strict=True,
)
QUOTES: Final = sa.Table(
    "kiosk_quotes",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("purchase", sa.Text, sa.ForeignKey("kiosk_purchases.id"), nullable=False),
    _whole("number"),
    _text("body"),
    sa.UniqueConstraint("purchase", "number"),
    sqlite_strict=True,
)
NOTES: Final = sa.Table(
    "kiosk_notes",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("purchase", sa.Text, sa.ForeignKey("kiosk_purchases.id"), nullable=False),
    _text("machine", index=True),
    _whole("seq"),
    _whole("minor"),
    _text("currency"),
    _text("state"),
    _text("answer"),
    _text("box"),
    _text("quote"),
    sa.Column("asked_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.UniqueConstraint("purchase", "seq"),
    sa.CheckConstraint("minor > 0", name="positive"),
    sqlite_strict=True,
)
EVENTS: Final = sa.Table(
    "kiosk_events",
    METADATA,
    sa.Column("purchase", sa.Text, sa.ForeignKey("kiosk_purchases.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    _text("kind"),
    _text("content"),
    _text("salt"),
    _whole("entry"),
    sqlite_strict=True,
)
PAYMENTS: Final = sa.Table(
    "kiosk_payments",
    METADATA,
    sa.Column("txid", sa.Text, primary_key=True),
    _text("raw"),
    _text("state"),
    _whole("fee_sats"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("sent_at", Moment),
    sa.Column("height", sa.BigInteger),
    _whole("confirmations"),
    sa.Column("replaces", sa.Text, sa.ForeignKey("kiosk_payments.txid"), unique=True),
    sqlite_strict=True,
)
PAYOUTS: Final = sa.Table(
    "kiosk_payouts",
    METADATA,
    sa.Column("purchase", sa.Text, sa.ForeignKey("kiosk_purchases.id"), primary_key=True),
    sa.Column("txid", sa.Text, sa.ForeignKey("kiosk_payments.txid"), nullable=False, index=True),
    _text("address"),
    _whole("sats"),
    sqlite_strict=True,
)
INCIDENTS: Final = sa.Table(
    "kiosk_incidents",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False, index=True),
    _text("machine"),
    _text("purchase"),
    _text("kind"),
    _text("detail"),
    sqlite_strict=True,
)
BLOCKED: Final = sa.Table(
    "kiosk_blocked",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("address", index=True),
    _text("list"),
    _text("reason"),
    _text("by"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("until", Moment),
    sa.Column("lifted_at", Moment),
    _text("lifted_by"),
    sqlite_strict=True,
)
STATUS: Final = sa.Table(
    "kiosk_status",
    METADATA,
    sa.Column("machine", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    _text("state"),
    _text("validator"),
    _whole("box_notes"),
    _whole("box_minor"),
    _text("currency"),
    _text("software"),
    _text("trouble"),
    sqlite_strict=True,
)
WALLET: Final = sa.Table(
    "kiosk_wallet",
    METADATA,
    sa.Column("one", sa.Integer, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    _whole("confirmed_sats"),
    _whole("pending_sats"),
    _whole("height"),
    sqlite_strict=True,
)
