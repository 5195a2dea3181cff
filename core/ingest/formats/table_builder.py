"""Gathers the columns of one table, batch by batch, in compact arrays."""

from array import array
from collections.abc import Callable, Collection, Sequence
from operator import itemgetter

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.ingest.limits import Limits
from core.ingest.numbers import TextCellError, is_missing, parse_number, parse_numbers
from core.ingest.table import Column, Table

# Different numbers of a column whose texts are kept; more are measurements, no codes.
_MOST_TEXTS = 5_000
_MOST_EXAMPLES = 20


class TableBuilder:
    """Columns of a table; `wanted` names those that are kept (None = all)."""

    def __init__(
        self,
        columns: Sequence[str],
        name: str,
        battery_code: str,
        limits: Limits,
        decimal_comma: bool = False,
        wanted: Collection[str] | None = None,
    ) -> None:
        self._name, self._code, self._limits = name, battery_code, limits
        self._rows = array("i")
        self._columns = [
            _ColumnBuilder(column, position, decimal_comma)
            for position, column in enumerate(columns)
            if wanted is None or column in wanted
        ]

    def add(self, cells: Sequence[Sequence[object]], file_rows: Sequence[int]) -> None:
        """Add rows, each as long as the columns."""
        if len(self._rows) + len(cells) > self._limits.max_rows:
            raise BadFile(
                f"The file has more than {self._limits.max_rows:,} rows. FadeBench needs one row "
                "per cycle: summarise time series by cycle first, or split the file."
            )
        for column in self._columns:
            column.add(list(map(itemgetter(column.position), cells)), file_rows)
        self._rows.extend(file_rows)

    def table(self) -> Table:
        """The table of everything added so far."""
        rows = np.frombuffer(self._rows, dtype=np.int32) if self._rows else np.zeros(0, np.int32)
        columns = tuple(column.column() for column in self._columns)
        return Table(self._name, self._code, columns, rows)


class _ColumnBuilder:
    def __init__(self, name: str, position: int, decimal_comma: bool) -> None:
        self.name, self.position = name, position
        self._decimal_comma = decimal_comma
        self._numbers = array("d")
        self._known: dict[str, int] | None = {"": 0}
        self._codes = array("i")
        self._n_texts = 0
        self._examples: list[tuple[int, str]] = []

    def add(self, values: list[object], file_rows: Sequence[int]) -> None:
        try:
            numbers = parse_numbers(values, self._decimal_comma)
        except TextCellError:
            numbers = self._with_texts(values, file_rows)
        self._numbers.frombytes(numbers.tobytes())
        if self._known is None:
            return
        known = self._known
        for value in values:
            text = _cell_text(value)
            self._codes.append(known.setdefault(text, len(known)))
        if len(known) > _MOST_TEXTS and not self._n_texts:
            self._known = None

    def _with_texts(self, values: list[object], file_rows: Sequence[int]) -> np.ndarray:
        numbers = np.full(len(values), np.nan)
        for place, value in enumerate(values):
            if is_missing(value):
                continue
            try:
                numbers[place] = parse_number(value, self._decimal_comma)
            except (ValueError, OverflowError):
                self._n_texts += 1
                if len(self._examples) < _MOST_EXAMPLES:
                    self._examples.append((file_rows[place], str(value).strip()[:200]))
        return numbers

    def column(self) -> Column:
        numbers = np.frombuffer(self._numbers) if self._numbers else np.zeros(0)
        texts = None
        if self._known is not None:
            codes = np.frombuffer(self._codes, dtype=np.int32) if self._codes else []
            names = pd.Index(list(self._known), dtype=object)
            texts = pd.Categorical.from_codes(codes, categories=names)
        return Column(
            self.name, numbers, texts, n_texts=self._n_texts, examples=tuple(self._examples)
        )


def _cell_text(value: object) -> str:
    """A cell as text; whole numbers without the ".0" that spreadsheets add."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


Report = Callable[[], None]
