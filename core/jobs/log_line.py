"""A line of the log of a training run or a test."""

from dataclasses import dataclass
from datetime import datetime

from db.tables.columns import LogLevel


@dataclass(frozen=True)
class LogLine:
    """One line of a log; time in UTC."""

    created_at: datetime
    level: LogLevel
    message: str
