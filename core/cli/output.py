"""Output of the commands: one JSON document, or lines and tables to read."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import typer

from core.base.words import rounded
from core.measures.metrics import LARGEST_SHARE, SHARES
from db.engine import finite


def show(payload: Mapping[str, Any], as_json: bool, lines: Sequence[str]) -> None:
    """Print the payload as JSON, or the lines."""
    if as_json:
        typer.echo(json.dumps(finite(dict(payload)), ensure_ascii=False, default=_plain, indent=2))
        return
    for line in lines:
        typer.echo(line)


def table(rows: Sequence[Mapping[str, Any]], empty: str) -> list[str]:
    """Return rows as lines with aligned columns, or `empty` if there is no row."""
    if not rows:
        return [empty]
    header = list(rows[0])
    cells = [header, *([_text(row[name]) for name in header] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(header))]
    return [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    ]


def metrics_text(metrics: Mapping[str, Any]) -> str:
    """Return the main metrics of one target as a line.

    A percentage that says nothing is named as such; mae stands beside it.
    """
    return ", ".join(
        f"{name} over {LARGEST_SHARE:.0%} (true values near 0: see mae)"
        if name in SHARES and metrics[name] > LARGEST_SHARE
        else f"{name} {rounded(metrics[name])}"
        for name in ("rmse", "mae", "r2", "rmspe", "mape")
        if metrics.get(name) is not None
    )


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return rounded(value) if isinstance(value, float) else str(value)


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='seconds')}Z"
    return str(value)
