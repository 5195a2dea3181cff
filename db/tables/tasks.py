"""Background tasks: the queue, and the process that works on each task."""

from datetime import datetime

from sqlalchemy import (
    Boolean,
    DateTime,
    ForeignKey,
    Index,
    String,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.tables.base import TABLE_OPTIONS, Base
from db.tables.columns import (
    STATUSES,
    TASK_KINDS,
    BigId,
    BigNumber,
    FiniteDouble,
    Status,
    TaskKind,
    WholeNumber,
    choice,
    utc_now,
)


class BackgroundTask(Base):
    """Work for one background process (not in the seed, docs/decisions/002)."""

    __tablename__ = "background_task"
    __table_args__ = (
        Index("idx_task_status", "status", "id"),
        Index("idx_task_subject", "kind", "subject_id"),
        Index("idx_task_user", "user_id"),
        TABLE_OPTIONS,
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    # NULL for work that no account asked for, such as making the demonstration fleet.
    user_id: Mapped[int | None] = mapped_column(BigId, ForeignKey("user.id", name="fk_task_user"))
    kind: Mapped[TaskKind] = mapped_column(choice("task_kind", *TASK_KINDS))
    subject_id: Mapped[int] = mapped_column(BigNumber)
    status: Mapped[Status] = mapped_column(
        choice("task_status", *STATUSES), default="PENDING", server_default="PENDING"
    )
    stage: Mapped[str | None] = mapped_column(String(120))
    progress: Mapped[float | None] = mapped_column(FiniteDouble)
    message: Mapped[str | None] = mapped_column(String(2000))
    cancel_requested: Mapped[bool | None] = mapped_column(Boolean(create_constraint=False))
    host: Mapped[str | None] = mapped_column(String(255))
    pid: Mapped[int | None] = mapped_column(WholeNumber)
    process_started_at: Mapped[float | None] = mapped_column(FiniteDouble)
    heartbeat_at: Mapped[datetime | None] = mapped_column(DateTime)
    threads: Mapped[int | None] = mapped_column(WholeNumber)
    created_at: Mapped[datetime] = mapped_column(
        DateTime, default=utc_now, server_default=func.current_timestamp()
    )
    started_at: Mapped[datetime | None] = mapped_column(DateTime)
    finished_at: Mapped[datetime | None] = mapped_column(DateTime)
