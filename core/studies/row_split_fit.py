"""Compares a random split with a split by battery; for the background process only.

Every cycle is predicted once in each way, by a model fitted on the other four fifths: of the cycles
(leaky, because they include the neighbours of the predicted cycle) or of the batteries (honest).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from core.base.database import read_scope
from core.base.errors import TaskFailed
from core.datasets.cycles import load_cycles
from core.datasets.datasets import get_dataset_summary
from core.measures.bootstrap import draw_means, interval_of_draws
from core.studies.battery_table import Floats
from core.studies.row_split import FOLDS, MODEL_LABELS
from core.studies.studies import StudyAssignment

Report = Callable[[str, float], None]
Integers = npt.NDArray[np.int64]
MAX_ROWS = 20_000
EXAMPLE_ROWS = 300
SEED = 0
TARGETS = {"PCL": "pcl", "RUL": "rul"}
LABELS = {"rows": "random rows", "batteries": "whole batteries"}


def study_row_split(assignment: StudyAssignment, report: Report) -> dict[str, Any]:
    """Carry out the study; returns the JSON that `core.studies.row_split` parses."""
    report("Loading cycles", 0.02)
    dataset_id = assignment.dataset_id or 0
    with read_scope() as session:
        features = get_dataset_summary(session, assignment.user, dataset_id).features
        columns = [feature.column for feature in features]
        cycles = load_cycles(session, assignment.user, dataset_id, [*columns, *TARGETS.values()])
    return compute(cycles, columns, report)


def compute(cycles: pd.DataFrame, columns: list[str], report: Report) -> dict[str, Any]:
    """Compare both splits on cycles as `core.datasets.cycles.load_cycles` gives them."""
    labelled = cycles.dropna(subset=list(TARGETS.values()), how="all")
    if labelled["battery_code"].nunique() < FOLDS:
        raise TaskFailed(f"Fewer than {FOLDS} batteries have a PCL or RUL label.")
    frame = _thinned(labelled)
    codes = frame["battery_code"].astype(str).to_numpy()
    x = np.column_stack([frame["cycle_num"], frame[columns]]).astype(np.float64)
    targets = [target for target, column in TARGETS.items() if _scorable(frame, column)]
    if not targets:
        raise TaskFailed(f"Neither PCL nor RUL is known for {FOLDS} batteries.")
    predicted, scores = {}, []
    for number, target in enumerate(targets):
        y = frame[TARGETS[target]].to_numpy(np.float64)
        found = _predict_both_ways(x, y, codes, _steps(report, target, number, len(targets)))
        predicted[target] = found
        scores += [_compared(target, model, y, codes, ways) for model, ways in found.items()]
    code = _typical_battery(frame, codes, predicted, targets[-1])
    return {
        "scores": scores,
        "example": _example(frame, codes, code, predicted),
        "n_batteries": len(set(codes)),
        "rows_total": len(labelled),
        "rows_used": len(frame),
    }


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """At most MAX_ROWS rows, drawn at random, in their order."""
    if len(frame) <= MAX_ROWS:
        return frame
    chosen = np.random.default_rng(SEED).choice(len(frame), MAX_ROWS, replace=False)
    return frame.iloc[np.sort(chosen)]


def _scorable(frame: pd.DataFrame, column: str) -> bool:
    known = frame[frame[column].notna()]
    return bool(known["battery_code"].nunique() >= FOLDS)


def _models(n_rows: int) -> dict[str, Any]:
    return {
        "TREES": HistGradientBoostingRegressor(
            max_iter=100, learning_rate=0.1, max_leaf_nodes=31, early_stopping=False
        ),
        # Quantiles instead of values: single features of real files reach a thousand times their
        # usual range.
        "LINEAR": make_pipeline(
            QuantileTransformer(
                n_quantiles=min(200, n_rows), output_distribution="normal", random_state=SEED
            ),
            StandardScaler(),
            Ridge(alpha=1.0),
        ),
    }


def _predict_both_ways(
    x: Floats, y: Floats, codes: npt.NDArray[np.object_], step: Callable[[str], None]
) -> dict[str, dict[str, Floats]]:
    """model -> "rows" | "batteries" -> predictions (n,), NaN where y is unknown."""
    known = np.flatnonzero(np.isfinite(y))
    splits = {
        "rows": list(KFold(FOLDS, shuffle=True, random_state=SEED).split(known)),
        "batteries": list(
            GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(known, groups=codes[known])
        ),
    }
    # Both ways learn from the same number of cycles, so that only the split differs.
    n_fit = min(len(fit) for folds in splits.values() for fit, _ in folds)
    generator = np.random.default_rng(SEED)
    found: dict[str, dict[str, Floats]] = {}
    for name, model in _models(n_fit).items():
        found[name] = {}
        for way, folds in splits.items():
            step(LABELS[way])
            predictions = np.full(len(y), np.nan)
            for fit, test in folds:
                rows = known[generator.choice(fit, n_fit, replace=False)]
                model.fit(x[rows], y[rows])
                predictions[known[test]] = model.predict(x[known[test]])
            found[name][way] = predictions
    return found


def _steps(report: Report, target: str, number: int, n_targets: int) -> Callable[[str], None]:
    per_target = 2 * len(MODEL_LABELS)
    done = [number * per_target]

    def step(way: str) -> None:
        report(f"{target} by {way}", 0.05 + 0.9 * done[0] / (n_targets * per_target))
        done[0] += 1

    return step


def _compared(
    target: str,
    model: str,
    y: Floats,
    codes: npt.NDArray[np.object_],
    ways: dict[str, Floats],
) -> dict[str, Any]:
    """Both errors and their ratio, with an interval from resampling the batteries."""
    known = np.isfinite(y)
    squares = pd.DataFrame(
        {way: (predictions - y)[known] ** 2 for way, predictions in ways.items()}
    )
    sums = squares.groupby(codes[known]).sum().to_numpy()
    rmse = np.sqrt(squares.mean())
    draws = draw_means(sums)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.sqrt(draws[:, 1] / draws[:, 0])
    interval = interval_of_draws(ratios, len(sums)) if np.isfinite(ratios).all() else None
    return {
        "target": target,
        "model": model,
        "rows_rmse": float(rmse["rows"]),
        "batteries_rmse": float(rmse["batteries"]),
        "ratio": float(rmse["batteries"] / rmse["rows"]) if rmse["rows"] > 0 else None,
        "ratio_low": interval and interval.low,
        "ratio_high": interval and interval.high,
    }


def _typical_battery(
    frame: pd.DataFrame,
    codes: npt.NDArray[np.object_],
    predicted: dict[str, dict[str, dict[str, Floats]]],
    target: str,
) -> str:
    """The battery with the median error of the trees under the split by battery."""
    y = frame[TARGETS[target]].to_numpy(np.float64)
    squares = pd.Series((predicted[target]["TREES"]["batteries"] - y) ** 2)
    errors = squares.groupby(codes).mean().dropna().sort_values()
    return str(errors.index[len(errors) // 2])


def _example(
    frame: pd.DataFrame,
    codes: npt.NDArray[np.object_],
    code: str,
    predicted: dict[str, dict[str, dict[str, Floats]]],
) -> dict[str, Any]:
    rows = np.flatnonzero(codes == code)
    if len(rows) > EXAMPLE_ROWS:
        rows = rows[np.linspace(0, len(rows) - 1, EXAMPLE_ROWS).astype(int)]
    part = frame.iloc[rows]
    return {
        "code": code,
        "model": "TREES",
        "cycle_num": part["cycle_num"].tolist(),
        "targets": {
            target: {
                "y_true": _plain(part[TARGETS[target]].to_numpy(np.float64)),
                "rows": _plain(found["TREES"]["rows"][rows]),
                "batteries": _plain(found["TREES"]["batteries"][rows]),
            }
            for target, found in predicted.items()
        },
    }


def _plain(values: Floats) -> list[float | None]:
    return [round(float(value), 6) if np.isfinite(value) else None for value in values]
