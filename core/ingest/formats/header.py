"""Finds where a table begins: titles above it, its header of one or two rows, a row of units."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.base.errors import BadFile
from core.base.words import counted
from core.ingest.formats.column_reader import is_number, text_of
from core.ingest.numbers import CELL_UNITS, is_missing

# Rows that are looked at for the header.
LOOK_ROWS = 60
_FILLED_SHARE = 0.6
_OTHER_UNITS = frozenset(
    ("-", "1", "#", "degree", "celsius", "minutes", "seconds", "hours", "volt", "ampere", "℃",
     "c", "cycle", "mm:ss", "hh:mm:ss", "1/ah", "ah/v", "a/s", "w", "mw", "hz", "(-)", "[-]")
)  # fmt: skip


@dataclass(frozen=True)
class Header:
    """The head of a table.

    names : of its columns, unique
    texts : the cells of the header's last row, to know it again when it is repeated
    first_row : position of the first row of data among the rows looked at
    units : by column, "" where none
    above : texts above the header
    skipped : sentences on what stands above the data and is no header
    """

    names: tuple[str, ...]
    texts: tuple[str, ...]
    first_row: int
    units: tuple[str, ...]
    above: tuple[str, ...]
    skipped: tuple[str, ...]


def find_header(rows: Sequence[Sequence[Any]], table_name: str) -> Header:
    """The header among the first rows of a table; raises BadFile without one."""
    if not rows:
        raise BadFile(f"{table_name} is empty. Upload a file with column names and rows.")
    last = _last_row_of_header(rows)
    units: tuple[str, ...] = ()
    names_row = last
    if last > 0 and _is_units_row(rows[last]) and _n_texts(rows[last - 1]) > 1:
        names_row, units = last - 1, tuple(_unit(text_of(cell)) for cell in rows[last])
    upper = names_row - 1 if names_row > 0 and _is_upper(rows, names_row) else None
    top = names_row if upper is None else upper
    names = unique_names(
        rows[names_row] if upper is None else _joined(rows[upper], rows[names_row])
    )
    _check(names, len(rows) - last - 1, table_name)
    above = tuple(text_of(cell) for row in rows[:top] for cell in row if text_of(cell))
    skipped = []
    if top:
        skipped.append(f"{counted(top, 'row')} above the header of {table_name} skipped.")
    if units:
        skipped.append(f"A row of units below the header of {table_name} was taken as units.")
    if upper is not None:
        skipped.append(f"The header of {table_name} has two rows; their names are joined.")
    return Header(
        names=names,
        texts=tuple(text_of(cell).casefold() for cell in rows[names_row]),
        first_row=last + 1,
        units=(*units, *[""] * (len(names) - len(units)))[: len(names)],
        above=above,
        skipped=tuple(skipped),
    )


def unique_names(header: Sequence[object]) -> tuple[str, ...]:
    """Column names for display and mapping: trimmed, none empty, all different."""
    cells = list(header)
    while len(cells) > 1 and not text_of(cells[-1]):
        cells.pop()
    names: list[str] = []
    for position, cell in enumerate(cells, start=1):
        base = " ".join(text_of(cell).split()) or f"column {position}"
        name, repeat = base, 2
        while name in names:
            name = f"{base} ({repeat})"
            repeat += 1
        names.append(name)
    return tuple(names)


def _last_row_of_header(rows: Sequence[Sequence[Any]]) -> int:
    """Position of the last row before the data: texts in as many columns as the data fills."""
    counts = [_counts(row) for row in rows]
    filled = [n_filled for n_filled, _n_numbers in counts]
    data = [
        position
        for position, row in enumerate(rows)
        if position and _is_data(len(row), *counts[position])
    ]
    typical = sorted(filled[position] for position in data)[len(data) // 2] if data else 1
    first = data[0] if data else 1
    for position in range(first - 1, -1, -1):
        if _n_texts(rows[position]) and filled[position] >= _FILLED_SHARE * typical:
            return position
    return 0 if not data else max(first - 1, 0)


def _is_data(width: int, n_filled: int, n_numbers: int) -> bool:
    """Numbers in at least a third of the cells that are filled, and no name of a column."""
    return n_numbers > 0 and 3 * n_numbers >= n_filled and (n_filled > 1 or width == 1)


def _counts(row: Sequence[Any]) -> tuple[int, int]:
    """Cells of a row that are filled, and those that are numbers."""
    try:
        # Most rows are plain numbers, and an archive may hold thousands of tables.
        if "_" not in "".join(row) and not any(map(math.isnan, map(float, row))):
            return len(row), len(row)
    except (TypeError, ValueError):
        pass
    return _n_filled(row), sum(map(is_number, row))


def _is_upper(rows: Sequence[Sequence[Any]], position: int) -> bool:
    """Whether the row above is the upper half of a header: names over several columns."""
    above, row = rows[position - 1], rows[position]
    if _n_texts(above) < 2 or _n_texts(above) < _n_filled(above):
        return False
    pairs = list(zip([*above, *[None] * len(row)], row, strict=False))
    gap_above = any(not text_of(a) and text_of(b) for a, b in pairs)
    gap_below = any(text_of(a) and not text_of(b) for a, b in pairs)
    return gap_below or (gap_above and any(text_of(a) and text_of(b) for a, b in pairs))


def _joined(above: Sequence[Any], row: Sequence[Any]) -> list[str]:
    """Names of two rows: the upper one goes on over the blanks to its right."""
    width = max(len(above), len(row))
    upper = [*map(text_of, above), *[""] * (width - len(above))]
    lower = [*map(text_of, row), *[""] * (width - len(row))]
    names, group = [], ""
    for high, low in zip(upper, lower, strict=True):
        group = high or group
        names.append(f"{group} {low}".strip() if low else high)
    return names


def _is_units_row(row: Sequence[Any]) -> bool:
    cells = [text_of(cell) for cell in row if text_of(cell)]
    known = sum(_unit(cell) != "" or cell.casefold() in _OTHER_UNITS for cell in cells)
    return bool(cells) and known >= max(1, 0.8 * len(cells))


def _unit(text: str) -> str:
    bare = text.strip("()[] ").casefold()
    return CELL_UNITS.get(bare, "")


def _n_filled(row: Sequence[Any]) -> int:
    return sum(bool(text_of(cell)) for cell in row)


def _n_texts(row: Sequence[Any]) -> int:
    return sum(bool(text_of(c)) and not is_number(c) and not is_missing(c) for c in row)


def _check(names: Sequence[str], n_rows: int, table_name: str) -> None:
    if all(is_number(name) for name in names):
        raise BadFile(
            f"The first row of {table_name} holds numbers. Add a first row with column names."
        )
    if n_rows <= 0:
        raise BadFile(f"{table_name} has column names but no rows. Upload a file with data.")
