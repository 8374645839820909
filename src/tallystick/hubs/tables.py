"""The rows of the hubs programme: claims on agreements and countries, cases, their history.

Nothing here names a person or says what is known of one: that is sealed under the person's own
key (`core.vault`), and ends with it. States, hosts and moments are plain, for the monitor's
alarms and for statistics.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from tallystick.core.store import METADATA, Moment


def _text(name: str, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, **more)


def _whole(name: str, **more: Any) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False, **more)


AGREEMENTS: Final = sa.Table(
    "hubs_agreements",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("sender", index=True),
    _text("country", index=True),
    _text("name"),
    sa.Column("made_at", Moment, nullable=False),
    sqlite_strict=True,
)
CLAIMS: Final = sa.Table(
    "hubs_claims",
    METADATA,
    sa.Column("about", sa.Text, primary_key=True),
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    _text("name"),
    _text("value"),
    _text("source"),
    _text("on_day"),
    sa.Column("until_day", sa.Text),
    sa.Column("at", Moment, nullable=False),
    _text("by"),
    _text("salt"),
    _whole("entry"),
    sqlite_strict=True,
)
CASES: Final = sa.Table(
    "hubs_cases",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    _text("reference", unique=True),
    _text("state", index=True),
    _text("sender"),
    _text("host", index=True),
    _text("person", unique=True),
    _text("identity"),
    _text("caseworker", index=True),
    _text("lawyer", index=True),
    _text("proposal"),
    _text("digest"),
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
    _text("kind", index=True),
    _text("before"),
    _text("after"),
    _text("by"),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    _text("commitment"),
    _whole("entry"),
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
    _text("case", index=True),
    _text("kind", index=True),
    sa.Column("at", Moment, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("seen_at", Moment),
    _text("seen_by"),
    sqlite_strict=True,
)
PAPERS: Final = sa.Table(
    "hubs_papers",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("case", sa.Text, sa.ForeignKey("hubs_cases.id"), nullable=False, index=True),
    _text("state", index=True),
    sa.Column("begun_at", Moment, nullable=False),
    sa.Column("moved_at", Moment, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
)
