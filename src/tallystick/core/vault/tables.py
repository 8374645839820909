"""What the database holds of the vault: sealed bytes, dates and the log of reads; no key, no name.

The keys are files in the vault's own folder, so no copy of the database, however old, opens a
record whose key was destroyed.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from tallystick.core.store import METADATA, Moment

SUBJECTS: Final = sa.Table(
    "vault_subjects",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("erase_asked_at", Moment),
    sa.Column("erased_at", Moment),
    sqlite_strict=True,
)

RECORDS: Final = sa.Table(
    "vault_records",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, sa.ForeignKey("vault_subjects.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("keep_until", sa.Text),
    sa.Column("basis", sa.Text, nullable=False),
    sa.Column("mark", sa.Text, nullable=False),
    sa.Column("nonce", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("salt", sa.Text, nullable=False),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sa.Index("ix_vault_records_subject", "subject"),
    sa.Index("ix_vault_records_keep_until", "keep_until"),
    sqlite_strict=True,
)

ACCESSES: Final = sa.Table(
    "vault_accesses",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("subject", sa.Text, sa.ForeignKey("vault_subjects.id"), nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("nonce", sa.LargeBinary, nullable=False),
    sa.Column("why", sa.LargeBinary, nullable=False),
    sa.Column("entry", sa.BigInteger, nullable=False),
    sa.Index("ix_vault_accesses_subject", "subject"),
    sqlite_strict=True,
)
