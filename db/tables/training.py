"""Training jobs, their runs, and the model versions that these make."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    ForeignKey,
    Index,
    Numeric,
    String,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import LINK_TABLE_OPTIONS, TABLE_OPTIONS, Base
from db.tables.columns import (
    ALGORITHMS,
    LOG_LEVELS,
    ROLES,
    STATUSES,
    TARGETS,
    BigId,
    FiniteDouble,
    LogLevel,
    Role,
    Status,
    Target,
    WholeNumber,
    choice,
    utc_now,
)


class TrainingJob(Base):
    """One training: its dataset, target, settings and algorithms; each algorithm is a run."""

    __tablename__ = "training_job"
    __table_args__ = (
        Index("idx_training_user", "user_id"),
        Index("idx_training_status", "status"),
        Index("idx_training_dataset", "dataset_id"),
        Index("idx_training_created", "created_at"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id", name="fk_training_user"))
    dataset_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("dataset.id", name="fk_training_dataset")
    )
    target: Mapped[Target] = mapped_column(choice("training_target", *TARGETS))
    hyperparams: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    status: Mapped[Status] = mapped_column(
        choice("training_status", *STATUSES), default="PENDING", server_default="PENDING"
    )
    progress: Mapped[float] = mapped_column(
        Numeric(6, 5, asdecimal=False), default=0.0, server_default="0.0"
    )
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )
    started_at: Mapped[datetime | None] = mapped_column(DateTime)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime)
    # Not in the seed (docs/decisions/001).
    name: Mapped[str | None] = mapped_column(String(120))
    deleting: Mapped[bool | None] = mapped_column(Boolean(create_constraint=False))
    # The same for trainings that repeat each other with other seeds or without physics.
    group_key: Mapped[str | None] = mapped_column(String(64))
    # Findings of the leakage check that the owner overruled, and why (core.datasets.overruled).
    overruled: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class TrainingJobBattery(Base):
    """The role of one battery in a training job."""

    __tablename__ = "training_job_battery"
    __table_args__ = (Index("idx_job_battery", "battery_id"), LINK_TABLE_OPTIONS)

    job_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("training_job.id", name="fk_job_battery_job"), primary_key=True
    )
    battery_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("battery_unit.id", name="fk_job_battery_unit"), primary_key=True
    )
    split_role: Mapped[Role] = mapped_column(
        choice("job_split_role", *ROLES), default="train", server_default="train"
    )


class TrainingJobRun(Base):
    """One algorithm of a training job."""

    __tablename__ = "training_job_run"
    __table_args__ = (
        UniqueConstraint("job_id", "algorithm", name="uk_job_algorithm"),
        Index("idx_run_job", "job_id"),
        Index("idx_run_status", "status"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    job_id: Mapped[int] = mapped_column(BigId, ForeignKey("training_job.id", name="fk_run_job"))
    algorithm: Mapped[str] = mapped_column(choice("run_algorithm", *ALGORITHMS))
    status: Mapped[Status] = mapped_column(
        choice("run_status", *STATUSES), default="PENDING", server_default="PENDING"
    )
    current_epoch: Mapped[int] = mapped_column(WholeNumber, default=0, server_default="0")
    total_epochs: Mapped[int] = mapped_column(WholeNumber, default=0, server_default="0")
    started_at: Mapped[datetime | None] = mapped_column(DateTime)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime)


class TrainingJobRunMetric(Base):
    """Losses and metrics of one epoch of a run."""

    __tablename__ = "training_job_run_metric"
    __table_args__ = (
        UniqueConstraint("run_id", "epoch", name="uk_run_epoch"),
        Index("idx_metric_run", "run_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    run_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("training_job_run.id", name="fk_metric_run")
    )
    epoch: Mapped[int] = mapped_column(WholeNumber)
    train_loss: Mapped[float | None] = mapped_column(FiniteDouble)
    val_loss: Mapped[float | None] = mapped_column(FiniteDouble)
    metrics: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )


class TrainingJobRunLog(Base):
    """One line of the log of a run."""

    __tablename__ = "training_job_run_log"
    __table_args__ = (
        Index("idx_log_run", "run_id"),
        Index("idx_log_user", "user_id"),
        Index("idx_log_run_time", "run_id", "created_at"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    run_id: Mapped[int] = mapped_column(BigId, ForeignKey("training_job_run.id", name="fk_log_run"))
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id", name="fk_log_user"))
    level: Mapped[LogLevel] = mapped_column(choice("run_log_level", *LOG_LEVELS))
    message: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )


class ModelVersion(Base):
    """A trained model: the run that made it, its file, settings and metrics."""

    __tablename__ = "model_version"
    __table_args__ = (
        UniqueConstraint("run_id", name="uk_model_run"),
        UniqueConstraint("user_id", "name", "version", name="uk_model_version"),
        Index("idx_model_user", "user_id"),
        Index("idx_model_algorithm", "algorithm"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id", name="fk_model_user"))
    run_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("training_job_run.id", name="fk_model_run")
    )
    algorithm: Mapped[str] = mapped_column(choice("model_algorithm", *ALGORITHMS))
    name: Mapped[str] = mapped_column(String(120))
    version: Mapped[str] = mapped_column(String(32))
    config: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    metrics: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    checkpoint_path: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )
