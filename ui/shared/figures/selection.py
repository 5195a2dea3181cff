"""Reads the batteries chosen by a click or a box in a figure."""

from collections.abc import Mapping, Sequence
from typing import Any


def selected_batteries(event: Mapping[str, Any] | None) -> list[str]:
    """Battery codes of a chart event (`st.plotly_chart(..., on_select="rerun")`), without repeats.

    Works on every figure here that shows batteries; other points are ignored.
    """
    points = ((event or {}).get("selection") or {}).get("points") or []
    codes = [_first(point.get("customdata")) for point in points]
    return list(dict.fromkeys(str(code) for code in codes if code not in (None, "")))


def _first(customdata: object) -> object:
    if isinstance(customdata, Mapping):
        customdata = list(customdata.values())
    if isinstance(customdata, Sequence) and not isinstance(customdata, str):
        return customdata[0] if customdata else None
    return customdata
