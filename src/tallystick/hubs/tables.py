"""The rows of the hubs programme: claims on agreements and countries, cases, their history.

Nothing here names a person or says what is known of one: that is sealed under the person's own
key (`core.vault`), and ends with it. States, hosts and moments are plain, for the monitor's
alarms and for statistics.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tallystick.core.columns import text, whole
from tallystick.core.store import METADATA, Moment

AGREEMENTS: Final = sa.Table(
    "hubs_agreements",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("sender", index=True),
    text("country", index=True),
    text("name"),
    sa.Column("made_at", Moment, nullable=False),
    sqlite_strict=True,
)
CLAIMS: Final = sa.Table(
    "hubs_claims",
    METADATA,
    sa.Column("about", sa.Text, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    text("name"),
    text("value"),
    text("source"),
    text("on_day"),
    sa.Column("until_day", sa.Text),
    sa.Column("at", Moment, nullable=False),
    text("by"),
    text("salt"),
    whole("entry"),
    sqlite_strict=True,
)
CASES: Final = sa.Table(
    "hubs_cases",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("reference", unique=True),
    text("state", index=True),
    text("sender"),
    text("host", index=True),
    text("person", unique=True),
    text("identity"),
    text("caseworker", index=True),
    text("lawyer", index=True),
    text("proposal"),
    text("digest"),
    sa.Column("opened_at", Moment, nullable=False),
    sa.Column("moved_at", Moment, nullable=False),
    sa.Column("planned_on", sa.Text),
    sa.Column("transferred_on", sa.Text),
    sa.Column("leave_by", sa.Text),
    sqlite_strict=True,
)
EVENTS: Final = sa.Table(
    "hubs_events",
    METADATA,
    sa.Column("case", sa.Text, sa.ForeignKey("hubs_cases.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False, index=True),
    text("kind", index=True),
    text("before"),
    text("after"),
    text("by"),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    text("commitment"),
    whole("entry"),
    sqlite_strict=True,
)
FACTS: Final = sa.Table(
    "hubs_facts",
    METADATA,
    sa.Column("case", sa.Text, sa.ForeignKey("hubs_cases.id"), primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
)
ALARMS: Final = sa.Table(
    "hubs_alarms",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    text("case", index=True),
    text("kind", index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("seen_at", Moment),
    text("seen_by"),
    sqlite_strict=True,
)
PAPERS: Final = sa.Table(
    "hubs_papers",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("case", sa.Text, sa.ForeignKey("hubs_cases.id"), nullable=False, index=True),
    text("state", index=True),
    sa.Column("begun_at", Moment, nullable=False),
    sa.Column("moved_at", Moment, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
)
