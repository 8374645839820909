"""The scam desk's rows: interventions and what followed, trials, appeals, claims.

Persons and telephones are here only as pseudonyms; names are in the vault. Money in minor units,
moments in UTC.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tallystick.core.columns import text, whole
from tallystick.core.store import METADATA, Moment

TRIALS: Final = sa.Table(
    "scams_trials",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("arms"),
    text("outcome"),
    whole("looks"),
    whole("looked"),
    whole("persons_per_arm"),
    text("reviewed_by"),
    sa.Column("registered_at", Moment, nullable=False),
    sa.Column("stopped_at", Moment),
    text("stopped_arms"),
    text("stopped_why"),
    sqlite_strict=True,
)
INTERVENTIONS: Final = sa.Table(
    "scams_interventions",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("purchase", unique=True),
    text("person", index=True),
    text("phone", index=True),
    text("machine"),
    text("address", index=True),
    sa.Column("at", Moment, nullable=False, index=True),
    text("currency"),
    text("mode"),
    text("language"),
    text("trial", index=True),
    text("arm"),
    text("seed"),
    text("policy"),
    whole("floor_first"),
    whole("floor"),
    whole("raised"),
    whole("step"),
    text("script"),
    text("signals"),
    text("wording"),
    text("answers"),
    text("timings"),
    whole("limit_minor"),
    whole("in_minor"),
    whole("held_minor"),
    whole("sent_minor"),
    whole("returned_minor"),
    text("outcome"),
    sa.Column("ended_at", Moment),
    sqlite_strict=True,
)
AFTER: Final = sa.Table(
    "scams_after",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column(
        "intervention", sa.Text, sa.ForeignKey("scams_interventions.id"), nullable=False, index=True
    ),
    sa.Column("at", Moment, nullable=False),
    text("kind"),
    whole("minor"),
    text("detail"),
    sa.UniqueConstraint("intervention", "kind", "detail"),
    sqlite_strict=True,
)
APPEALS: Final = sa.Table(
    "scams_appeals",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("address", index=True),
    text("list"),
    text("listed_by"),
    text("why"),
    text("by"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("decided_at", Moment),
    text("decided_by"),
    text("decision"),
    text("reasons"),
    sqlite_strict=True,
)
CLAIMS: Final = sa.Table(
    "scams_claims",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("reference", unique=True),
    text("state", index=True),
    text("person", index=True),
    text("jurisdiction"),
    text("currency"),
    text("form"),
    text("duty"),
    sa.Column("filed_at", Moment, nullable=False),
    sa.Column("moved_at", Moment, nullable=False),
    sa.Column("evidence_by", Moment),
    sa.Column("decide_by", Moment),
    sa.Column("pay_by", Moment),
    text("decided_by"),
    text("grounds"),
    whole("refund_minor"),
    sqlite_strict=True,
)
CLAIM_ITEMS: Final = sa.Table(
    "scams_claim_items",
    METADATA,
    sa.Column("claim", sa.Text, sa.ForeignKey("scams_claims.id"), primary_key=True),
    sa.Column("purchase", sa.Text, sa.ForeignKey("kiosk_purchases.id"), primary_key=True),
    whole("cash_minor"),
    whole("fee_minor"),
    whole("refund_minor"),
    sqlite_strict=True,
)
CLAIM_EVENTS: Final = sa.Table(
    "scams_claim_events",
    METADATA,
    sa.Column("claim", sa.Text, sa.ForeignKey("scams_claims.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    text("kind"),
    text("by"),
    text("content"),
    text("salt"),
    whole("entry"),
    sqlite_strict=True,
)
