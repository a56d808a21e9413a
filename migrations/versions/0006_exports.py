"""Exports with a style, and exports kept under a name that may come again by themselves

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "export_definitions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("style", sa.JSON(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("schedule_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("paused_why", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name=op.f("fk_export_definitions_schedule_id_schedules"),
                                ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_definitions")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_export_definitions_name", "export_definitions", ["owner_id", "name"], unique=True)
    op.create_index("ix_export_definitions_is_shared", "export_definitions", ["is_shared"], unique=False)
    op.add_column("exports", sa.Column("style", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("exports", sa.Column("scopes", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    op.add_column("exports", sa.Column("definition_id", sa.BigInteger(), nullable=True))
    op.add_column("exports", sa.Column("mail_to", sa.BigInteger(), nullable=True))
    op.create_index("ix_exports_definition_id", "exports", ["definition_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_exports_definition_id", table_name="exports")
    for name in ("mail_to", "definition_id", "scopes", "style"):
        op.drop_column("exports", name)
    op.drop_table("export_definitions")
