"""Cycles of a dataset as data frames."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from sqlalchemy import Select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from db.tables import BatteryUnit, CycleData

ALL_COLUMNS = (*(f"feature_{i}" for i in range(1, 9)), "pcl", "rul", "capacity_ah")


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
    columns : any of feature_1..feature_8, pcl (fraction), rul (cycles), capacity_ah
    battery_ids : only these batteries
    codes : instead of `battery_ids`, codes by id of those batteries, where the caller has just
        read them and need not ask again

    Returns
    -------
    battery_code (categorical), cycle_num (int64) and the columns (float64, NaN where empty)
    """
    chosen = [column for column in columns if column in ALL_COLUMNS]
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
    rows = _plain_rows(session, query)
    if not rows:
        guard.get_dataset(session, user, dataset_id)
    return _frame(rows, chosen, codes)


def fingerprint(frame: pd.DataFrame) -> str:
    """Hash of the values that a model was trained on, 16 hexadecimal digits."""
    hashed = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return hashlib.sha256(np.ascontiguousarray(hashed).tobytes()).hexdigest()[:16]


def _plain_rows(session: Session, query: Select[Any]) -> Sequence[tuple[Any, ...]]:
    """Fetch plain tuples from the driver: row objects for 100,000 cycles would take longer."""
    result = session.connection().execute(query)
    return cast("Sequence[tuple[Any, ...]]", result.cursor.fetchall() if result.cursor else [])


def _frame(
    rows: Sequence[tuple[Any, ...]], columns: list[str], codes: Mapping[int, str]
) -> pd.DataFrame:
    values = np.array(rows, dtype=np.float64).reshape(len(rows), 2 + len(columns))
    ids = sorted(codes)
    positions = np.searchsorted(np.array(ids), values[:, 0].astype(np.int64))
    frame = pd.DataFrame(
        {
            "battery_code": pd.Categorical.from_codes(
                positions, categories=pd.Index([codes[battery_id] for battery_id in ids])
            ),
            "cycle_num": values[:, 1].astype(np.int64),
        }
    )
    for position, column in enumerate(columns, start=2):
        frame[column] = values[:, position]
    return frame
