"""Customers as the books know them: ids, blind links and what was shown, and nobody's name.

A link is HMAC-SHA256 of a number or a document under a key outside the database (`core/vault`);
it outlives an erasure, so that limits still hold, and says nothing without that key.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tallystick.core.store import METADATA, Moment

CUSTOMERS: Final = sa.Table(
    "kiosk_customers",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("documented_at", Moment),
    sa.Column("merged_into", sa.Text),
    sa.Column("erased_at", Moment),
    sa.Index("ix_kiosk_customers_merged_into", "merged_into"),
    sqlite_strict=True,
)
LINKS: Final = sa.Table(
    "kiosk_customer_links",
    METADATA,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("link", sa.Text, primary_key=True),
    sa.Column("customer", sa.Text, sa.ForeignKey("kiosk_customers.id"), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Index("ix_kiosk_customer_links_customer", "customer"),
    sqlite_strict=True,
)
BUYERS: Final = sa.Table(
    "kiosk_buyers",
    METADATA,
    sa.Column("purchase", sa.Text, primary_key=True),
    sa.Column("machine", sa.Text, nullable=False),
    sa.Column("customer", sa.Text, sa.ForeignKey("kiosk_customers.id")),
    sa.Column("phone", sa.Text, nullable=False),
    sa.Column("shown", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Index("ix_kiosk_buyers_customer", "customer"),
    sa.Index("ix_kiosk_buyers_phone", "phone"),
    sa.Index("ix_kiosk_buyers_machine_made_at", "machine", "made_at"),
    sqlite_strict=True,
)
RESTS: Final = sa.Table(
    "kiosk_rests",
    METADATA,
    sa.Column("purchase", sa.Text, primary_key=True),
    sa.Column("item", sa.Text, primary_key=True),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("again", sa.BigInteger, nullable=False),
    sa.Index("ix_kiosk_rests_record", "record"),
    sqlite_strict=True,
)
SWEEPS: Final = sa.Table(
    "kiosk_sweeps",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("people", sa.BigInteger, nullable=False),
    sa.Column("links", sa.BigInteger, nullable=False),
    sa.Column("trouble", sa.Text, nullable=False),
    sqlite_strict=True,
)
CODES: Final = sa.Table(
    "kiosk_codes",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("purchase", sa.Text, nullable=False),
    sa.Column("machine", sa.Text, nullable=False),
    sa.Column("phone", sa.Text, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("tries", sa.BigInteger, nullable=False),
    sa.Column("used_at", Moment),
    sa.Index("ix_kiosk_codes_phone", "phone"),
    sa.Index("ix_kiosk_codes_machine", "machine"),
    sa.Index("ix_kiosk_codes_purchase", "purchase"),
    sqlite_strict=True,
)
