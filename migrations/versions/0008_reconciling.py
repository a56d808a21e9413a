"""What a provider has beside what we have

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

REVIEW = sa.text("stage = 'review'")
SOUGHT = ("op", None), ("provider", None), ("error", "error"), ("key", "idempotency_key"), ("request_id", "request_id")


def upgrade() -> None:
    op.create_table(
        "syncs",
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("listed", sa.Integer(), nullable=False),
        sa.Column("unkept", sa.Integer(), nullable=False),
        sa.Column("asked_to", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("unasked", sa.Boolean(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by_kind", sa.Text(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["batch_id"], ["batches.id"], name=op.f("fk_syncs_batch_id_batches")),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_syncs_connection_id_connections")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_syncs")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_syncs_connection", "syncs", ["connection_id", "listing", "id"])
    op.create_index("ix_syncs_review", "syncs", ["id"], sqlite_where=REVIEW, postgresql_where=REVIEW)
    for name, given in SOUGHT:       # the filters of the log of calls; `given`: what most calls lack
        where = sa.text(f"{given} IS NOT NULL") if given else None
        op.create_index(f"ix_calls_{name}", "calls", [given or name, "id"], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, _ in SOUGHT:
        op.drop_index(f"ix_calls_{name}", "calls")
    op.drop_table("syncs")
