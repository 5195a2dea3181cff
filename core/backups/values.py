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


def unpack_row(kinds: Sequence[Kind], row: Sequence[Any]) -> list[Any]:
    """Return the values of a row from what `pack_row` made of them.

    Raises
    ------
    ValueError
        The row has more or fewer values than there are columns, or `pack_row` makes no such value.
    """
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


def _text(plain: Any) -> str:
    if not isinstance(plain, str):
        raise ValueError(f"{plain!r:.40} is no text")
    # Half a surrogate pair fits no database.
    plain.encode()
    return plain


def _unpack_bool(plain: Any) -> bool:
    if not isinstance(plain, bool):
        raise ValueError(f"{plain!r:.40} is neither true nor false")
    return plain


def _unpack_int(plain: Any) -> int:
    if type(plain) is not int or not -(2**63) <= plain < 2**63:
        raise ValueError(f"{plain!r:.40} is no whole number of 64 bits")
    return plain


def _unpack_float(plain: Any) -> float:
    if type(plain) not in (int, float) and plain not in ("nan", "inf", "-inf"):
        raise ValueError(f"{plain!r:.40} is no number")
    return float(plain)


def _unpack_json(plain: Any) -> str:
    content = _text(plain)
    json.loads(content)
    return content


def _unpack_time(plain: Any) -> datetime:
    time = datetime.fromisoformat(_text(plain))
    if time.tzinfo is not None:
        raise ValueError(f"{plain!r:.40} has a time zone")
    return time


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
    "bool": _unpack_bool,
    "int": _unpack_int,
    "float": _unpack_float,
    "text": _text,
    "json": _unpack_json,
    "time": _unpack_time,
    "date": lambda plain: date.fromisoformat(_text(plain)),
    "bytes": lambda plain: base64.b64decode(_text(plain), validate=True),
}
