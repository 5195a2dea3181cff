"""Uploads, datasets, batteries and their cycles."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import TABLE_OPTIONS, Base
from db.tables.columns import (
    ROLES,
    SOURCE_TYPES,
    UPLOAD_STATUSES,
    BigId,
    BigNumber,
    FiniteDouble,
    FiniteNumbers,
    Role,
    SourceType,
    UploadStatus,
    WholeNumber,
    choice,
    utc_now,
)


class DataUpload(Base):
    """An uploaded file, kept even if it cannot be imported."""

    __tablename__ = "data_upload"
    __table_args__ = (
        Index("idx_upload_user", "user_id"),
        Index("idx_upload_status", "status"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id", name="fk_upload_user"))
    original_filename: Mapped[str] = mapped_column(String(255))
    stored_path: Mapped[str] = mapped_column(String(500))
    file_size: Mapped[int] = mapped_column(BigNumber)
    status: Mapped[UploadStatus] = mapped_column(
        choice("upload_status", *UPLOAD_STATUSES), default="PENDING", server_default="PENDING"
    )
    error_message: Mapped[str | None] = mapped_column(String(2000))
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )
    processed_at: Mapped[datetime | None] = mapped_column(DateTime)
    # Not in the seed (docs/decisions/001).
    sha256: Mapped[str | None] = mapped_column(String(64))
    mapping: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class Dataset(Base):
    """Batteries that belong together: uploaded by a user, or built in and readable by all."""

    __tablename__ = "dataset"
    __table_args__ = (
        UniqueConstraint("upload_id", name="uk_dataset_upload"),
        Index("idx_dataset_owner", "owner_user_id"),
        CheckConstraint(
            "(source_type = 'BUILTIN' AND owner_user_id IS NULL AND upload_id IS NULL) OR "
            "(source_type = 'UPLOAD' AND owner_user_id IS NOT NULL AND upload_id IS NOT NULL)",
            name="chk_builtin_nulls",
        ),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    owner_user_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("user.id", name="fk_dataset_owner")
    )
    source_type: Mapped[SourceType] = mapped_column(choice("dataset_source_type", *SOURCE_TYPES))
    name: Mapped[str] = mapped_column(String(120))
    upload_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("data_upload.id", name="fk_dataset_upload")
    )
    feature_schema: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )
    # Not in the seed (docs/decisions/001): true while rows are still being written or removed;
    # until then the dataset is hidden.
    loading: Mapped[bool | None] = mapped_column(Boolean(create_constraint=False))


class BatteryUnit(Base):
    """One cell of a dataset."""

    __tablename__ = "battery_unit"
    __table_args__ = (
        UniqueConstraint("dataset_id", "battery_code", name="uk_dataset_battery"),
        Index("idx_battery_dataset", "dataset_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    dataset_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("dataset.id", name="fk_battery_dataset")
    )
    battery_code: Mapped[str] = mapped_column(String(64))
    group_tag: Mapped[Role | None] = mapped_column(choice("battery_group_tag", *ROLES))
    total_cycles: Mapped[int] = mapped_column(WholeNumber)
    nominal_capacity: Mapped[float | None] = mapped_column(FiniteDouble)
    # Not in the seed (docs/decisions/001): spares lists and labels reading the cycles.
    cycle_life: Mapped[int | None] = mapped_column(WholeNumber)
    first_capacity_ah: Mapped[float | None] = mapped_column(FiniteDouble)
    last_capacity_ah: Mapped[float | None] = mapped_column(FiniteDouble)
    # Tells that two batteries, under whatever names, are the same one (core.leakage).
    capacity_sketch: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))


class CycleData(Base):
    """One cycle of a battery: up to eight features and the labels."""

    __tablename__ = "cycle_data"
    __table_args__ = (
        UniqueConstraint("battery_id", "cycle_num", name="uk_battery_cycle"),
        Index("idx_cycle_battery", "battery_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    battery_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("battery_unit.id", name="fk_cycle_battery")
    )
    cycle_num: Mapped[int] = mapped_column(WholeNumber)
    feature_1: Mapped[float] = mapped_column(FiniteDouble)
    feature_2: Mapped[float] = mapped_column(FiniteDouble)
    feature_3: Mapped[float] = mapped_column(FiniteDouble)
    feature_4: Mapped[float] = mapped_column(FiniteDouble)
    feature_5: Mapped[float] = mapped_column(FiniteDouble)
    feature_6: Mapped[float] = mapped_column(FiniteDouble)
    feature_7: Mapped[float] = mapped_column(FiniteDouble)
    feature_8: Mapped[float] = mapped_column(FiniteDouble)
    pcl: Mapped[float | None] = mapped_column(FiniteDouble)
    rul: Mapped[int | None] = mapped_column(WholeNumber)
    # Not in the seed (docs/decisions/001).
    capacity_ah: Mapped[float | None] = mapped_column(FiniteDouble)


class CycleFeature(Base):
    """The features of a cycle beyond the eight of `cycle_data`, in the dataset's order.

    Not in the seed (docs/decisions/001). Datasets with up to eight features have no rows here.
    """

    __tablename__ = "cycle_feature"
    __table_args__ = (
        UniqueConstraint("battery_id", "cycle_num", name="uk_battery_cycle_feature"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    battery_id: Mapped[int] = mapped_column(
        BigId, ForeignKey("battery_unit.id", name="fk_feature_battery")
    )
    cycle_num: Mapped[int] = mapped_column(WholeNumber)
    # Feature 9 comes first.
    further: Mapped[list[float]] = mapped_column(FiniteNumbers)
