"""Columns of one or more tables that hold the same kind of rows, one below the other."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.ingest.table import Column, Table


def common_columns(tables: Sequence[Table]) -> tuple[str, ...]:
    """Columns that every table has, in the order of the first."""
    if not tables:
        return ()
    others = [set(table.names) for table in tables[1:]]
    return tuple(name for name in tables[0].names if all(name in names for names in others))


def numbers_of(tables: Sequence[Table], name: str) -> np.ndarray:
    """(n_rows,) a column's numbers over all tables."""
    if len(tables) == 1:
        return tables[0].column(name).numbers
    return np.concatenate([table.column(name).numbers for table in tables])


def file_rows_of(tables: Sequence[Table]) -> np.ndarray:
    """(n_rows,) int32, the row in its file or sheet."""
    return np.concatenate([table.file_rows for table in tables]).astype(np.int32, copy=False)


def texts_of(tables: Sequence[Table], name: str) -> "pd.Categorical":
    """(n_rows,) a column's cells as written, "" where blank."""
    return _joined([column_texts(table.column(name)) for table in tables])


def codes_of(tables: Sequence[Table], column: str | None, fill_down: bool) -> "pd.Categorical":
    """(n_rows,) battery codes: of a column, or each table's own; blanks filled from above."""
    if column is None:
        names = [table.battery_code for table in tables]
        counts = [table.n_rows for table in tables]
        known = list(dict.fromkeys(names))
        positions = np.array([known.index(name) for name in names], dtype=np.int32)
        return _categorical(np.repeat(positions, counts), known)
    parts = []
    for table in tables:
        texts = column_texts(table.column(column))
        parts.append(filled_down(texts) if fill_down else texts)
    return _joined(parts)


def column_texts(column: Column) -> "pd.Categorical":
    """The cells of a column as written; whole numbers without a decimal point."""
    if column.texts is not None:
        return column.texts
    codes, values = pd.factorize(column.numbers)
    known = ["", *(f"{v:.0f}" if float(v).is_integer() else repr(float(v)) for v in values)]
    return _categorical(codes + 1, known)


def filled_down(texts: "pd.Categorical") -> "pd.Categorical":
    """Blank cells take the text above them."""
    blank = np.asarray(texts == "")
    last = np.maximum.accumulate(np.where(blank, 0, np.arange(len(texts))))
    return _categorical(texts.codes[last], list(texts.categories))


def rows_with(table: Table, column: str, text: str) -> Table:
    """The rows of a table with this text in a column; raises BadFile without one."""
    rows = np.asarray(column_texts(table.column(column)) == text)
    if not rows.any():
        raise BadFile(f"No row of {table.name} has {text!r} in column {column!r}.")
    columns = tuple(
        replace(
            item,
            numbers=item.numbers[rows],
            texts=None if item.texts is None else pd.Categorical(item.texts[rows]),
        )
        for item in table.columns
    )
    return replace(table, columns=columns, file_rows=table.file_rows[rows])


def _joined(parts: Sequence["pd.Categorical"]) -> "pd.Categorical":
    if len(parts) == 1:
        return _categorical(parts[0].codes, list(parts[0].categories))
    known: dict[str, int] = {}
    codes = []
    for part in parts:
        places = [known.setdefault(str(text), len(known)) for text in part.categories]
        codes.append(np.array([*places, 0], dtype=np.int32)[part.codes])
    return _categorical(np.concatenate(codes), list(known))


def _categorical(codes: np.ndarray, known: Sequence[str]) -> "pd.Categorical":
    """Texts by code, known ones in the order of their first row."""
    codes = np.asarray(codes, dtype=np.int32)
    present, firsts = np.unique(codes, return_index=True)
    present = present[np.argsort(firsts, kind="stable")]
    new = np.zeros(max(len(known), 1), dtype=np.int32)
    new[present] = np.arange(len(present), dtype=np.int32)
    names = pd.Index([str(known[code]) for code in present], dtype=object)
    return pd.Categorical.from_codes(new[codes], categories=names)
