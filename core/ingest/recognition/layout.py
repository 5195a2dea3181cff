"""Layouts of tables: one row per battery and cycle, or batteries side by side, turned into that.

A turned table is one battery; its columns have the plain names ("cycle", "capacity", or what
stands beside the battery's name in each heading).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from core.ingest.mapping import Layout
from core.ingest.recognition.column_names import normalised, role_of
from core.ingest.recognition.known_names import ROLE_NAMES
from core.ingest.table import Column, Table

CYCLE, CAPACITY = "cycle", "capacity"
LAYOUT_WORDS: dict[Layout, str] = {
    "rows": "One row per battery and cycle",
    "cells_in_columns": "One column per battery",
    "cells_side_by_side": "Batteries side by side, a group of columns each",
    "cells_in_rows": "One row per battery",
}
_LABELS = ("capacity", "soh", "pcl")
_MIN_CYCLES_IN_ROW = 10


@dataclass(frozen=True)
class CellColumns:
    """The columns of one battery in a table with batteries side by side: plain name -> column."""

    battery_code: str
    columns: dict[str, str]


def layout_of(table: Table) -> Layout:
    """The layout of a table, judged by its headings and numbers."""
    if _header_cycles(table):
        return "cells_in_rows"
    if _side_by_side(table):
        return "cells_side_by_side"
    if _cell_columns(table):
        return "cells_in_columns"
    return "rows"


def turned(tables: Sequence[Table], layout: Layout) -> tuple[Table, ...]:
    """Tables with one row per cycle and one battery each; "rows" are given back as they are."""
    if layout == "rows":
        return tuple(tables)
    turn = {
        "cells_in_columns": _from_columns,
        "cells_side_by_side": _from_groups,
        "cells_in_rows": _from_rows,
    }[layout]
    found = [cell for table in tables for cell in turn(table)]
    return tuple(found) or tuple(tables)


def _from_columns(table: Table) -> Iterator[Table]:
    cycle = _cycle_column(table)
    for name in _cell_columns(table):
        columns = {CAPACITY: name} if cycle is None else {CYCLE: cycle, CAPACITY: name}
        yield _cell_table(table, CellColumns(name, columns), (CAPACITY,))


def _from_groups(table: Table) -> Iterator[Table]:
    for group in _side_by_side(table):
        yield _cell_table(table, group, tuple(group.columns))


def _from_rows(table: Table) -> Iterator[Table]:
    cycles = _header_cycles(table)
    columns = [table.column(name) for name in cycles]
    values = np.column_stack([column.numbers for column in columns])
    numbers = np.array(list(cycles.values()), dtype=np.float64)
    names = _row_codes(table, cycles)
    for position, code in enumerate(names):
        known = np.isfinite(values[position])
        rows = np.full(int(known.sum()), table.file_rows[position], dtype=np.int32)
        made = (Column(CYCLE, numbers[known]), Column(CAPACITY, values[position][known]))
        yield Table(f"{table.name}, row of {code}", code, made, rows)


def _row_codes(table: Table, cycles: dict[str, float]) -> list[str]:
    for column in table.columns:
        if column.name not in cycles and column.texts is not None:
            texts = [str(text) for text in column.texts]
            if all(texts) and len(set(texts)) == len(texts):
                return texts
    return [f"row {row}" for row in table.file_rows]


def _cell_table(table: Table, group: CellColumns, measured: Sequence[str]) -> Table:
    """One battery's columns, without the rows where all of `measured` are blank."""
    chosen = {plain: table.column(name) for plain, name in group.columns.items()}
    filled = np.zeros(table.n_rows, dtype=bool)
    for plain in measured:
        filled |= np.isfinite(chosen[plain].numbers)
    columns = tuple(_part(column, plain, filled) for plain, column in chosen.items())
    name = f"{table.name}, columns of {group.battery_code}"
    return Table(name, group.battery_code, columns, table.file_rows[filled])


def _part(column: Column, name: str, rows: np.ndarray) -> Column:
    texts = None if column.texts is None else pd.Categorical(column.texts[rows])
    return replace(column, name=name, numbers=column.numbers[rows], texts=texts)


def _cycle_column(table: Table) -> str | None:
    for name in table.names:
        if role_of(name) == "cycle":
            return name
    first = table.columns[0] if table.columns else None
    return first.name if first is not None and _counts_up(first) else None


def _counts_up(column: Column) -> bool:
    values = column.numbers
    whole = np.isfinite(values).all() and (values == np.floor(values)).all()
    return len(values) > 2 and bool(whole) and bool((np.diff(values) > 0).all())


