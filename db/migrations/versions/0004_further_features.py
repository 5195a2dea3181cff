"""A table for the features of a cycle beyond the first eight.

Revision ID: 0004
Revises: 0003
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table; the rows of all others stay as they are."""
    op.create_table(
        "cycle_feature",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("battery_id", BIG_ID, nullable=False),
        sa.Column("cycle_num", sa.Integer(), nullable=False),
        sa.Column("further", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["battery_id"], ["battery_unit.id"], name="fk_feature_battery"),
        sa.UniqueConstraint("battery_id", "cycle_num", name="uk_battery_cycle_feature"),
        sa.PrimaryKeyConstraint("id", name="pk_cycle_feature"),
        **_options(),
    )


def downgrade() -> None:
    """Only the first eight features of each dataset are left."""
    op.drop_table("cycle_feature")


def _options() -> dict[str, Any]:
    options: dict[str, Any] = {"sqlite_autoincrement": True}
    for server in ("mysql", "mariadb"):
        options[f"{server}_engine"] = "InnoDB"
        options[f"{server}_charset"] = "utf8mb4"
        options[f"{server}_collate"] = "utf8mb4_bin"
    return options
