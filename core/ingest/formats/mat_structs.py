"""Structs of a MATLAB v5 file as plain values, every length checked and the depth bounded."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.ingest.formats.mat5 import MatrixReader, damaged, variables
from core.ingest.limits import Limits

# Of a published file: battery, cycle, data, vector.
_MAX_DEPTH = 8
# Each element costs a Python object, so that they are bounded apart from the bytes.
_MAX_ELEMENTS = 5_000_000
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMERIC = range(6, 16)
_TEXT_TYPES = {1: "latin-1", 2: "latin-1", 16: "utf-8"}


@dataclass(frozen=True)
class Struct:
    """A struct array: its elements in MATLAB's order, each with the same fields."""

    elements: tuple[dict[str, "Value"], ...]

    @property
    def only(self) -> dict[str, "Value"]:
        """Its first element; empty without one."""
        return self.elements[0] if self.elements else {}


Value = np.ndarray | str | Struct | tuple["Value", ...] | None


def read_structs(path: Path, limits: Limits) -> dict[str, Struct]:
    """The variables of a file that are structs; raises BadFile for damage and too much content.

    Numbers become float64 arrays of their shape, texts str, cell arrays tuples; anything else
    (complex numbers, sparse arrays, objects) is None.
    """
    found: dict[str, Struct] = {}
    budget = _Budget()
    for content, order in variables(path, limits):
        name, value = _matrix(MatrixReader(content, order), 0, budget)
        if isinstance(value, Struct):
            found[name] = value
    return found


class _Budget:
    def __init__(self) -> None:
        self._left = _MAX_ELEMENTS

    def take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise damaged()


def _matrix(reader: MatrixReader, depth: int, budget: _Budget) -> tuple[str, Value]:
    """Name and value of the matrix whose content `reader` holds."""
    if depth > _MAX_DEPTH:
        raise damaged()
    budget.take(1)
    if reader.is_empty:
        return "", np.zeros((0, 0))
    kind, is_complex, shape, name = reader.head()
    if min(shape, default=0) < 0 or len(shape) > 8:
        raise damaged()
    if kind in _NUMERIC and not is_complex and len(shape) == 2:
        return name, reader.numbers(shape)
    if kind == _CHAR:
        return name, _text(reader)
    if kind == _STRUCT:
        return name, Struct(tuple(_elements(reader, math.prod(shape), depth, budget)))
    if kind == _CELL:
        count = math.prod(shape)
        budget.take(count)
        return name, tuple(_matrix(reader.matrix(), depth + 1, budget)[1] for _ in range(count))
    return name, None


def _elements(
    reader: MatrixReader, count: int, depth: int, budget: _Budget
) -> Iterator[dict[str, Value]]:
    names = reader.field_names()
    budget.take(count * max(len(names), 1))
    for _element in range(count):
        yield {name: _matrix(reader.matrix(), depth + 1, budget)[1] for name in names}


def _text(reader: MatrixReader) -> str:
    kind, data = reader.element()
    if kind in (4, 17):
        return bytes(data).decode(reader.utf16, "replace")
    return bytes(data).decode(_TEXT_TYPES.get(kind, "latin-1"), "replace")
