"""Converts text cells to numbers, and refuses what is not exactly a number."""

import re
from collections.abc import Sequence
from typing import cast

import numpy as np

# What spreadsheets and statistics programs write where a value is missing.
MISSING = frozenset(
    ("", "-", "na", "n/a", "nan", "null", "none", "#n/a", "#div/0!", "#value!", "#ref!", "#num!")
)
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")


class TextCellError(ValueError):
    """The cell at `index` of the parsed batch holds text."""

    def __init__(self, index: int, value: object) -> None:
        super().__init__(f"cell {index} holds {value!r}")
        self.index = index
        self.value = value


def is_missing(value: object) -> bool:
    """Whether a cell is empty or holds a usual word for "no value"."""
    return value is None or (isinstance(value, str) and value.strip().casefold() in MISSING)


def parse_number(value: object, decimal_comma: bool = False) -> float:
    """One cell as a number, NaN where missing; raises ValueError for anything else."""
    if is_missing(value):
        return float("nan")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str) or "_" in value:
        raise ValueError(f"not a number: {value!r}")
    text = value.strip()
    if decimal_comma and _COMMA_NUMBER.fullmatch(text):
        text = text.replace(",", ".")
    return float(text)


def parse_numbers(values: Sequence[object], decimal_comma: bool = False) -> np.ndarray:
    """Cells of one column as float64 (n,), NaN where missing; raises TextCellError."""
    try:
        return _parse_fast(values, decimal_comma)
    except (TypeError, ValueError):
        return _parse_slowly(values, decimal_comma)


def _parse_fast(values: Sequence[object], decimal_comma: bool) -> np.ndarray:
    # Cells of a workbook are not all text: join raises TypeError, and each cell is read alone.
    texts = cast("Sequence[str]", values)
    joined = "".join(texts)
    if "_" in joined:
        raise ValueError("float() would read 1_5 as 15")
    if decimal_comma and "," in joined:
        texts = [text.replace(",", ".") for text in texts]
    return np.array(list(map(float, texts)), dtype=np.float64)


def _parse_slowly(values: Sequence[object], decimal_comma: bool) -> np.ndarray:
    numbers = np.empty(len(values))
    for index, value in enumerate(values):
        try:
            numbers[index] = parse_number(value, decimal_comma)
        except (ValueError, OverflowError) as error:
            raise TextCellError(index, value) from error
    return numbers
