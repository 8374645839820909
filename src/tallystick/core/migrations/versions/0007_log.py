"""The journal becomes a Merkle log: its entries are hashed as leaves, the head keeps the edge."""

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROWS = 1_000


def upgrade() -> None:
    """Make the new tables, move what was appended so far, and drop the chain."""
    entries = op.create_table(
        "log_entries",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("programme", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("commitment", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_log_entries")),
        sqlite_strict=True,
    )
    head = op.create_table(
        "log_head",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("edge", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_log_head")),
        sqlite_strict=True,
    )
    _more_tables()
    size, edge = _move(entries)
    if size:
        op.get_bind().execute(head.insert().values(one=1, seq=size, edge=b"".join(edge)))
    op.create_index(op.f("ix_log_entries_commitment"), "log_entries", ["commitment"])
    op.drop_table("journal_entries")
    op.drop_table("journal_head")


def _more_tables() -> None:
    op.create_table(
        "log_tiles",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "n", name=op.f("pk_log_tiles")),
        sqlite_strict=True,
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("published_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoints")),
        sqlite_strict=True,
    )
    op.create_table(
        "log_self",
        sa.Column("one", sa.Integer(), nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("tiled", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_log_self")),
        sqlite_strict=True,
    )


def _move(entries: sa.Table) -> tuple[int, list[bytes]]:
    """Copy the entries with their leaf hashes; return their number and the tree's right edge."""
    tx, size = op.get_bind(), 0
    edge: list[bytes] = []
    query = "SELECT seq, programme, kind, day, commitment FROM journal_entries WHERE seq > :after"
    while True:
        bound = {"after": size, "rows": ROWS}
        found = tx.execute(sa.text(f"{query} ORDER BY seq LIMIT :rows"), bound).mappings().all()
        if not found:
            return size, edge
        rows = []
        for row in found:
            public = {key: row[key] for key in ("programme", "kind", "day", "commitment")}
            text = json.dumps(public, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            leaf = hash = hashlib.sha256(b"\0" + text.encode()).digest()
            rows.append({**row, "hash": leaf})
            position = size
            while position & 1:
                hash = hashlib.sha256(b"\1" + edge.pop() + hash).digest()
                position >>= 1
            edge.append(hash)
            size += 1
        tx.execute(entries.insert(), rows)
