"""Customers: ids, blind links, who stood at a purchase, one-time codes; marks in the vault."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.add_column("vault_records", sa.Column("mark", sa.Text(), nullable=False, server_default=""))
    op.create_table(
        "kiosk_codes",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("purchase", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kiosk_codes")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_kiosk_codes_machine"), "kiosk_codes", ["machine"], unique=False)
    op.create_index(op.f("ix_kiosk_codes_phone"), "kiosk_codes", ["phone"], unique=False)
    op.create_index(op.f("ix_kiosk_codes_purchase"), "kiosk_codes", ["purchase"], unique=False)
    op.create_table(
        "kiosk_customers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("documented_at", sa.BigInteger(), nullable=True),
        sa.Column("merged_into", sa.Text(), nullable=True),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kiosk_customers")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_kiosk_customers_merged_into"), "kiosk_customers", ["merged_into"], unique=False)
    op.create_table(
        "kiosk_buyers",
        sa.Column("purchase", sa.Text(), nullable=False),
        sa.Column("machine", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["kiosk_customers.id"], name=op.f("fk_kiosk_buyers_customer")),
        sa.PrimaryKeyConstraint("purchase", name=op.f("pk_kiosk_buyers")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_kiosk_buyers_customer"), "kiosk_buyers", ["customer"], unique=False)
    op.create_index(op.f("ix_kiosk_buyers_phone"), "kiosk_buyers", ["phone"], unique=False)
    op.create_table(
        "kiosk_customer_links",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("customer", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["customer"], ["kiosk_customers.id"], name=op.f("fk_kiosk_customer_links_customer")),
        sa.PrimaryKeyConstraint("kind", "link", name=op.f("pk_kiosk_customer_links")),
        sqlite_strict=True,
    )
    op.create_index(op.f("ix_kiosk_customer_links_customer"), "kiosk_customer_links", ["customer"], unique=False)
