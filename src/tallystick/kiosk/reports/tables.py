"""Reports as they were drafted and filed, and each step with its commitment in the journal."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tallystick.core.columns import text
from tallystick.core.store import METADATA, Moment

REPORTS: Final = sa.Table(
    "kiosk_reports",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("kind", index=True),
    text("state"),
    text("person"),
    text("first_day"),
    text("last_day"),
    text("due", index=True),
    text("body"),
    text("digest"),
    text("narrative"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("moved_at", Moment, nullable=False),
    text("made_by"),
    text("proposal"),
    sa.Column("filed_at", Moment),
    text("number"),
    sa.Column("corrects", sa.Text, sa.ForeignKey("kiosk_reports.id")),
    sqlite_strict=True,
)
REPORT_EVENTS: Final = sa.Table(
    "kiosk_report_events",
    METADATA,
    sa.Column("report", sa.Text, sa.ForeignKey("kiosk_reports.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    text("kind"),
    text("by"),
    text("content"),
    text("salt"),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sqlite_strict=True,
)
REPORT_READS: Final = sa.Table(
    "kiosk_report_reads",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    text("by"),
    text("what", index=True),
    text("how"),
    text("salt"),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sqlite_strict=True,
)
