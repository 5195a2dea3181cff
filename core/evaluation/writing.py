"""Writes predictions as plain rows straight through the database's driver, which is fastest."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from core.base.database import session_scope
from db.tables import TestJobPrediction
from models.inputs.series import Floats, Integers

# Small enough that no chunk holds SQLite's single writer for half a second.
CHUNK_ROWS = 5000
_COLUMNS = (
    "test_job_id",
    "battery_id",
    "target",
    "cycle_num",
    "y_true",
    "y_pred",
    "y_lower",
    "y_upper",
)


@dataclass(frozen=True)
class PredictedCurve:
    """One battery's predictions of one target, (m,) each, in storage units.

    NaN in `y_true` marks a cycle without a label; `y_lower` and `y_upper` are None, or NaN where
    there is no interval.
    """

    battery_id: int
    target: str
    cycle_num: Integers
    y_true: Floats
    y_pred: Floats
    y_lower: Floats | None = None
    y_upper: Floats | None = None


def write_predictions(
    test_id: int, curves: Sequence[PredictedCurve], on_share: Callable[[float], None]
) -> None:
    """Store the curves of a test in transactions of `CHUNK_ROWS` rows; reports the share done."""
    n_rows = sum(len(curve.cycle_num) for curve in curves)
    rows = (row for curve in curves for row in _rows(test_id, curve))
    done = 0
    while chunk := list(islice(rows, CHUNK_ROWS)):
        with session_scope() as session:
            _insert(session, chunk)
        done += len(chunk)
        on_share(done / n_rows)


def _insert(session: Session, rows: list[tuple[Any, ...]]) -> None:
    """Insert past SQLAlchemy, whose work per value takes longer than the database's own."""
    connection = session.connection()
    marker = "?" if connection.dialect.paramstyle == "qmark" else "%s"
    names, markers = ", ".join(_COLUMNS), ", ".join([marker] * len(_COLUMNS))
    table = TestJobPrediction.__tablename__
    connection.exec_driver_sql(f"INSERT INTO {table} ({names}) VALUES ({markers})", rows)


def _rows(test_id: int, curve: PredictedCurve) -> Iterator[tuple[Any, ...]]:
    """Return rows of plain Python values: drivers store NumPy values as bytes."""
    n_rows = len(curve.cycle_num)
    nothing = [None] * n_rows
    bounds = (
        nothing if values is None else _finite(values) for values in (curve.y_lower, curve.y_upper)
    )
    return zip(
        [test_id] * n_rows,
        [curve.battery_id] * n_rows,
        [curve.target] * n_rows,
        np.asarray(curve.cycle_num).tolist(),
        _finite(curve.y_true),
        _finite(curve.y_pred),
        *bounds,
        strict=True,
    )


def _finite(values: Floats) -> list[float | None]:
    """Return floats, None in place of NaN and infinities."""
    plain: list[float | None] = np.asarray(values, dtype=np.float64).tolist()
    known = np.isfinite(values)
    if known.all():
        return plain
    return [value if there else None for value, there in zip(plain, known.tolist(), strict=True)]
