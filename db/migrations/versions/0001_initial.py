"""All tables of the first version.

A migration is history: it repeats the declarations of db/tables instead of importing them, so that
it still means the same after those have moved on.

Revision ID: 0001
Revises:
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATUSES = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED")
ALGORITHMS = ("BASELINE", "BILSTM", "DEEPHPM")
TARGETS = ("RUL", "PCL", "BOTH")
SINGLE_TARGETS = ("RUL", "PCL")
ROLES = ("train", "val", "test")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
ENUMS = {
    "upload_status": ("PENDING", "PROCESSING", "SUCCEEDED", "FAILED"),
    "dataset_source_type": ("BUILTIN", "UPLOAD"),
    "battery_group_tag": ROLES,
    "training_target": TARGETS,
    "training_status": STATUSES,
    "job_split_role": ROLES,
    "run_algorithm": ALGORITHMS,
    "run_status": STATUSES,
    "run_log_level": LOG_LEVELS,
    "model_algorithm": ALGORITHMS,
    "test_target": TARGETS,
    "test_status": STATUSES,
    "metric_overall_target": SINGLE_TARGETS,
    "metric_battery_target": SINGLE_TARGETS,
    "prediction_target": SINGLE_TARGETS,
    "test_log_level": LOG_LEVELS,
    "export_format": ("CSV", "XLSX"),
    "task_kind": ("UPLOAD", "TRAIN", "TEST", "EXPORT", "BUILTIN"),
    "task_status": STATUSES,
}
TABLES = (
    "user",
    "auth_session",
    "login_throttle",
    "data_upload",
    "dataset",
    "battery_unit",
    "cycle_data",
    "training_job",
    "training_job_battery",
    "training_job_run",
    "training_job_run_metric",
    "training_job_run_log",
    "model_version",
    "test_job",
    "test_job_battery",
    "test_job_metric_overall",
    "test_job_battery_metric",
    "test_job_prediction",
    "test_job_log",
    "test_export",
    "background_task",
)


def upgrade() -> None:
    """Create every table, parents first."""
    _create_users()
    _create_datasets()
    _create_batteries()
    _create_training_jobs()
    _create_training_runs()
    _create_model_versions()
    _create_test_jobs()
    _create_test_results()
    _create_test_logs_and_exports()
    _create_background_tasks()


def downgrade() -> None:
    """Drop everything; PostgreSQL keeps its ENUM types unless told."""
    for table in reversed(TABLES):
        op.drop_table(table)
    if op.get_context().dialect.name == "postgresql":
        for name in ENUMS:
            op.execute(f"DROP TYPE {name}")


def _create_users() -> None:
    _create(
        "user",
        _text("user_name", 50),
        _text("email", 255),
        _text("password_hash", 255),
        _created_at(),
        _text("email_key", 255, nullable=True),
        _text("user_name_key", 255, nullable=True),
        sa.Column("is_admin", sa.Boolean()),
        sa.Column("deleting", sa.Boolean()),
        sa.UniqueConstraint("email", name="uk_user_email"),
        sa.UniqueConstraint("user_name", name="uk_user_name"),
        sa.UniqueConstraint("email_key", name="uk_user_email_key"),
        sa.UniqueConstraint("user_name_key", name="uk_user_name_key"),
    )
    _create(
        "auth_session",
        *_reference("user_id", "user", "fk_auth_session_user"),
        _text("token_hash", 64),
        _created_at(),
        _time("expires_at", nullable=False),
        _time("revoked_at"),
        sa.UniqueConstraint("token_hash", name="uk_auth_session_token"),
        sa.Index("idx_auth_session_user", "user_id"),
    )
    _create(
        "login_throttle",
        _text("email_hash", 64),
        _integer("failures"),
        _time("last_failure_at", nullable=False),
        sa.UniqueConstraint("email_hash", name="uk_login_throttle_email"),
    )


def _create_datasets() -> None:
    _create(
        "data_upload",
        *_reference("user_id", "user", "fk_upload_user"),
        _text("original_filename", 255),
        _text("stored_path", 500),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        _choice("status", "upload_status", default="PENDING"),
        _text("error_message", 2000, nullable=True),
        _created_at(),
        _time("processed_at"),
        _text("sha256", 64, nullable=True),
        _json("mapping"),
        _json("report"),
        sa.Index("idx_upload_user", "user_id"),
        sa.Index("idx_upload_status", "status"),
    )
    _create(
        "dataset",
        *_reference("owner_user_id", "user", "fk_dataset_owner", nullable=True),
        _choice("source_type", "dataset_source_type"),
        _text("name", 120),
        *_reference("upload_id", "data_upload", "fk_dataset_upload", nullable=True),
        _json("feature_schema"),
        _created_at(),
        sa.Column("loading", sa.Boolean()),
        sa.UniqueConstraint("upload_id", name="uk_dataset_upload"),
        sa.Index("idx_dataset_owner", "owner_user_id"),
        sa.CheckConstraint(
            "(source_type = 'BUILTIN' AND owner_user_id IS NULL AND upload_id IS NULL) OR "
            "(source_type = 'UPLOAD' AND owner_user_id IS NOT NULL AND upload_id IS NOT NULL)",
            name="chk_builtin_nulls",
        ),
    )


def _create_batteries() -> None:
    _create(
        "battery_unit",
        *_reference("dataset_id", "dataset", "fk_battery_dataset"),
        _text("battery_code", 64),
        _choice("group_tag", "battery_group_tag", nullable=True),
        _integer("total_cycles"),
        _number("nominal_capacity"),
        _integer("cycle_life", nullable=True),
        _number("first_capacity_ah"),
        _number("last_capacity_ah"),
        sa.UniqueConstraint("dataset_id", "battery_code", name="uk_dataset_battery"),
        sa.Index("idx_battery_dataset", "dataset_id"),
    )
    _create(
        "cycle_data",
        *_reference("battery_id", "battery_unit", "fk_cycle_battery"),
        _integer("cycle_num"),
        *[_number(f"feature_{position}", nullable=False) for position in range(1, 9)],
        _number("pcl"),
        _integer("rul", nullable=True),
        _number("capacity_ah"),
        sa.UniqueConstraint("battery_id", "cycle_num", name="uk_battery_cycle"),
        sa.Index("idx_cycle_battery", "battery_id"),
    )


def _create_training_jobs() -> None:
    _create(
        "training_job",
        *_reference("user_id", "user", "fk_training_user"),
        *_reference("dataset_id", "dataset", "fk_training_dataset"),
        _choice("target", "training_target"),
        _json("hyperparams"),
        _choice("status", "training_status", default="PENDING"),
        sa.Column("progress", sa.Numeric(6, 5), nullable=False, server_default="0.0"),
        _created_at(),
        _time("started_at"),
        _time("finished_at"),
        _text("name", 120, nullable=True),
        sa.Column("deleting", sa.Boolean()),
        sa.Index("idx_training_user", "user_id"),
        sa.Index("idx_training_status", "status"),
        sa.Index("idx_training_dataset", "dataset_id"),
        sa.Index("idx_training_created", "created_at"),
    )
    _create_link(
        "training_job_battery",
        *_reference("job_id", "training_job", "fk_job_battery_job"),
        *_reference("battery_id", "battery_unit", "fk_job_battery_unit"),
        _choice("split_role", "job_split_role", default="train"),
        sa.Index("idx_job_battery", "battery_id"),
        key=("job_id", "battery_id"),
    )


def _create_training_runs() -> None:
    _create(
        "training_job_run",
        *_reference("job_id", "training_job", "fk_run_job"),
        _choice("algorithm", "run_algorithm"),
        _choice("status", "run_status", default="PENDING"),
        _integer("current_epoch", default="0"),
        _integer("total_epochs", default="0"),
        _time("started_at"),
        _time("finished_at"),
        sa.UniqueConstraint("job_id", "algorithm", name="uk_job_algorithm"),
        sa.Index("idx_run_job", "job_id"),
        sa.Index("idx_run_status", "status"),
    )
    _create(
        "training_job_run_metric",
        *_reference("run_id", "training_job_run", "fk_metric_run"),
        _integer("epoch"),
        _number("train_loss"),
        _number("val_loss"),
        _json("metrics"),
        _created_at(),
        sa.UniqueConstraint("run_id", "epoch", name="uk_run_epoch"),
        sa.Index("idx_metric_run", "run_id"),
    )
    _create(
        "training_job_run_log",
        *_reference("run_id", "training_job_run", "fk_log_run"),
        *_reference("user_id", "user", "fk_log_user"),
        _choice("level", "run_log_level"),
        _text("message", 2000),
        _created_at(),
        sa.Index("idx_log_run", "run_id"),
        sa.Index("idx_log_user", "user_id"),
        sa.Index("idx_log_run_time", "run_id", "created_at"),
    )


def _create_model_versions() -> None:
    _create(
        "model_version",
        *_reference("user_id", "user", "fk_model_user"),
        *_reference("run_id", "training_job_run", "fk_model_run"),
        _choice("algorithm", "model_algorithm"),
        _text("name", 120),
        _text("version", 32),
        _json("config"),
        _json("metrics"),
        _text("checkpoint_path", 500),
        _created_at(),
        sa.UniqueConstraint("run_id", name="uk_model_run"),
        sa.UniqueConstraint("user_id", "name", "version", name="uk_model_version"),
        sa.Index("idx_model_user", "user_id"),
        sa.Index("idx_model_algorithm", "algorithm"),
    )


def _create_test_jobs() -> None:
    _create(
        "test_job",
        *_reference("user_id", "user", "fk_test_user"),
        *_reference("model_version_id", "model_version", "fk_test_model"),
        *_reference("dataset_id", "dataset", "fk_test_dataset"),
        _choice("target", "test_target"),
        _integer("horizon", default="1"),
        _choice("status", "test_status", default="PENDING"),
        _created_at(),
        _time("started_at"),
        _time("finished_at"),
        sa.Column("deleting", sa.Boolean()),
        sa.Index("idx_test_user", "user_id"),
        sa.Index("idx_test_status", "status"),
        sa.Index("idx_test_model", "model_version_id"),
        sa.Index("idx_test_dataset", "dataset_id"),
        sa.Index("idx_test_created", "created_at"),
    )
    _create_link(
        "test_job_battery",
        *_reference("test_job_id", "test_job", "fk_tjb_test"),
        *_reference("battery_id", "battery_unit", "fk_tjb_battery"),
        _text("exposure", 16, nullable=True),
        sa.Index("idx_test_battery", "battery_id"),
        key=("test_job_id", "battery_id"),
    )


def _create_test_results() -> None:
    _create(
        "test_job_metric_overall",
        *_reference("test_job_id", "test_job", "fk_test_metric_job"),
        _choice("target", "metric_overall_target"),
        _json("metrics", nullable=False),
        _created_at(),
        sa.UniqueConstraint("test_job_id", "target", name="uk_test_target"),
        sa.Index("idx_metric_test", "test_job_id"),
    )
    _create(
        "test_job_battery_metric",
        *_reference("test_job_id", "test_job", "fk_tbm_test"),
        *_reference("battery_id", "battery_unit", "fk_tbm_battery"),
        _choice("target", "metric_battery_target"),
        _json("metrics", nullable=False),
        sa.UniqueConstraint("test_job_id", "battery_id", "target", name="uk_test_battery_target"),
        sa.Index("idx_test_battery_metric", "test_job_id"),
        sa.Index("idx_battery_metric", "battery_id"),
    )
    _create(
        "test_job_prediction",
        *_reference("test_job_id", "test_job", "fk_pred_test"),
        *_reference("battery_id", "battery_unit", "fk_pred_battery"),
        _integer("cycle_num"),
        _choice("target", "prediction_target"),
        _number("y_true"),
        _number("y_pred", nullable=False),
        sa.UniqueConstraint(
            "test_job_id", "battery_id", "target", "cycle_num", name="uk_pred_sample"
        ),
        sa.Index("idx_pred_test", "test_job_id"),
        sa.Index("idx_pred_battery", "battery_id"),
    )


def _create_test_logs_and_exports() -> None:
    # The seed has idx_log_user on two tables; only MySQL keeps index names per table.
    on_mysql = op.get_context().dialect.name in ("mysql", "mariadb")
    _create(
        "test_job_log",
        *_reference("test_job_id", "test_job", "fk_test_log_job"),
        *_reference("user_id", "user", "fk_test_log_user"),
        _choice("level", "test_log_level"),
        _text("message", 2000),
        _created_at(),
        sa.Index("idx_test_log", "test_job_id"),
        sa.Index("idx_log_user" if on_mysql else "idx_test_log_user", "user_id"),
        sa.Index("idx_test_log_time", "test_job_id", "created_at"),
    )
    _create(
        "test_export",
        *_reference("test_job_id", "test_job", "fk_export_test"),
        *_reference("user_id", "user", "fk_export_user"),
        _choice("format", "export_format"),
        _text("file_path", 500),
        sa.Column("file_size", sa.BigInteger()),
        _created_at(),
        sa.Index("idx_export_test", "test_job_id"),
        sa.Index("idx_export_user", "user_id"),
        sa.Index("idx_export_created", "created_at"),
    )


def _create_background_tasks() -> None:
    _create(
        "background_task",
        *_reference("user_id", "user", "fk_task_user", nullable=True),
        _choice("kind", "task_kind"),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        _choice("status", "task_status", default="PENDING"),
        _text("stage", 120, nullable=True),
        _number("progress"),
        _text("message", 2000, nullable=True),
        sa.Column("cancel_requested", sa.Boolean()),
        _text("host", 255, nullable=True),
        _integer("pid", nullable=True),
        _number("process_started_at"),
        _time("heartbeat_at"),
        _integer("threads", nullable=True),
        _created_at(),
        _time("started_at"),
        _time("finished_at"),
        sa.Index("idx_task_status", "status", "id"),
        sa.Index("idx_task_subject", "kind", "subject_id"),
        sa.Index("idx_task_user", "user_id"),
    )


def _create(name: str, *items: Any) -> None:
    row_id = sa.Column("id", BIG_ID, autoincrement=True, nullable=False)
    _create_link(name, row_id, *items, key=("id",), sqlite_autoincrement=True)


def _create_link(name: str, *items: Any, key: tuple[str, ...], **options: Any) -> None:
    for server in ("mysql", "mariadb"):
        options[f"{server}_engine"] = "InnoDB"
        options[f"{server}_charset"] = "utf8mb4"
        options[f"{server}_collate"] = "utf8mb4_bin"
    op.create_table(name, *items, sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"), **options)


def _reference(column: str, table: str, name: str, *, nullable: bool = False) -> tuple[Any, Any]:
    return (
        sa.Column(column, BIG_ID, nullable=nullable),
        sa.ForeignKeyConstraint([column], [f"{table}.id"], name=name),
    )


def _choice(
    column: str, enum: str, *, default: str | None = None, nullable: bool = False
) -> sa.Column[Any]:
    kind = sa.Enum(*ENUMS[enum], name=enum, create_constraint=True)
    return sa.Column(column, kind, nullable=nullable, server_default=default)


def _text(column: str, length: int, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(column, sa.String(length), nullable=nullable)


def _integer(column: str, *, default: str | None = None, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(column, sa.Integer(), nullable=nullable, server_default=default)


def _number(column: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(column, sa.Double(), nullable=nullable)


def _json(column: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(column, sa.JSON(), nullable=nullable)


def _time(column: str, *, nullable: bool = True) -> sa.Column[Any]:
    return sa.Column(column, sa.DateTime(), nullable=nullable)


def _created_at() -> sa.Column[Any]:
    default = sa.func.current_timestamp()
    return sa.Column("created_at", sa.DateTime(), nullable=False, server_default=default)
