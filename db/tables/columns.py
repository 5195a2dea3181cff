"""Column types that mean the same on SQLite, MySQL and PostgreSQL."""

import math
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from sqlalchemy import JSON, BigInteger, Double, Enum, Integer
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


def utc_now() -> datetime:
    """Return the present time in UTC, without zone and fraction, as DATETIME columns hold it."""
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


class FiniteDouble(TypeDecorator[float]):
    """DOUBLE that turns NaN and infinities into NULL.

    SQLite would store NULL for NaN, PyMySQL would raise and PostgreSQL would keep it.
    """

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> float | None:
        if value is None:
            return None
        number = float(value)
        return number if math.isfinite(number) else None


class FiniteNumbers(TypeDecorator[list[float]]):
    """JSON array of finite numbers; raises ValueError for any other, which JSON cannot hold."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> list[float] | None:
        if value is None:
            return None
        numbers = [float(number) for number in value]
        if not all(map(math.isfinite, numbers)):
            raise ValueError(f"{numbers!r} holds a number that is not finite")
        return numbers


class WholeNumber(TypeDecorator[int]):
    """INT that also takes values of data frames: NumPy integers, whole floats, and NaN or
    infinities, which become NULL.

    Without it, sqlite3 would store a NumPy integer as its bytes, and find no row by it.
    """

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        if value is None or not math.isfinite(value):
            return None
        number = int(value)
        if number != value:
            raise ValueError(f"{value!r} is not a whole number")
        return number


class BigNumber(WholeNumber):
    """BIGINT that takes the same values as WholeNumber."""

    impl = BigInteger
    cache_ok = True


class BigId(BigNumber):
    """BIGINT for ids; INTEGER on SQLite, which numbers rows only in a column of that type."""

    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        kind = Integer() if dialect.name == "sqlite" else BigInteger()
        return dialect.type_descriptor(kind)


def choice(name: str, *values: str) -> Enum:
    """Return the ENUM type of a column: native where the server has it, a named CHECK on SQLite."""
    return Enum(*values, name=name, create_constraint=True, validate_strings=True)


# Words that columns hold: a type for mypy and, for the tables and for checks of what came from
# outside, its values.
Status = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED"]
STATUSES: tuple[Status, ...] = get_args(Status)
UploadStatus = Literal["PENDING", "PROCESSING", "SUCCEEDED", "FAILED"]
UPLOAD_STATUSES: tuple[UploadStatus, ...] = get_args(UploadStatus)
TaskKind = Literal["UPLOAD", "TRAIN", "TEST", "EXPORT", "BUILTIN", "STUDY"]
TASK_KINDS: tuple[TaskKind, ...] = get_args(TaskKind)
StudyKind = Literal["EARLY_LIFE", "ROW_SPLIT"]
SourceType = Literal["BUILTIN", "UPLOAD"]
SOURCE_TYPES: tuple[SourceType, ...] = get_args(SourceType)
ALGORITHMS = (
    "BASELINE",
    "BILSTM",
    "DEEPHPM",
    "VERHULST",
    "TREES",
    "LINEAR",
    "MEAN",
    "LAST_VALUE",
    "LAST_SLOPE",
    "ENSEMBLE",
)
SingleTarget = Literal["RUL", "PCL"]
SINGLE_TARGETS: tuple[SingleTarget, ...] = get_args(SingleTarget)
Target = Literal["RUL", "PCL", "BOTH"]
TARGETS: tuple[Target, ...] = get_args(Target)
Role = Literal["train", "val", "test"]
ROLES: tuple[Role, ...] = get_args(Role)
# What a model knew of a tested battery: nothing, or the role that it had in the training.
Exposure = Literal["unseen", "train", "val"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LOG_LEVELS: tuple[LogLevel, ...] = get_args(LogLevel)
ExportFormat = Literal["CSV", "XLSX"]
EXPORT_FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
