"""What endpoints allow, how they stand and what was tried

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


KEPT = sa.text("body_id IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("account", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("is_strict", sa.Boolean(), server_default=sa.text("false"), nullable=False))
        batch_op.add_column(sa.Column("wants_latest", sa.Boolean(), server_default=sa.text("false"), nullable=False))
        batch_op.create_index("ix_webhook_events_received_at", ["received_at"], unique=False)

    with op.batch_alter_table("webhook_receipts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hint", sa.Text(), nullable=True))
        batch_op.create_index("ix_webhook_receipts_body_id", ["body_id"], unique=False, sqlite_where=KEPT, postgresql_where=KEPT)

    op.add_column("customers", sa.Column("mail_status", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True))
    op.create_index("ix_customers_mail_status_id", "customers", ["mail_status", "id"], unique=False)

    op.create_table(
        "webhook_hours",
        sa.Column("endpoint_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("events", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["endpoint_id"], ["webhook_endpoints.id"],
                                name=op.f("fk_webhook_hours_endpoint_id_webhook_endpoints")),
        sa.PrimaryKeyConstraint("endpoint_id", "began_at", name=op.f("pk_webhook_hours")),
    )


def downgrade() -> None:
    op.drop_table("webhook_hours")
    op.drop_index("ix_customers_mail_status_id", table_name="customers")
    op.drop_column("customers", "mail_status")
    with op.batch_alter_table("webhook_receipts", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_receipts_body_id", sqlite_where=KEPT, postgresql_where=KEPT)
        batch_op.drop_column("hint")

    with op.batch_alter_table("webhook_events", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_events_received_at")
        batch_op.drop_column("wants_latest")
        batch_op.drop_column("is_strict")
        batch_op.drop_column("account")
