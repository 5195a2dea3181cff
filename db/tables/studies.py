"""Studies: analyses of a dataset, or of a table of battery features, that train no model."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, DateTime, ForeignKey, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import TABLE_OPTIONS, Base
from db.tables.columns import STATUSES, BigId, Status, StudyKind, choice, utc_now


class Study(Base):
    """One analysis and its result (not in the seed, docs/decisions/001)."""

    __tablename__ = "study"
    __table_args__ = (
        Index("idx_study_user", "user_id"),
        Index("idx_study_dataset", "dataset_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    user_id: Mapped[int] = mapped_column(BigId, ForeignKey("user.id", name="fk_study_user"))
    # NULL where the study was made from a table of its own.
    dataset_id: Mapped[int | None] = mapped_column(
        BigId, ForeignKey("dataset.id", name="fk_study_dataset")
    )
    kind: Mapped[StudyKind] = mapped_column(String(32))
    name: Mapped[str] = mapped_column(String(120))
    settings: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    status: Mapped[Status] = mapped_column(
        choice("study_status", *STATUSES), default="PENDING", server_default="PENDING"
    )
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )
    started_at: Mapped[datetime | None] = mapped_column(DateTime)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime)
    deleting: Mapped[bool | None] = mapped_column(Boolean(create_constraint=False))
