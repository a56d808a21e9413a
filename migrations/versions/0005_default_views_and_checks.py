"""Default views of roles, how often records were written, and indexes of what cannot be right

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CHECKS = {
    ("orders", "payments_differ"): "payment_status = 'paid'",
    ("orders", "delivered_unpaid"): "status = 'delivered' AND (payment_status IN ('pending', 'authorised', 'failed') "
                                    "OR payment_status IS NULL)",
    ("payments", "refunded_too_much"): "refunded_minor > amount_minor",
    ("subscriptions", "customer_trashed"): "status = 'active'",
    ("deliveries", "order_cancelled"): "status IN ('label_made', 'in_transit', 'held_up')",
}
"""The records each check walks, the newest first."""


def upgrade() -> None:
    op.create_table(
        "default_views",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("view_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["view_id"], ["saved_views.id"], name=op.f("fk_default_views_view_id_saved_views"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("role", "resource", name=op.f("pk_default_views")),
    )
    op.create_index(op.f("ix_default_views_view_id"), "default_views", ["view_id"], unique=False)
    op.create_table(
        "generations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_generations")),
    )
    op.create_index("ix_generations_resource", "generations", ["resource"], unique=False)
    for (table, name), among in CHECKS.items():
        asked = sa.text(f"({among}) IS TRUE AND trashed_at IS NULL")
        op.create_index(f"ix_{table}_check_{name}", table, ["id"], unique=False, sqlite_where=asked, postgresql_where=asked)


def downgrade() -> None:
    for table, name in CHECKS:
        op.drop_index(f"ix_{table}_check_{name}", table_name=table)
    op.drop_table("generations")
    op.drop_table("default_views")
