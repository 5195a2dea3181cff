"""Features of a cycle beyond the eight that `cycle_data` has columns for.

In frames they are feature_9, feature_10, ...; the table `cycle_feature` holds those of a cycle in
one JSON array, the ninth first.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.base.errors import DamagedData
from core.ingest.mapping import MAX_FEATURES, SEED_FEATURES

FIRST_COLUMNS = tuple(f"feature_{i}" for i in range(1, SEED_FEATURES + 1))
FURTHER_COLUMNS = tuple(f"feature_{i}" for i in range(SEED_FEATURES + 1, MAX_FEATURES + 1))


def further_columns(columns: Iterable[str]) -> list[str]:
    """Those of some columns that are further features, feature_9 first."""
    named = set(columns)
    return [column for column in FURTHER_COLUMNS if column in named]


def further_rows(part: pd.DataFrame) -> list[dict[Any, Any]]:
    """Rows of `cycle_feature` for cycles with battery_id, cycle_num and features, all finite."""
    values = part[further_columns(part.columns)].to_numpy(np.float64).tolist()
    keys = part[["battery_id", "cycle_num"]].to_numpy(np.int64).tolist()
    return [
        {"battery_id": battery_id, "cycle_num": cycle_num, "further": numbers}
        for (battery_id, cycle_num), numbers in zip(keys, values, strict=True)
    ]


def read_further(texts: Sequence[str | None], columns: Sequence[str]) -> np.ndarray:
    """Numbers of some further features from the stored arrays, shape (cycles, columns).

    Raises
    ------
    DamagedData
        A cycle has no array, or one without all of these features.
    """
    places = [FURTHER_COLUMNS.index(column) for column in columns]
    try:
        # Parsed together: one call for each of 100,000 cycles would take longer.
        arrays = json.loads(f"[{','.join(text or 'null' for text in texts)}]")
        return np.array([[array[place] for place in places] for array in arrays], dtype=np.float64)
    except (TypeError, ValueError, IndexError) as error:
        raise DamagedData("features of a cycle", f"{columns[-1]} is missing: {error}") from error
