"""Imports: what columns mean in detail, kept under a name; values that are mended and missing records made

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("imports", sa.Column("rules", sa.JSON(), nullable=False, server_default=sa.text("'{}'")))
    op.create_table(
        "import_mappings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_mappings")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_import_mappings_name", "import_mappings", ["resource", "name"], unique=True)
    op.add_column("batches", sa.Column("is_again", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("batch_rows", sa.Column("edition", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("batch_rows", sa.Column("is_left", sa.Boolean(), nullable=True))
    op.add_column("batch_rows", sa.Column("mended_by", sa.Text(), nullable=True))


def downgrade() -> None:
    for name in ("mended_by", "is_left", "edition"):
        op.drop_column("batch_rows", name)
    op.drop_column("batches", "is_again")
    op.drop_table("import_mappings")
    op.drop_column("imports", "rules")
