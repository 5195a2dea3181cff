"""How accurate the product's default settings are on real data, and what cross-validation picks.

Trains and calibrates as a training job does; the test splits decide nothing.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.accuracy_cases import CASES, Case, carve_val
from benchmarks.accuracy_table import markdown
from models.inputs.series import BatterySeries, Floats, make_task
from models.model.calibration import calibrate
from models.model.checkpoint import TrainedModel
from models.model.ensemble import combine
from models.model.fitting import fit
from models.settings.catalogue import ALGORITHMS
from models.settings.resolving import resolve

FOLDS = 5
# By split, then target: the errors of each battery.
Errors = dict[str, dict[str, list[Floats]]]
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
            model = combine(members, fitted, val, task, hp, **quiet).model
        else:
            model = fit(algorithm, fitted, val, task, hp, **quiet).model
        seconds = time.perf_counter() - start
        if "ENSEMBLE" in algorithms and info.family != "ensemble" and not info.is_floor:
            # The ensemble is weighed by what calibration leaves behind.
            model = calibrate(model, fitted, val, threads=1, on_fold=lambda fold, report: None)
        log.info("%s %s seed %d: %.0f s", case.name, algorithm, seed, seconds)
        models[algorithm] = (model, seconds)
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


def train_and_test(
    case: Case, algorithms: Sequence[str], seed: int, fold: int | None
) -> dict[str, tuple[float, Errors]]:
    """Return training seconds and errors by algorithm.

    fold: which fifth of the training batteries is left out and tested, as split `cv`; None tests
    the test splits.
    """
    train, tests = case.train, case.tests
    if fold is not None:
        train = [s for i, s in enumerate(case.train) if i % FOLDS != fold]
        tests = {"cv": case.train[fold::FOLDS]}
    trained = train_all(case, train, algorithms, seed)
    return {
        algorithm: (seconds, _errors_by_split(case, model, tests))
        for algorithm, (model, seconds) in trained.items()
    }


def _in_own_process(
    name: str, data: Path, algorithms: Sequence[str], seed: int, fold: int | None
) -> dict[str, tuple[float, Errors]]:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    return train_and_test(CASES[name](data), algorithms, seed, fold)


def _errors_by_split(
    case: Case, model: TrainedModel, tests: Mapping[str, Sequence[BatterySeries]]
) -> Errors:
    return {
        f"{name} +{horizon}" if horizon else name: errors(model, batteries, horizon)
        for name, batteries in tests.items()
        for horizon in case.horizons
    }


def score_parts(
    case: Case, seed: int, parts: Sequence[dict[str, tuple[float, Errors]]]
) -> list[Score]:
    """Return every metric of one seed; the folds of a cross-validation are pooled."""
    scores = []
    for algorithm in parts[0]:
        seconds = float(np.mean([part[algorithm][0] for part in parts]))
        for split in parts[0][algorithm][1]:
            joined: dict[str, list[Floats]] = {}
            for part in parts:
                for target, by_battery in part[algorithm][1][split].items():
                    joined.setdefault(target, []).extend(by_battery)
            scores += score(case, algorithm, seed, split, joined, seconds)
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
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    scores: list[Score] = []
    with ProcessPoolExecutor(options.processes) as pool:
        for name in options.cases.split(","):
            case = CASES[name](options.data)
            chosen = options.algorithms.split(",") if options.algorithms else algorithms_of(case)
            cv_seeds = options.seeds if options.cv_seeds is None else options.cv_seeds
            asked = [(seed, list(range(FOLDS))) for seed in range(cv_seeds) if not options.no_cv]
            asked += [(seed, [None]) for seed in range(options.seeds) if not options.no_test]
            running = [
                [
                    pool.submit(_in_own_process, name, options.data, chosen, seed, fold)
                    for fold in folds
                ]
                for seed, folds in asked
            ]
            found: list[Score] = []
            for (seed, _), parts in zip(asked, running, strict=True):
                found += score_parts(case, seed, [part.result() for part in parts])
            sys.stdout.write(markdown(case, [asdict(one) for one in found]) + "\n")
            scores += found
            if options.json:
                options.json.write_text(json.dumps([asdict(one) for one in scores], indent=1))


if __name__ == "__main__":
    main()
