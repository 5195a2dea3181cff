"""Draws a model's stored errors in displayed units, with their meaning."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from pandas.io.formats.style import Styler

from core.datasets.series import targets_of
from core.model_versions.config import ModelMetrics
from core.model_versions.stored_metrics import StoredMetrics
from core.model_versions.versions import ModelInfo
from ui.shared.numbers import metric_text
from ui.shared.theme import metric_quantity
from ui.training.errors import errors_ahead

MEASURES = ("rmse", "mae", "r2", "rmspe", "mape", "rmspe_pcl")
COUNTED = "cycles scored"
_KEYS = {"R²": "r2", "RMSPE": "rmspe", "MAPE": "mape"}
COLUMNS = ["metric", "unit", "val", "test", "meaning"]


def metrics_table(model: ModelInfo) -> None:
    """Draw the errors on validation and test batteries, one row per measure."""
    rows = [
        row for target in targets_of(model.target) for row in _target_rows(target, model.metrics)
    ]
    if not rows:
        st.caption("None of its validation and test batteries has labels, so there are no errors.")
        return
    st.dataframe(
        _styled(rows),
        hide_index=True,
        height="content",
        placeholder="-",
        alt=f"Errors of {model.title} on validation and test batteries",
        column_config={
            "metric": st.column_config.TextColumn("Error"),
            "unit": st.column_config.TextColumn("Unit", width="small"),
            "val": st.column_config.NumberColumn(
                "Validation", help="Batteries that decided when to stop."
            ),
            "test": st.column_config.NumberColumn(
                "Test", help="Batteries that were used for nothing else."
            ),
            "meaning": st.column_config.TextColumn("Meaning", width="large"),
        },
    )
    st.caption(f"Over all cycles of a role together, {errors_ahead(model.max_horizon)}.")


def _styled(rows: Sequence[Mapping[str, Any]]) -> Styler:
    """The rows as a table; counts as whole numbers, metrics with a fixed number of digits."""
    styler = pd.DataFrame(rows, columns=COLUMNS).style
    for number, row in enumerate(rows):
        printer = _count if row["metric"].endswith(COUNTED) else _printer(row["metric"])
        styler = styler.format(printer, subset=([number], ["val", "test"]), na_rep="-")
    return styler


def _count(value: Any) -> str:
    return f"{value:,.0f}"


def _printer(name: str) -> Callable[[Any], str]:
    key = next((k for start, k in _KEYS.items() if name.startswith(start)), "")
    return lambda value: metric_text(key, value)


def _target_rows(target: str, metrics: ModelMetrics) -> list[dict[str, Any]]:
    if target not in metrics.val and target not in metrics.test:
        return []
    found = {role: metrics.of_role(role).get(target, StoredMetrics()) for role in ("val", "test")}
    rows: list[dict[str, Any]] = []
    for measure in MEASURES:
        if not any(values.has(measure) for values in found.values()):
            continue
        quantity = metric_quantity(measure, target)
        rows.append(
            {
                "metric": _name(measure, target),
                "unit": quantity.unit,
                "meaning": _meaning(measure, target),
            }
            | {
                role: _scaled(values.value(measure), quantity.factor)
                for role, values in found.items()
            }
        )
    quantity = metric_quantity("rmse", target)
    macro = {r: _scaled((v.macro or {}).get("rmse"), quantity.factor) for r, v in found.items()}
    rows.append(
        {"metric": f"Mean {target} RMSE of a battery", "unit": quantity.unit}
        | macro
        | {"meaning": "RMSE of each battery, averaged: every battery counts the same."}
    )
    counts = {role: values.n for role, values in found.items()}
    batteries = [
        f"{v.n_batteries or 0:,} {r}"
        for r, v in (("validation", found["val"]), ("test", found["test"]))
    ]
    rows.append(
        {"metric": f"{target} {COUNTED}", "unit": "cycles"}
        | counts
        | {"meaning": f"Labelled cycles of the batteries: {', '.join(batteries)}."}
    )
    return rows


def _name(measure: str, target: str) -> str:
    return f"R² of {target}" if measure == "r2" else metric_quantity(measure, target).label


def _meaning(measure: str, target: str) -> str:
    if measure == "mape":
        base = "state of health (1 - PCL)" if target == "PCL" else "RUL, cycles of 0 left out"
        return f"Mean absolute error relative to the true {base}."
    if measure == "rmspe" and target == "PCL":
        return "Error relative to the true state of health (1 - PCL)."
    if measure == "rmspe":
        return "Error relative to the true RUL; cycles with a true RUL of 0 are left out."
    if measure == "rmspe_pcl":
        return "Error relative to the true PCL, without cycles below 0.5 %."
    unit = "percentage points" if target == "PCL" else "cycles"
    return {
        "rmse": f"Root mean square error in {unit}; large misses weigh more.",
        "mae": f"Mean absolute error in {unit}.",
        "r2": "Share of the variation that is explained; 1 is perfect.",
    }[measure]


def _scaled(value: Any, factor: float) -> float | None:
    return None if value is None else float(value) * factor
