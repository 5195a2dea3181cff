"""Findings of the leakage check that the owner overruled, with the reason.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TABLES = ("training_job", "test_job")


def upgrade() -> None:
    """Add a column to trainings and tests."""
    for table in TABLES:
        op.add_column(table, sa.Column("overruled", sa.JSON()))


def downgrade() -> None:
    """Forget what was overruled."""
    for table in TABLES:
        op.drop_column(table, "overruled")
