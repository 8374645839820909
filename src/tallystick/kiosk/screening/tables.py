"""Screening's rows: lists as they were taken in, hits and their history. No customer's name.

A person is the identifier that the vault knows; an entry is public and kept whole.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tallystick.core.columns import text, whole
from tallystick.core.store import METADATA, Moment

LISTS: Final = sa.Table(
    "screening_lists",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("list", index=True),
    text("format"),
    sa.Column("dated", sa.Text),
    text("digest"),
    whole("entries"),
    whole("added"),
    whole("changed"),
    whole("removed"),
    sa.Column("at", Moment, nullable=False),
    text("by"),
    sqlite_strict=True,
)
"""Each time a list was taken in, with the SHA-256 of the file and what it changed."""
ENTRIES: Final = sa.Table(
    "screening_entries",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("key", index=True),
    text("list"),
    text("digest"),
    text("body"),
    sa.Column("since", sa.Text, sa.ForeignKey("screening_lists.id"), nullable=False, index=True),
    sa.Column("until", sa.Text, sa.ForeignKey("screening_lists.id"), index=True),
    sa.Index("ix_screening_entries_in_force", "list", "until"),
    sqlite_strict=True,
)
"""Each entry as it was from one taking-in to another. ``until`` is null while it is in force."""
HITS: Final = sa.Table(
    "screening_hits",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("person", index=True),
    text("entry"),
    text("entry_digest"),
    text("listed"),
    whole("points"),
    text("said"),
    text("state", index=True),
    text("why"),
    sa.Column("at", Moment, nullable=False),
    sa.Column("moved_at", Moment, nullable=False),
    text("proposal"),
    text("decision"),
    sa.UniqueConstraint("person", "entry", "entry_digest"),
    sqlite_strict=True,
)
EVENTS: Final = sa.Table(
    "screening_events",
    METADATA,
    sa.Column("hit", sa.Text, sa.ForeignKey("screening_hits.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    text("kind"),
    text("by"),
    text("content"),
    text("salt"),
    whole("entry"),
    sqlite_strict=True,
)
SCREENED: Final = sa.Table(
    "screening_screened",
    METADATA,
    sa.Column("person", sa.Text, primary_key=True),
    sa.Column("at", Moment, nullable=False),
    text("against"),
    whole("complete"),
    sqlite_strict=True,
)
"""When a person was last screened, against which takings-in, and whether every list was there."""
