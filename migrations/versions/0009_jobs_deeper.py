"""Jobs: what pages and operators ask of them

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


OF_JOBS = sa.text("source = 'jobs'")


def upgrade() -> None:
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index("ix_attempts_of_jobs", ["source", "started_at"], unique=False, sqlite_where=OF_JOBS, postgresql_where=OF_JOBS)


def downgrade() -> None:
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index("ix_attempts_of_jobs", sqlite_where=OF_JOBS, postgresql_where=OF_JOBS)
