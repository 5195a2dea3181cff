"""Columns of files that know their types: Parquet, MATLAB."""

from typing import Any

import numpy as np
import pandas as pd

from core.ingest.formats.column_reader import MAX_TEXTS, ColumnReader
from core.ingest.table import Column


def column_of(name: str, values: np.ndarray) -> Column:
    """A column of numbers (n,), or of texts and other objects (n,)."""
    if values.dtype.kind in "OSUMm":
        reader = ColumnReader(name)
        cells = [None if _is_blank(value) else value for value in values.tolist()]
        reader.add(cells, range(1, len(cells) + 1))
        return reader.finish("")
    numbers = values.astype(np.float64)
    return Column(name, numbers, _texts_of_whole(numbers, values.dtype))


def _texts_of_whole(numbers: np.ndarray, dtype: Any) -> "pd.Categorical[Any] | None":
    """The texts of whole numbers, which may name batteries; None for measured ones."""
    if dtype.kind == "f" and not np.array_equal(numbers, np.floor(numbers), equal_nan=True):
        return None
    codes, values = pd.factorize(numbers)
    if len(values) > MAX_TEXTS or not np.isfinite(values).all():
        return None
    texts = ["", *(f"{value:.0f}" for value in values)]
    return pd.Categorical.from_codes(codes + 1, categories=pd.Index(texts, dtype=object))


def _is_blank(value: object) -> bool:
    return value is None or value is pd.NaT or value != value
