"""How accurate the product's default settings are on real data, and what cross-validation picks.

Trains with `models.fitting.fit`, as a training job does; the test splits decide nothing.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.accuracy_cases import CASES, Case, carve_val
from benchmarks.accuracy_table import markdown
from models.checkpoint import TrainedModel
from models.config import resolve
from models.ensemble import combine
from models.fitting import fit
from models.registry import ALGORITHMS
from models.series import BatterySeries, Floats, make_task

FOLDS = 5
DEFAULT_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Score:
    """One error of one trained model; `split` is a test split, or `cv` on left-out batteries.

    metric: `rmse` and `mae` over all rows; `battery_rmse`, the mean of the batteries' own RMSE.
    """

    case: str
    algorithm: str
    seed: int
    target: str
    metric: str
    split: str
    value: float
    train_seconds: float


def train_all(
    case: Case, train: Sequence[BatterySeries], algorithms: Sequence[str], seed: int
) -> dict[str, tuple[TrainedModel, float]]:
    """Return the models by algorithm with their training seconds; ENSEMBLE combines the others."""
    fitted, val = carve_val(train)
    models: dict[str, tuple[TrainedModel, float]] = {}
    for algorithm in sorted(algorithms, key=lambda name: name == "ENSEMBLE"):
        info = ALGORITHMS[algorithm]
        hp = resolve(algorithm, {"seed": seed, "device": "cpu", **case.settings})
        task = make_task(case.targets, case.features, hp)
        quiet = {"threads": 1, "on_epoch": lambda report: None, "on_stage": lambda stage: None}
        start = time.perf_counter()
        if info.family == "ensemble":
            members = {
                name: model for name, (model, _) in models.items() if not ALGORITHMS[name].is_floor
            }
            result = combine(members, fitted, val, task, hp, **quiet)
        else:
            result = fit(algorithm, fitted, val, task, hp, **quiet)
        seconds = time.perf_counter() - start
        log.info("%s %s seed %d: %.0f s", case.name, algorithm, seed, seconds)
        models[algorithm] = (result.model, seconds)
    return models


def errors(
    model: TrainedModel, batteries: Sequence[BatterySeries], horizon: int
) -> dict[str, list[Floats]]:
    """Return each target's errors over all labelled cycles, by battery."""
    found: dict[str, list[Floats]] = {name: [] for name in model.task.targets}
    for series in batteries:
        predicted = model.predict(series, horizon, with_interval=False)
        error = predicted.y_pred - predicted.y_true
        for name, column in zip(model.task.targets, error.T, strict=True):
            known = column[np.isfinite(column)]
            found[name] += [known] if len(known) else []
    return found


def score(
    case: Case,
    algorithm: str,
    seed: int,
    split: str,
    found: Mapping[str, Sequence[Floats]],
    seconds: float,
) -> list[Score]:
    """Return every metric of errors by battery."""
    scores = []
    for target, by_battery in found.items():
        pooled = np.concatenate(by_battery)
        metrics = {
            "rmse": _rmse(pooled),
            "mae": float(np.mean(np.abs(pooled))),
            "battery_rmse": float(np.mean([_rmse(error) for error in by_battery])),
        }
        scores += [
            Score(case.name, algorithm, seed, target, metric, split, value, seconds)
            for metric, value in metrics.items()
        ]
    return scores


def _rmse(error: Floats) -> float:
    return float(np.sqrt(np.mean(error**2)))


def run_tests(case: Case, algorithms: Sequence[str], seed: int) -> list[Score]:
    """Train on the training split, score the test splits."""
    scores = []
    for algorithm, (model, seconds) in train_all(case, case.train, algorithms, seed).items():
        for name, batteries in case.tests.items():
            for horizon in case.horizons:
                split = f"{name} +{horizon}" if horizon else name
                found = errors(model, batteries, horizon)
                scores += score(case, algorithm, seed, split, found, seconds)
    return scores


def run_cross_validation(case: Case, algorithms: Sequence[str], seed: int) -> list[Score]:
    """Leave out every fifth training battery in turn; score what was left out."""
    parts: dict[tuple[str, str], dict[str, list[Floats]]] = {}
    spent: dict[str, float] = {}
    for fold in range(FOLDS):
        rest = [s for i, s in enumerate(case.train) if i % FOLDS != fold]
        left_out = case.train[fold::FOLDS]
        for algorithm, (model, seconds) in train_all(case, rest, algorithms, seed).items():
            spent[algorithm] = spent.get(algorithm, 0.0) + seconds / FOLDS
            for horizon in case.horizons:
                split = f"cv +{horizon}" if horizon else "cv"
                joined = parts.setdefault((algorithm, split), {})
                for target, by_battery in errors(model, left_out, horizon).items():
                    joined.setdefault(target, []).extend(by_battery)
    scores = []
    for (algorithm, split), found in parts.items():
        scores += score(case, algorithm, seed, split, found, spent[algorithm])
    return scores


def algorithms_of(case: Case) -> list[str]:
    """Return the algorithms that can answer the case."""
    is_forecast = case.horizons != (0,)
    return [
        key
        for key, info in ALGORITHMS.items()
        if (is_forecast or not info.forecasts_only) and set(case.targets) <= set(info.targets)
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the accuracy tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--algorithms", default="", help="all that can answer, unless given")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cv-seeds", type=int, help="as --seeds, unless given")
    parser.add_argument("--no-cv", action="store_true", help="skip the cross-validation")
    parser.add_argument("--no-test", action="store_true", help="leave the test splits alone")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    scores: list[Score] = []
    for name in options.cases.split(","):
        case = CASES[name](options.data)
        chosen = options.algorithms.split(",") if options.algorithms else algorithms_of(case)
        found: list[Score] = []
        cv_seeds = options.seeds if options.cv_seeds is None else options.cv_seeds
        for seed in range(0 if options.no_cv else cv_seeds):
            found += run_cross_validation(case, chosen, seed)
        for seed in range(0 if options.no_test else options.seeds):
            found += run_tests(case, chosen, seed)
        sys.stdout.write(markdown(case, [asdict(one) for one in found]) + "\n")
        scores += found
        if options.json:
            options.json.write_text(json.dumps([asdict(one) for one in scores], indent=1))


if __name__ == "__main__":
    main()
