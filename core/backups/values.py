"""Converts values of columns to JSON values, the same for SQLite, MySQL and PostgreSQL, and back.

The kind of a column (text, boolean, JSON, ...) decides how its values are read and written.
"""

import base64
import json
import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Double,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    String,
)
from sqlalchemy.types import NullType, TypeEngine

Kind = Literal["bool", "int", "float", "text", "json", "time", "date", "bytes"]

_KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (Boolean, "bool"),
    (JSON, "json"),
    (Integer, "int"),
    (Float, "float"),
    (Numeric, "float"),
    (DateTime, "time"),
    (Date, "date"),
    (LargeBinary, "bytes"),
    (String, "text"),
)
_READ_AS: dict[Kind, TypeEngine[Any]] = {
    "bool": Boolean(create_constraint=False),
    "int": BigInteger(),
    "float": Double(),
    "text": String(),
    "json": String(),
    "time": DateTime(),
    "date": Date(),
    "bytes": LargeBinary(),
}
# Without a declared type, PostgreSQL converts text to the column's own type: an ENUM or JSON.
_WRITTEN_AS: dict[Kind, TypeEngine[Any]] = {**_READ_AS, "text": NullType(), "json": NullType()}


def kind_of(sql_type: TypeEngine[Any]) -> Kind:
    """Return the kind of a column; `TypeError` for a type that no table has had so far."""
    for known, kind in _KINDS:
        if isinstance(sql_type, known):
            return kind
    raise TypeError(f"Columns of type {sql_type!r} cannot be backed up yet.")


def type_to_read(kind: Kind) -> TypeEngine[Any]:
    """Return the SQL type to select a column as; JSON is read as text, unchanged."""
    return _READ_AS[kind]


def type_to_write(kind: Kind) -> TypeEngine[Any]:
    """Return the SQL type to insert a value as."""
    return _WRITTEN_AS[kind]


def pack_row(kinds: Sequence[Kind], row: Iterable[Any]) -> list[Any]:
    """Convert the values of a row to JSON values, by the kinds of their columns.

    Floats keep every digit; NaN and infinities become "nan", "inf" and "-inf".
    """
    return [
        None if value is None else _PACKED[kind](value)
        for kind, value in zip(kinds, row, strict=True)
    ]


def unpack_row(kinds: Sequence[Kind], row: Iterable[Any]) -> list[Any]:
    """Return the values of a row from what `pack_row` made of them."""
    return [
        None if plain is None else _UNPACKED[kind](plain)
        for kind, plain in zip(kinds, row, strict=True)
    ]


def _pack_float(value: Any) -> float | str:
    number = float(value)
    return number if math.isfinite(number) else repr(number)


def _pack_json(value: Any) -> str:
    # SQLite turns a JSON column that holds a bare number into a number.
    return value if isinstance(value, str) else json.dumps(value)


_PACKED: dict[Kind, Callable[[Any], Any]] = {
    "bool": bool,
    "int": int,
    "float": _pack_float,
    "text": str,
    "json": _pack_json,
    "time": datetime.isoformat,
    "date": date.isoformat,
    "bytes": lambda value: base64.b64encode(value).decode("ascii"),
}
_UNPACKED: dict[Kind, Callable[[Any], Any]] = {
    "bool": bool,
    "int": int,
    "float": float,
    "text": str,
    "json": str,
    "time": datetime.fromisoformat,
    "date": date.fromisoformat,
    "bytes": base64.b64decode,
}
