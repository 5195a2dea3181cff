"""Gathers one column batch by batch, and judges at its end what the marks in it mean."""

import math
from array import array
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any, cast

import numpy as np
import pandas as pd

from core.ingest.numbers import Cell, is_group, is_missing, read_cell
from core.ingest.table import Column

# Texts of a column are kept up to so many different ones; of measured numbers far fewer.
MAX_TEXTS = 5_000
MAX_TEXTS_OF_NUMBERS = 200
MAX_EXAMPLES = 20
_THOUSAND = 1000.0


class ColumnReader:
    """The cells of one column, added in batches.

    decimal_commas, decimal_points : cells whose mark can only be that of decimals
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.decimal_commas = 0
        self.decimal_points = 0
        self._numbers = array("d")
        self._known: dict[str, int] | None = {}
        self._codes = array("i")
        self._commas = array("q")
        self._points = array("q")
        self._only_groups = True
        self._units: Counter[str] = Counter()
        self._n_texts = 0
        self._examples: list[tuple[int, str]] = []

    def add(self, cells: Sequence[object], file_rows: Sequence[int]) -> None:
        """Add cells: texts, or the typed values of a workbook (None where blank)."""
        start = len(self._numbers)
        try:
            self._numbers.frombytes(_plain(cells).tobytes())
        except (TypeError, ValueError):
            self._add_slowly(cells, file_rows)
        else:
            self._look_for_groups(cells, start)
        if self._known is not None:
            self._add_texts(cells)

    def finish(self, decimal_mark: str) -> Column:
        """The column, with the mark of decimals ("," "." or "" = unknown) of the other columns."""
        numbers = np.frombuffer(self._numbers, dtype=np.float64).copy()
        doubt = self._resolve(numbers, decimal_mark)
        unit, count = self._units.most_common(1)[0] if self._units else ("", 0)
        filled = int(np.isfinite(numbers).sum())
        return Column(
            name=self.name,
            numbers=numbers,
            texts=self._categorical(),
            unit=unit if 2 * count >= filled else "",
            n_texts=self._n_texts,
            examples=tuple(self._examples),
            doubt=doubt or self._mixed_units(unit, filled),
        )

    def _add_slowly(self, cells: Sequence[object], file_rows: Sequence[int]) -> None:
        # Names and units come again and again in a column: each text is judged once.
        judged: dict[str, Cell | None] = {}
        for cell, row in zip(cells, file_rows, strict=True):
            if isinstance(cell, bool) or not isinstance(cell, int | float | str | None):
                self._text(cell, row)
            elif isinstance(cell, str):
                if cell not in judged:
                    judged[cell] = read_cell(cell)
                self._add_text(cell, judged[cell], row)
            else:
                self._numbers.append(np.nan if cell is None else float(cell))

    def _add_text(self, cell: str, found: Cell | None, row: int) -> None:
        if found is None:
            self._text(cell, row)
            return
        position = len(self._numbers)
        self._numbers.append(found.value)
        if found.unit:
            self._units[found.unit] += 1
        if found.mark == "group comma":
            self._commas.append(position)
        elif found.mark == "group point":
            self._points.append(position)
        elif found.mark == "decimal comma":
            self.decimal_commas += 1
        elif found.mark == "decimal point":
            self.decimal_points += 1

    def _text(self, cell: object, row: int) -> None:
        self._numbers.append(np.nan)
        self._n_texts += 1
        if len(self._examples) < MAX_EXAMPLES:
            self._examples.append((int(row), text_of(cell)))

    def _look_for_groups(self, cells: Sequence[object], start: int) -> None:
        """Positions of cells like 1.100, for as long as every cell with a point is like that."""
        if not self._only_groups or _are_texts_without(".", cells):
            return
        for position, cell in enumerate(cells, start=start):
            if not isinstance(cell, str):
                self._only_groups = False
                return
            text = cell.strip()
            if "." not in text:
                continue
            if is_group(text):
                self._points.append(position)
            else:
                self.decimal_points += 1
                self._only_groups = False
                return

    def _resolve(self, numbers: np.ndarray, decimal_mark: str) -> str:
        """Turn groups into thousands where the evidence says so; returns a doubt, or ""."""
        commas = np.frombuffer(self._commas, dtype=np.int64)
        points = np.frombuffer(self._points, dtype=np.int64)
        near = _nearer_thousands(numbers, np.concatenate([commas, points]))
        if len(points):
            by_mark = self.decimal_points == 0 and (self.decimal_commas > 0 or decimal_mark == ",")
            if by_mark if near is None else near:
                numbers[points] *= _THOUSAND
        if not len(commas):
            return ""
        if near is not None:
            thousands, sure = near, True
        else:
            sure = bool(self.decimal_points) != bool(self.decimal_commas) or decimal_mark != ""
            thousands = self.decimal_points > 0 or (decimal_mark == "." and not self.decimal_commas)
        if thousands:
            numbers[commas] *= _THOUSAND
        return "" if sure else self._either(numbers[commas[0]])

    def _either(self, value: float) -> str:
        shown = f"{value:.3f}".replace(".", ",")
        return (
            f"Column {self.name!r} holds {shown!r}, which can be {value * _THOUSAND:,.0f} with a "
            f"mark of thousands or {value:g} with a decimal mark; it is read as {value:g}"
        )

    def _mixed_units(self, unit: str, filled: int) -> str:
        if len(self._units) < 2 and (not self._units or sum(self._units.values()) == filled):
            return ""
        if len(self._units) >= 2:
            return f"Column {self.name!r} holds cells in {' and in '.join(sorted(self._units))}"
        return f"Column {self.name!r} has the unit {unit} in some cells and none in others"

    def _add_texts(self, cells: Sequence[object]) -> None:
        known = self._known
        assert known is not None
        if len(set(cells)) > MAX_TEXTS_OF_NUMBERS and self._are_measured():
            self._known, self._codes = None, array("i")
            return
        texts = [cell.strip() if isinstance(cell, str) else text_of(cell) for cell in cells]
        # A dictionary keeps the order in which texts are met; a set would not.
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, range(len(known), len(known) + len(new)), strict=True))
        if len(known) > MAX_TEXTS or (len(known) > MAX_TEXTS_OF_NUMBERS and self._are_measured()):
            self._known, self._codes = None, array("i")
        else:
            self._codes.extend(map(known.__getitem__, texts))

    def _are_measured(self) -> bool:
        """Whether the cells are numbers with decimals: no battery is called so."""
        if self._n_texts:
            return False
        numbers = np.frombuffer(self._numbers, dtype=np.float64)
        finite = numbers[np.isfinite(numbers)]
        return bool(np.mean(finite != np.floor(finite)) > 0.5) if len(finite) else False

    def _categorical(self) -> "pd.Categorical[Any] | None":
        if self._known is None:
            return None
        codes = np.frombuffer(self._codes, dtype=np.int32)
        categories = pd.Index(list(self._known), dtype=object)
        return pd.Categorical.from_codes(codes, categories=categories)


def text_of(value: object) -> str:
    """A cell as text: whole numbers without ".0", dates as such, "" where blank."""
    if isinstance(value, str):
        return value.strip()
    if value is None:
        return ""
    if isinstance(value, float):
        if value != value:
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time | timedelta):
        return str(value)
    return str(value).strip()


def _nearer_thousands(numbers: np.ndarray, groups: np.ndarray) -> bool | None:
    """Whether cells like 1,100 are near the rest of their column as thousands; None = unclear."""
    others = np.delete(numbers, groups)
    others = np.abs(others[np.isfinite(others) & (others != 0)])
    if not len(groups) or not len(others):
        return None
    ratio = float(np.median(np.abs(numbers[groups])) / np.median(others))
    if 0.2 < ratio < 5:
        return False
    return True if 0.2 < ratio * _THOUSAND < 5 else None


def _plain(cells: Sequence[object]) -> np.ndarray:
    """(n,) float64 of cells that are all plain numbers; raises otherwise."""
    if all(type(cell) in (float, int) or cell is None for cell in cells):
        return np.array([np.nan if c is None else c for c in cells], dtype=np.float64)
    texts = cast("Sequence[str]", cells)
    if "_" in "".join(texts):
        raise ValueError("float() would read 1_5 as 15")
    if "" in texts:
        texts = [text or "nan" for text in texts]
    return np.fromiter(map(float, texts), dtype=np.float64, count=len(texts))


def _are_texts_without(mark: str, cells: Sequence[object]) -> bool:
    """Whether all cells are texts, and none of them holds the mark."""
    try:
        return mark not in "".join(cast("Sequence[str]", cells))
    except TypeError:
        return False


def is_number(cell: object) -> bool:
    """Whether a cell holds a number, with or without unit."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return cell == cell
    if not isinstance(cell, str):
        return False
    if "_" not in cell:
        try:
            return not math.isnan(float(cell))
        except ValueError:
            pass
    found = None if is_missing(cell) else read_cell(cell)
    return found is not None and found.value == found.value
