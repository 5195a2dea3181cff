"""Cycles of a dataset as data frames."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Select, Text, and_, cast
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.datasets.further import FIRST_COLUMNS, further_columns, read_further
from db.tables import BatteryUnit, CycleData, CycleFeature

LABEL_COLUMNS = ("pcl", "rul", "capacity_ah")
# The columns of `cycle_data`.
ALL_COLUMNS = (*FIRST_COLUMNS, *LABEL_COLUMNS)
# Rows that are in memory as Python objects at a time.
CHUNK_ROWS = 10_000


def load_cycles(
    session: Session,
    user: CurrentUser,
    dataset_id: int,
    columns: Sequence[str] = ALL_COLUMNS,
    battery_ids: Sequence[int] | None = None,
    codes: Mapping[int, str] | None = None,
) -> pd.DataFrame:
    """Cycles of a dataset, ordered by battery and cycle number.

    Parameters
    ----------
    columns : any of feature_1, feature_2, ..., pcl (fraction), rul (cycles), capacity_ah; features
        beyond the eighth are read only where they are named here
    battery_ids : only these batteries
    codes : instead of `battery_ids`, codes by id of those batteries, where the caller has just
        read them and need not ask again

    Returns
    -------
    battery_code (categorical), cycle_num (int64) and the columns (float64, NaN where empty)
    """
    chosen = [column for column in columns if column in ALL_COLUMNS]
    further = further_columns(columns)
    batteries = guard.visible_batteries(user).where(BatteryUnit.dataset_id == dataset_id)
    if codes is not None:
        batteries = batteries.where(BatteryUnit.id.in_(codes))
    else:
        if battery_ids is not None:
            batteries = batteries.where(BatteryUnit.id.in_(battery_ids))
        pairs = batteries.with_only_columns(BatteryUnit.id, BatteryUnit.battery_code)
        codes = {row.id: row.battery_code for row in session.execute(pairs)}
        if not codes:
            guard.get_dataset(session, user, dataset_id)
    query = (
        batteries.join(CycleData, CycleData.battery_id == BatteryUnit.id)
        .with_only_columns(
            CycleData.battery_id,
            CycleData.cycle_num,
            *(getattr(CycleData, column) for column in chosen),
        )
        .order_by(CycleData.battery_id, CycleData.cycle_num)
    )
    values = _read(session, _joined(query) if further else query, further)
    if not len(values):
        guard.get_dataset(session, user, dataset_id)
    return _frame(values, [*chosen, *further], columns, codes)


def with_further(columns: Iterable[str]) -> tuple[str, ...]:
    """All columns of `cycle_data`, and those of some columns that are further features."""
    return (*ALL_COLUMNS, *further_columns(columns))


def fingerprint(frame: pd.DataFrame) -> str:
    """Hash of the values that a model was trained on, 16 hexadecimal digits."""
    hashed = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return hashlib.sha256(np.ascontiguousarray(hashed).tobytes()).hexdigest()[:16]


def _joined(query: Select[Any]) -> Select[Any]:
    """Add the text of the further features as the last column; NULL where a cycle has none."""
    same_cycle = and_(
        CycleFeature.battery_id == CycleData.battery_id,
        CycleFeature.cycle_num == CycleData.cycle_num,
    )
    # As text, because psycopg would parse each array by itself.
    return query.outerjoin(CycleFeature, same_cycle).add_columns(cast(CycleFeature.further, Text))


def _read(session: Session, query: Select[Any], further: list[str]) -> np.ndarray:
    """Numbers of the rows of a query, shape (rows, columns): row objects would take longer."""
    cursor = session.connection().execute(query).cursor
    parts = []
    while cursor is not None and (rows := cursor.fetchmany(CHUNK_ROWS)):
        parts.append(_numbers(rows, further))
    width = len(query.selected_columns) - bool(further) + len(further)
    return np.concatenate(parts) if parts else np.empty((0, width))


def _numbers(rows: Sequence[tuple[Any, ...]], further: list[str]) -> np.ndarray:
    if not further:
        return np.array(rows, dtype=np.float64)
    first = np.array([row[:-1] for row in rows], dtype=np.float64)
    return np.hstack([first, read_further([row[-1] for row in rows], further)])


def _frame(
    values: np.ndarray, read: Sequence[str], columns: Sequence[str], codes: Mapping[int, str]
) -> pd.DataFrame:
    """The frame with its columns in the order wanted; `read` names those of `values` after two."""
    ids = sorted(codes)
    positions = np.searchsorted(np.array(ids), values[:, 0].astype(np.int64))
    battery_code = pd.Categorical.from_codes(
        positions, categories=pd.Index([codes[battery_id] for battery_id in ids])
    )
    place = {column: position for position, column in enumerate(read, start=2)}
    return pd.DataFrame(
        {
            "battery_code": battery_code,
            "cycle_num": values[:, 1].astype(np.int64),
            **{column: values[:, place[column]] for column in columns if column in place},
        }
    )
