"""More algorithms; intervals, horizons, studies and what recognises a battery again.

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

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
        _change_choice(table, column, name, before, after)
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
        _change_choice(table, column, name, after, before)


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


def _change_choice(
    table: str, column: str, name: str, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    dialect = op.get_context().dialect.name
    if dialect == "sqlite":
        _rewrite_table(table, column, before, after)
    elif dialect == "postgresql":
        _replace_type(table, column, name, after)
    else:
        op.alter_column(table, column, type_=sa.Enum(*after, name=name), existing_nullable=False)


def _replace_type(table: str, column: str, name: str, values: tuple[str, ...]) -> None:
    op.execute(f"ALTER TYPE {name} RENAME TO {name}_before")
    op.execute(f"CREATE TYPE {name} AS ENUM {_listed(values)}")
    op.execute(
        f"ALTER TABLE {table} ALTER COLUMN {column} TYPE {name} USING {column}::text::{name}"
    )
    op.execute(f"DROP TYPE {name}_before")


def _rewrite_table(
    table: str, column: str, before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """Copy a table into one with another CHECK: SQLite cannot change one in place.

    Foreign keys are off meanwhile (db/migrations/env.py).
    """
    connection = op.get_bind()
    master = "SELECT sql FROM sqlite_master WHERE tbl_name = ? AND type = ? AND sql IS NOT NULL"
    (created,) = connection.exec_driver_sql(master, (table, "table")).scalars()
    indexes = connection.exec_driver_sql(master, (table, "index")).scalars().all()
    head, body = created.split("(", 1)
    for form in (_sqlite_type, _sqlite_check):
        if form(column, before) not in body:
            raise RuntimeError(f"The table {table} is not the one that this migration knows.")
        body = body.replace(form(column, before), form(column, after))
    copy = head.replace(table, f"{table}_copy") + "(" + body
    counter = "SELECT seq FROM sqlite_sequence WHERE name = ?"
    last_id = connection.exec_driver_sql(counter, (table,)).scalar()
    connection.exec_driver_sql(copy)
    connection.exec_driver_sql(f"INSERT INTO {table}_copy SELECT * FROM {table}")
    connection.exec_driver_sql(f"DROP TABLE {table}")
    connection.exec_driver_sql(f"ALTER TABLE {table}_copy RENAME TO {table}")
    for statement in indexes:
        connection.exec_driver_sql(statement)
    if last_id is not None:
        # Or ids of deleted rows would be given out again.
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
        connection.exec_driver_sql("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, last_id))


def _sqlite_type(column: str, values: tuple[str, ...]) -> str:
    return f"{column} VARCHAR({max(map(len, values))})"


def _sqlite_check(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN {_listed(values)}"


def _listed(values: tuple[str, ...]) -> str:
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"
