"""What recognition judges: all rows of the tables, with their batteries and cycles."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from core.ingest.table import Column, Table
from core.ingest.table_rows import common_columns, numbers_of

# A battery's first cycles: a tenth of its rows, within these bounds.
FIRST_CYCLES = (3, 20)
_FEW = 5


@dataclass(frozen=True)
class Evidence:
    """All rows of tables that hold the same kind of rows.

    codes : (n_rows,) battery of each row
    cycle : (n_rows,) cycle number; row order where no column holds it
    """

    tables: tuple[Table, ...]
    codes: "pd.Categorical"
    cycle: np.ndarray

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns that every table has."""
        return common_columns(self.tables)

    @property
    def n_rows(self) -> int:
        """Rows over all tables."""
        return len(self.codes)

    def numbers(self, column: str) -> np.ndarray:
        """(n_rows,) a column's numbers."""
        return numbers_of(self.tables, column)

    def parts(self, column: str) -> list[Column]:
        """The column in each table."""
        return [table.column(column) for table in self.tables]

    def unit(self, column: str) -> str:
        """The unit that a row of units or the cells say."""
        return next((part.unit for part in self.parts(column) if part.unit), "")

    def doubt(self, column: str) -> str:
        """Why the cells can be read in two ways; "" where they cannot."""
        return next((part.doubt for part in self.parts(column) if part.doubt), "")

    def by_battery(self, values: np.ndarray) -> "pd.Series":
        """The values by battery and cycle, without blanks: index = battery code."""
        order = np.lexsort((self.cycle, self.codes.codes))
        order = order[np.isfinite(values[order])]
        names = np.asarray(self.codes.categories, dtype=object)
        return pd.Series(values[order], index=names[self.codes.codes[order]])

    def tops(self, values: np.ndarray) -> "pd.Series":
        """Each battery's upper quartile over its first cycles: spikes and formation pass it by.

        Of fewer than five first cycles it is the largest, as they lie far apart.
        """
        known = self.by_battery(np.where(values > 0, values, np.nan))
        groups = known.groupby(level=0, sort=False)
        wanted = (groups.transform("size") // 10).clip(*FIRST_CYCLES)
        first = known[(groups.cumcount() < wanted).to_numpy()].groupby(level=0, sort=False)
        few = first.size() < _FEW
        return first.quantile(0.75).where(~few, first.max())


def is_number_column(parts: Sequence[Column]) -> bool:
    """Whether at least half of the cells that are not blank are numbers.

    Half is enough, so that a column with a bad cell is mapped and the bad cell then reported.
    """
    numbers = sum(part.n_numbers for part in parts)
    texts = sum(part.n_texts for part in parts)
    return numbers > 0 and numbers >= texts
