"""The eight tables of identity, and one for questions put to passkeys.

No secret is stored: tokens, session cookies and challenges are kept as SHA-256, keys are public
ones. A row is ended, not deleted, wherever somebody may later ask who could do what, and when.
"""

from __future__ import annotations

import hashlib
from typing import Final

import sqlalchemy as sa

from tallystick.core.store import METADATA, Moment

MACHINES: Final = sa.Table(
    "machines",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("day_cap_minor", sa.BigInteger, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("revoked_at", Moment),
    sa.Column("revoked_why", sa.Text, nullable=False),
    sqlite_strict=True,
)

MACHINE_KEYS: Final = sa.Table(
    "machine_keys",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("machine", sa.Text, sa.ForeignKey("machines.id"), nullable=False),
    sa.Column("public_key", sa.Text, nullable=False, unique=True),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("ends_at", Moment),
    sa.Index("ix_machine_keys_machine", "machine"),
    sqlite_strict=True,
)

PAIRING_TOKENS: Final = sa.Table(
    "pairing_tokens",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("day_cap_minor", sa.BigInteger, nullable=False),
    sa.Column("machine", sa.Text, sa.ForeignKey("machines.id")),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
    sa.Column("used_by", sa.Text),
    sqlite_strict=True,
)

MACHINE_NONCES: Final = sa.Table(
    "machine_nonces",
    METADATA,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("nonce", sa.Text, primary_key=True),
    sa.Column("created", Moment, nullable=False),
    sa.Index("ix_machine_nonces_created", "created"),
    sqlite_strict=True,
)

PEOPLE: Final = sa.Table(
    "people",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", Moment, nullable=False),
    sa.Column("removed_at", Moment),
    sa.Column("removed_why", sa.Text, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failures_since", Moment),
    sqlite_strict=True,
)

PASSKEYS: Final = sa.Table(
    "passkeys",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("public_key", sa.Text, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("label", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
    sa.Column("suspect_at", Moment),
    sa.Column("removed_at", Moment),
    sa.Index("ix_passkeys_person", "person"),
    sqlite_strict=True,
)

INVITES: Final = sa.Table(
    "invites",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("used_at", Moment),
    sa.Index("ix_invites_person", "person"),
    sqlite_strict=True,
)

SIGN_IN_SESSIONS: Final = sa.Table(
    "sign_in_sessions",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("person", sa.Text, sa.ForeignKey("people.id"), nullable=False),
    sa.Column("passkey", sa.Text, sa.ForeignKey("passkeys.id"), nullable=False),
    sa.Column("made_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Column("ended_at", Moment),
    sa.Column("ended_why", sa.Text, nullable=False),
    sa.Index("ix_sign_in_sessions_person", "person"),
    sqlite_strict=True,
)

PASSKEY_CHALLENGES: Final = sa.Table(
    "passkey_challenges",
    METADATA,
    sa.Column("digest", sa.Text, primary_key=True),
    sa.Column("challenge", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("person", sa.Text),
    sa.Column("expires_at", Moment, nullable=False),
    sa.Index("ix_passkey_challenges_expires_at", "expires_at"),
    sqlite_strict=True,
)


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a secret of 32 random bytes: what a table may hold of it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
