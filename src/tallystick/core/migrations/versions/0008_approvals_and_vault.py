"""Approvals by enough people, roles of programmes, and the vault."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "vault_subjects",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("erase_asked_at", sa.BigInteger(), nullable=True),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_subjects")),
        sqlite_strict=True,
    )
    op.create_table(
        "approvals_proposals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("maker", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["maker"], ["people.id"], name=op.f("fk_approvals_proposals_maker")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approvals_proposals")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_approvals_proposals_stage"), "approvals_proposals", ["stage", "maker"], unique=False)
    op.create_index(op.f("ix_approvals_proposals_subject"), "approvals_proposals", ["subject"], unique=False)
    op.create_table(
        "role_grants",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_by", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_role_grants_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grants")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_role_grants_person"), "role_grants", ["person"], unique=False)
    op.create_index(op.f("ix_role_grants_role"), "role_grants", ["role"], unique=False)
    op.create_table(
        "vault_accesses",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("why", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["subject"], ["vault_subjects.id"], name=op.f("fk_vault_accesses_subject")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_accesses")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_vault_accesses_subject"), "vault_accesses", ["subject"], unique=False)
    op.create_table(
        "vault_records",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("keep_until", sa.Text(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["subject"], ["vault_subjects.id"], name=op.f("fk_vault_records_subject")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vault_records")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_vault_records_keep_until"), "vault_records", ["keep_until"], unique=False)
    op.create_index(op.f("ix_vault_records_subject"), "vault_records", ["subject"], unique=False)
    op.create_table(
        "approvals_given",
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["proposal"], ["approvals_proposals.id"], name=op.f("fk_approvals_given_proposal")),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name=op.f("fk_approvals_given_person")),
        sa.PrimaryKeyConstraint("proposal", "person", name=op.f("pk_approvals_given")),
        sqlite_strict=True,
    )
    op.create_table(
        "approvals_steps",
        sa.Column("proposal", sa.Text(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["proposal"], ["approvals_proposals.id"], name=op.f("fk_approvals_steps_proposal")),
        sa.PrimaryKeyConstraint("proposal", "entry", name=op.f("pk_approvals_steps")),
        sqlite_strict=True,
    )