def _cell_columns(table: Table) -> tuple[str, ...]:
    """Columns of capacities, one per battery: nothing but a cycle stands beside them."""
    if any(role_of(name) not in (None, "cycle") for name in table.names):
        return ()
    cycle = _cycle_column(table)
    cells = [c for c in table.columns if c.name != cycle and c.n_numbers]
    if cycle is None or len(cells) < 2 or any(c.n_texts > c.n_numbers for c in cells):
        return ()
    tops = np.array([np.nanmax(column.numbers) for column in cells])
    ends = np.array([_first_and_last(column) for column in cells])
    alike = (tops > 0).all() and tops.max() < 1.5 * tops.min()
    falling = np.mean(ends[:, 1] < ends[:, 0]) > 0.5
    return tuple(c.name for c in cells) if alike and falling and _named_alike(cells) else ()


def _named_alike(cells: Sequence[Column]) -> bool:
    """Whether most names differ in their digits alone, as C1, C2 and B0005, B0006 do."""
    stems = [re.sub(r"\d+", "#", column.name.strip()) for column in cells]
    most = max(stems.count(stem) for stem in stems)
    return most >= 0.8 * len(stems) and any("#" in stem for stem in stems)


def _first_and_last(column: Column) -> tuple[float, float]:
    known = column.numbers[np.isfinite(column.numbers)]
    return float(known[0]), float(known[-1])


def _side_by_side(table: Table) -> tuple[CellColumns, ...]:
    """Groups of columns with the name of a battery beside a plain name; empty without two."""
    parted = {name: list(_partings(name)) for name in table.names}
    groups: dict[str, dict[str, str]] = {}
    for name, choices in parted.items():
        told = [(p, c) for p, c in choices if role_of(p) == "cycle" or role_of(p) in _LABELS]
        if told:
            plain, cell = max(told, key=lambda choice: len(choice[0]))
            groups.setdefault(cell, {}).setdefault(str(role_of(plain)), name)
    shared = next((name for name in table.names if role_of(name) == "cycle"), None)
    cells = {
        cell: found
        for cell, found in groups.items()
        if any(role in found for role in _LABELS)
        and ("cycle" in found or (shared is not None and not cell.startswith("(")))
    }
    if len(cells) < 2:
        return ()
    return tuple(_group(table, parted, cell, shared) for cell in cells)


def _group(
    table: Table, parted: dict[str, list[tuple[str, str]]], cell: str, shared: str | None
) -> CellColumns:
    columns: dict[str, str] = {}
    for name in table.names:
        for plain, of_cell in parted[name]:
            if of_cell == cell and plain not in columns:
                columns[plain] = name
                break
    if shared is not None and not any(role_of(plain) == "cycle" for plain in columns):
        columns = {shared: shared, **columns}
    code = f"battery {cell.strip('()')}" if cell.startswith("(") else cell
    return CellColumns(code, columns)


def _partings(name: str) -> Iterator[tuple[str, str]]:
    """Every (plain name, battery) that a heading may hold, the plain name first or last."""
    repeated = re.fullmatch(r"(.+) (\(\d+\))", name)
    if repeated:
        yield repeated[1], repeated[2]
        return
    if role_of(name) is not None:
        yield name, "(1)"
    marks = [m.start() for m in re.finditer(r"[\s_\-./:]+|(?<=[a-z)])(?=[A-Z0-9])", name)]
    for mark in marks:
        left, right = name[:mark].strip(" _-./:"), name[mark:].strip(" _-./:")
        if not left or not right:
            continue
        cell = right.strip("()[]")
        if _is_cell_name(cell):
            yield left, cell
        if _is_cell_name(left):
            yield right, left


def _is_cell_name(text: str) -> bool:
    """Whether a text can name a battery: it has a digit, or is a letter or two, and is no unit."""
    key = normalised(text)
    if not key or any(key in names for names in ROLE_NAMES.values() if key != "cell"):
        return False
    return any(char.isdigit() for char in key) or (len(key) == 1 and text.isupper())


def _header_cycles(table: Table) -> dict[str, float]:
    """Headings that are cycle numbers, where nearly all are: one row per battery."""
    cycles: dict[str, float] = {}
    for name in table.names:
        text = re.sub(r"(?i)^(cycle|cyc|zyklus|循环)[\s_\-#]*", "", name.strip())
        if re.fullmatch(r"\d+(\.0+)?", text):
            cycles[name] = float(text)
    values = list(cycles.values())
    rising = all(b > a for a, b in pairwise(values))
    if len(cycles) < _MIN_CYCLES_IN_ROW or not rising:
        return {}
    return cycles if len(table.columns) - len(cycles) <= 3 else {}
