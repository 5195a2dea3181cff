"""The accuracy table as text: mean and spread over seeds, beside targets and references."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.accuracy_cases import Case


def markdown(case: Case, scores: Sequence[dict[str, Any]]) -> str:
    """Return one case's table; `scores` hold the fields of `benchmarks.accuracy.Score`."""
    columns = _columns(case, scores)
    head = ["algorithm", *(" ".join(column) for column in columns), "train s"]
    lines = ["", f"## {case.name}", "", _row(head), _row(["---"] * len(head))]
    for algorithm in dict.fromkeys(one["algorithm"] for one in scores):
        own = [one for one in scores if one["algorithm"] == algorithm]
        cells = [_mean_and_spread(own, column) for column in columns]
        seconds = f"{np.mean([one['train_seconds'] for one in own]):.0f}"
        lines.append(_row([algorithm, *cells, seconds]))
    for name, known in {"**target**": case.bars, **case.references}.items():
        if known:
            cells = [_number(known[c]) if c in known else "" for c in columns]
            lines.append(_row([name, *cells, ""]))
    return "\n".join([*lines, "", *_picked(scores)])


def picked_by_cv(scores: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Return, by target and horizon, the algorithm that errs least on left-out batteries.

    Every battery counts the same, as in the tables of the product: of the Severson training cells
    one makes more than half of all squared error of RUL, and would choose alone.
    """
    return {key: min(means, key=means.__getitem__) for key, means in _cv_means(scores).items()}


def picked_for_all(scores: Sequence[dict[str, Any]]) -> str | None:
    """Return the one algorithm with the least geometric mean of those errors over all targets."""
    found = list(_cv_means(scores).values())
    if not found:
        return None
    means = {name: np.mean([np.log(one[name]) for one in found]) for name in found[0]}
    return min(means, key=means.__getitem__)


def _cv_means(scores: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return the batteries' mean RMSE over seeds, by target (and horizon), then algorithm."""
    found: dict[str, dict[str, list[float]]] = {}
    for one in scores:
        if one["split"].startswith("cv") and one["metric"] == "battery_rmse":
            key = " ".join([one["target"], *one["split"].split()[1:]])
            found.setdefault(key, {}).setdefault(one["algorithm"], []).append(one["value"])
    return {
        key: {name: float(np.mean(values)) for name, values in by_algorithm.items()}
        for key, by_algorithm in found.items()
    }


def _columns(case: Case, scores: Sequence[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return the (target, metric, split) that the table shows: what has a bar, and all of `cv`."""
    seen = dict.fromkeys((one["target"], one["metric"], one["split"]) for one in scores)
    metrics = {metric for _, metric, _ in case.bars} or {"rmse"}
    return [
        column
        for target in case.targets
        for column in seen
        if column[0] == target
        and (column[1] in metrics or (column[2].startswith("cv") and column[1] == "battery_rmse"))
    ]


def _mean_and_spread(scores: Sequence[dict[str, Any]], column: tuple[str, str, str]) -> str:
    values = [
        one["value"] for one in scores if (one["target"], one["metric"], one["split"]) == column
    ]
    if not values:
        return ""
    spread = f" ± {_number(float(np.std(values, ddof=1)))}" if len(values) > 1 else ""
    return _number(float(np.mean(values))) + spread


def _number(value: float) -> str:
    return f"{value:.1f}" if abs(value) >= 1.0 else f"{value:.5f}"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _picked(scores: Sequence[dict[str, Any]]) -> list[str]:
    found = picked_by_cv(scores)
    named = ", ".join(f"{key}: {algorithm}" for key, algorithm in found.items())
    if not named:
        return []
    together = f"for all together: {picked_for_all(scores)}"
    return [f"Cross-validation on the training batteries picks {named}; {together}.", ""]
