"""Conditions of a list's filters; each is None where the filter leaves everything in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select

from db.text import contains

Condition = ColumnElement[bool] | None


def narrowed(query: Select[Any], *conditions: Condition) -> Select[Any]:
    """The query under those of the conditions that are given."""
    return query.where(*(condition for condition in conditions if condition is not None))


def has_text(column: Any, part: str) -> Condition:
    """The column contains this text in any case; an empty one is no condition."""
    return contains(column, part) if part.strip() else None


def is_one_of(column: Any, values: Sequence[str]) -> Condition:
    """The column holds one of these values; none of them is no condition."""
    return column.in_(values) if values else None


def is_equal(column: Any, value: Any) -> Condition:
    """The column holds this value; None is no condition."""
    return None if value is None else column == value


def is_forecast(horizon: Any, wanted: bool | None) -> Condition:
    """The column or expression holds a horizon of forecasts, or 0; None is no condition."""
    return None if wanted is None else (horizon > 0 if wanted else horizon == 0)


def is_since(column: Any, moment: datetime | None) -> Condition:
    """The column's time is this one or later."""
    return None if moment is None else column >= moment


def is_before(column: Any, moment: datetime | None) -> Condition:
    """The column's time is earlier than this one."""
    return None if moment is None else column < moment
