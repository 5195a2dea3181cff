"""Column types that mean the same on SQLite, MySQL and PostgreSQL."""

import math
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Double, Enum, Integer
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


STATUSES = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELED")
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
TARGETS = ("RUL", "PCL", "BOTH")
SINGLE_TARGETS = ("RUL", "PCL")
ROLES = ("train", "val", "test")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
EXPORT_FORMATS = ("CSV", "XLSX")
