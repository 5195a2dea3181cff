"""Test jobs, their metrics, predictions, logs and exports."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import LINK_TABLE_OPTIONS, TABLE_OPTIONS, Base, index_named_per_table
from db.tables.columns import (
    EXPORT_FORMATS,
    LOG_LEVELS,
    SINGLE_TARGETS,
    STATUSES,
    TARGETS,
    BigId,
    BigNumber,
    ExportFormat,
    Exposure,
    FiniteDouble,
    LogLevel,
    SingleTarget,
    Status,
    Target,
    WholeNumber,
    choice,
    utc_now,
)


class TestJob(Base):
    """One model version, applied to batteries of one dataset."""

    __test__ = False
    __tablename__ = "test_job"
    __table_args__ = (
        Index("idx_test_user", "user_id"),
        Index("idx_test_status", "status"),
        Index("idx_test_model", "model_version_id"),
        Index("idx_test_dataset", "dataset_id"),
        Index("idx_test_created", "created_at"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id", name="fk_test_user"))
    model_version_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("model_version.id", name="fk_test_model")
    )
    dataset_id: Mapped[int] = mapped_column(BigId, ForeignKey("dataset.id", name="fk_test_dataset"))
    target: Mapped[Target] = mapped_column(choice("test_target", *TARGETS))
    horizon: Mapped[int] = mapped_column(WholeNumber, default=1, server_default="1")
    status: Mapped[Status] = mapped_column(
        choice("test_status", *STATUSES), default="PENDING", server_default="PENDING"
    )
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )
    started_at: Mapped[datetime | None] = mapped_column(DateTime)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime)
    # Not in the seed (docs/decisions/001).
    deleting: Mapped[bool | None] = mapped_column(Boolean(create_constraint=False))
    overruled: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class TestJobBattery(Base):
    """A battery of a test job, and whether the model was trained with it."""

    __test__ = False
    __tablename__ = "test_job_battery"
    __table_args__ = (Index("idx_test_battery", "battery_id"), LINK_TABLE_OPTIONS)

    test_job_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("test_job.id", name="fk_tjb_test"), primary_key=True
    )
    battery_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("battery_unit.id", name="fk_tjb_battery"), primary_key=True
    )
    # Not in the seed (docs/decisions/001): 'unseen', 'train' (fitted on) or 'val' (selected by).
    exposure: Mapped[Exposure | None] = mapped_column(String(16))
    # Distance to the training batteries, divided by the usual limit: above 1 the battery is unlike
    # them (models.uncertainty.applicability).
    distance_ratio: Mapped[float | None] = mapped_column(FiniteDouble)


class TestJobMetricOverall(Base):
    """Metrics of one target over the batteries that the model had never seen."""

    __test__ = False
    __tablename__ = "test_job_metric_overall"
    __table_args__ = (
        UniqueConstraint("test_job_id", "target", name="uk_test_target"),
        Index("idx_metric_test", "test_job_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    test_job_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("test_job.id", name="fk_test_metric_job")
    )
    target: Mapped[SingleTarget] = mapped_column(choice("metric_overall_target", *SINGLE_TARGETS))
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )


class TestJobBatteryMetric(Base):
    """Metrics of one target for one battery."""

    __test__ = False
    __tablename__ = "test_job_battery_metric"
    __table_args__ = (
        UniqueConstraint("test_job_id", "battery_id", "target", name="uk_test_battery_target"),
        Index("idx_test_battery_metric", "test_job_id"),
        Index("idx_battery_metric", "battery_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    test_job_id: Mapped[int] = mapped_column(BigId, ForeignKey("test_job.id", name="fk_tbm_test"))
    battery_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("battery_unit.id", name="fk_tbm_battery")
    )
    target: Mapped[SingleTarget] = mapped_column(choice("metric_battery_target", *SINGLE_TARGETS))
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON(none_as_null=True))


class TestJobPrediction(Base):
    """One predicted cycle."""

    __test__ = False
    __tablename__ = "test_job_prediction"
    __table_args__ = (
        UniqueConstraint("test_job_id", "battery_id", "target", "cycle_num", name="uk_pred_sample"),
        Index("idx_pred_test", "test_job_id"),
        Index("idx_pred_battery", "battery_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    test_job_id: Mapped[int] = mapped_column(BigId, ForeignKey("test_job.id", name="fk_pred_test"))
    battery_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("battery_unit.id", name="fk_pred_battery")
    )
    cycle_num: Mapped[int] = mapped_column(WholeNumber)
    target: Mapped[SingleTarget] = mapped_column(choice("prediction_target", *SINGLE_TARGETS))
    y_true: Mapped[float | None] = mapped_column(FiniteDouble)
    y_pred: Mapped[float] = mapped_column(FiniteDouble)
    # Not in the seed (docs/decisions/001): bounds of the conformal interval; NULL without one.
    y_lower: Mapped[float | None] = mapped_column(FiniteDouble)
    y_upper: Mapped[float | None] = mapped_column(FiniteDouble)


class TestJobHorizonMetric(Base):
    """Metrics of a forecast, or of a floor (`method`), at one horizon in cycles.

    Batteries that the model had seen are left out. Not in the seed (docs/decisions/001).
    """

    __test__ = False
    __tablename__ = "test_job_horizon_metric"
    __table_args__ = (
        UniqueConstraint("test_job_id", "target", "method", "horizon", name="uk_test_horizon"),
        Index("idx_horizon_test", "test_job_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    test_job_id: Mapped[int] = mapped_column(BigId, ForeignKey("test_job.id", name="fk_thm_test"))
    target: Mapped[SingleTarget] = mapped_column(choice("horizon_target", *SINGLE_TARGETS))
    method: Mapped[str] = mapped_column(String(32))
    horizon: Mapped[int] = mapped_column(WholeNumber)
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON(none_as_null=True))


class TestJobLog(Base):
    """One line of the log of a test job."""

    __test__ = False
    __tablename__ = "test_job_log"
    __table_args__ = (
        Index("idx_test_log", "test_job_id"),
        *index_named_per_table("idx_log_user", "idx_test_log_user", "user_id"),
        Index("idx_test_log_time", "test_job_id", "created_at"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    test_job_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("test_job.id", name="fk_test_log_job")
    )
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id", name="fk_test_log_user"))
    level: Mapped[LogLevel] = mapped_column(choice("test_log_level", *LOG_LEVELS))
    message: Mapped[str] = mapped_column(String(2000))
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )


class TestExport(Base):
    """A file with the results of a test job, to download."""

    __test__ = False
    __tablename__ = "test_export"
    __table_args__ = (
        Index("idx_export_test", "test_job_id"),
        Index("idx_export_user", "user_id"),
        Index("idx_export_created", "created_at"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    test_job_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("test_job.id", name="fk_export_test")
    )
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id", name="fk_export_user"))
    format: Mapped[ExportFormat] = mapped_column(choice("export_format", *EXPORT_FORMATS))
    file_path: Mapped[str] = mapped_column(String(500))
    file_size: Mapped[int | None] = mapped_column(BigNumber)
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )
