"""More algorithms; intervals, horizons, studies and what recognises a battery again.

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from db.migrations.choices import change_choice

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FIRST_ALGORITHMS = ("BASELINE", "BILSTM", "DEEPHPM")
ALGORITHMS = (
    *FIRST_ALGORITHMS,
    "VERHULST",
    "TREES",
    "LINEAR",
    "MEAN",
    "LAST_VALUE",
    "LAST_SLOPE",
    "ENSEMBLE",
)
FIRST_KINDS = ("UPLOAD", "TRAIN", "TEST", "EXPORT", "BUILTIN")
# Table, column, name of the ENUM, values before, values after.
WIDENED = (
    ("training_job_run", "algorithm", "run_algorithm", FIRST_ALGORITHMS, ALGORITHMS),
    ("model_version", "algorithm", "model_algorithm", FIRST_ALGORITHMS, ALGORITHMS),
    ("background_task", "kind", "task_kind", FIRST_KINDS, (*FIRST_KINDS, "STUDY")),
)
ADDED: tuple[tuple[str, str, Any], ...] = (
    ("battery_unit", "capacity_sketch", sa.JSON()),
    ("training_job", "group_key", sa.String(64)),
    ("test_job_battery", "distance_ratio", sa.Double()),
    ("test_job_prediction", "y_lower", sa.Double()),
    ("test_job_prediction", "y_upper", sa.Double()),
)
STUDY_STATUSES = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED")


def upgrade() -> None:
    """Widen the choices, add the columns, create the tables."""
    for table, column, name, before, after in WIDENED:
        change_choice(table, column, name, before, after)
    for table, column, kind in ADDED:
        op.add_column(table, sa.Column(column, kind))
    _create_horizon_metrics()
    _create_studies()


def downgrade() -> None:
    """Fails where rows use what the first version does not know."""
    op.drop_table("study")
    op.drop_table("test_job_horizon_metric")
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TYPE study_status")
        op.execute("DROP TYPE horizon_target")
    for table, column, _ in ADDED:
        op.drop_column(table, column)
    for table, column, name, before, after in WIDENED:
        change_choice(table, column, name, after, before)


def _create_horizon_metrics() -> None:
    op.create_table(
        "test_job_horizon_metric",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("test_job_id", BIG_ID, nullable=False),
        sa.Column(
            "target",
            sa.Enum("RUL", "PCL", name="horizon_target", create_constraint=True),
            nullable=False,
        ),
        sa.Column("method", sa.String(32), nullable=False),
        sa.Column("horizon", sa.Integer(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["test_job_id"], ["test_job.id"], name="fk_thm_test"),
        sa.UniqueConstraint("test_job_id", "target", "method", "horizon", name="uk_test_horizon"),
        sa.Index("idx_horizon_test", "test_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_test_job_horizon_metric"),
        **_options(),
    )


def _create_studies() -> None:
    op.create_table(
        "study",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("dataset_id", BIG_ID, nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(*STUDY_STATUSES, name="study_status", create_constraint=True),
            nullable=False,
            server_default="PENDING",
        ),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column(
            "created_at", sa.DateTime(), nullable=False, server_default=sa.func.current_timestamp()
        ),
        sa.Column("started_at", sa.DateTime(), nullable=True),
        sa.Column("finished_at", sa.DateTime(), nullable=True),
        sa.Column("deleting", sa.Boolean(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_study_user"),
        sa.ForeignKeyConstraint(["dataset_id"], ["dataset.id"], name="fk_study_dataset"),
        sa.Index("idx_study_user", "user_id"),
        sa.Index("idx_study_dataset", "dataset_id"),
        sa.PrimaryKeyConstraint("id", name="pk_study"),
        **_options(),
    )


def _options() -> dict[str, Any]:
    options: dict[str, Any] = {"sqlite_autoincrement": True}
    for server in ("mysql", "mariadb"):
        options[f"{server}_engine"] = "InnoDB"
        options[f"{server}_charset"] = "utf8mb4"
        options[f"{server}_collate"] = "utf8mb4_bin"
    return options
