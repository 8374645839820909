"""What the log keeps beside the journal's entries: hashes of whole tiles, and signed checkpoints.

Level 0 is the entries' own column; the rows here begin one level up, so that they are one for
65,536 entries. A checkpoint is stored, signed, before anybody sees it, one for each size: no crash
can make two of one size.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tallystick.core.store import METADATA, Moment

TILES: Final = sa.Table(
    "log_tiles",
    METADATA,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
)
CHECKPOINTS: Final = sa.Table(
    "log_checkpoints",
    METADATA,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("published_at", Moment),
    sqlite_strict=True,
)
ANCHORS: Final = sa.Table(
    "log_anchors",
    METADATA,
    sa.Column("txid", sa.Text, primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sqlite_strict=True,
)
"""Transactions that carry a checkpoint into Bitcoin. A replacement has a row of its own."""
KEYS: Final = sa.Table(
    "log_keys",
    METADATA,
    sa.Column("n", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("old", sa.Text, nullable=False),
    sa.Column("new", sa.Text, nullable=False),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("until", Moment, nullable=False),
    sa.Column("proof", sa.Text, nullable=False),
    sqlite_strict=True,
)
"""Each change of the log's key: its entry, what opens it, and once published the proof of it."""
SELF: Final = sa.Table(
    "log_self",
    METADATA,
    sa.Column("one", sa.Integer, primary_key=True),
    sa.Column("vkey", sa.Text, nullable=False),
    sa.Column("tiled", sa.BigInteger, nullable=False),
    sqlite_strict=True,
)
"""The log's name, for ever, with the key that it has now; and how many entries are in `TILES`."""
