"""Reports as they were drafted and filed, and each step with its commitment in the journal."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.store import METADATA, Moment


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **more)


REPORTS: Final = sa.Table(
    "kiosk_reports",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("kind", index=True),
    _text("state"),
    _text("person"),
    _text("first_day"),
    _text("last_day"),
    _text("due", index=True),
    _text("body"),
    _text("digest"),
    _text("narrative"),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("moved_at", Moment, nullable=False),
    _text("made_by"),
    _text("proposal"),
    sa.Column("filed_at", Moment),
    _text("number"),
    sa.Column("corrects", sa.Text, sa.ForeignKey("kiosk_reports.id")),
    sqlite_strict=True,
)
REPORT_EVENTS: Final = sa.Table(
    "kiosk_report_events",
    METADATA,
    sa.Column("report", sa.Text, sa.ForeignKey("kiosk_reports.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    _text("kind"),
    _text("by"),
    _text("content"),
    _text("salt"),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sqlite_strict=True,
)
REPORT_READS: Final = sa.Table(
    "kiosk_report_reads",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    _text("by"),
    _text("what", index=True),
    _text("how"),
    _text("salt"),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sqlite_strict=True,
)
