"""The scam desk's rows: interventions and what followed, trials, appeals, claims.

Persons and telephones are here only as pseudonyms; names are in the vault. Money in minor units,
moments in UTC.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.store import METADATA, Moment


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **more)


def _whole(name: str, **more: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, **more)


TRIALS: Final = sa.Table(
    "scams_trials",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("arms"),
    _text("outcome"),
    _whole("looks"),
    _whole("looked"),
    _whole("persons_per_arm"),
    _text("reviewed_by"),
    sa.Column("registered_at", Moment, nullable=False),
    sa.Column("stopped_at", Moment),
    _text("stopped_arms"),
    _text("stopped_why"),
    sqlite_strict=True,
)
INTERVENTIONS: Final = sa.Table(
    "scams_interventions",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("purchase", unique=True),
    _text("person", index=True),
    _text("phone", index=True),
    _text("machine"),
    _text("address", index=True),
    sa.Column("at", Moment, nullable=False, index=True),
    _text("currency"),
    _text("mode"),
    _text("language"),
    _text("trial", index=True),
    _text("arm"),
    _text("seed"),
    _text("policy"),
    _whole("floor_first"),
    _whole("floor"),
    _whole("raised"),
    _whole("step"),
    _text("script"),
    _text("signals"),
    _text("wording"),
    _text("answers"),
    _text("timings"),
    _whole("limit_minor"),
    _whole("in_minor"),
    _whole("held_minor"),
    _whole("sent_minor"),
    _whole("returned_minor"),
    _text("outcome"),
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
    _text("kind"),
    _whole("minor"),
    _text("detail"),
    sa.UniqueConstraint("intervention", "kind", "detail"),
    sqlite_strict=True,
)
APPEALS: Final = sa.Table(
    "scams_appeals",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("address", index=True),
    _text("list"),
    _text("listed_by"),
    _text("why"),
    _text("by"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("decided_at", Moment),
    _text("decided_by"),
    _text("decision"),
    _text("reasons"),
    sqlite_strict=True,
)
CLAIMS: Final = sa.Table(
    "scams_claims",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("reference", unique=True),
    _text("state", index=True),
    _text("person", index=True),
    _text("jurisdiction"),
    _text("currency"),
    _text("form"),
    _text("duty"),
    sa.Column("filed_at", Moment, nullable=False),
    sa.Column("moved_at", Moment, nullable=False),
    sa.Column("evidence_by", Moment),
    sa.Column("decide_by", Moment),
    sa.Column("pay_by", Moment),
    _text("decided_by"),
    _text("grounds"),
    _whole("refund_minor"),
    sqlite_strict=True,
)
CLAIM_ITEMS: Final = sa.Table(
    "scams_claim_items",
    METADATA,
    sa.Column("claim", sa.Text, sa.ForeignKey("scams_claims.id"), primary_key=True),
    sa.Column("purchase", sa.Text, sa.ForeignKey("kiosk_purchases.id"), primary_key=True),
    _whole("cash_minor"),
    _whole("fee_minor"),
    _whole("refund_minor"),
    sqlite_strict=True,
)
CLAIM_EVENTS: Final = sa.Table(
    "scams_claim_events",
    METADATA,
    sa.Column("claim", sa.Text, sa.ForeignKey("scams_claims.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    _text("kind"),
    _text("by"),
    _text("content"),
    _text("salt"),
    _whole("entry"),
    sqlite_strict=True,
)
