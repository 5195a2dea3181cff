"""ENSEMBLE: a weighted mean of a job's other models, weighed by the validation batteries."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.checkpoint import TrainedModel, clamp_rul
from models.config import Hyperparameters
from models.errors import FitError
from models.fitting import FitResult
from models.one_round import ask_labelled, report_once, target_scale
from models.predictor import Asked, EpochReport
from models.series import BatterySeries, Floats, Task

# Added to the diagonal, as a share of the members' mean squared error: members that err alike
# share their weight instead of one of them taking it all by chance.
EVENNESS = 0.01


@dataclass(frozen=True)
class Ensemble:
    """Members by title, and their weights (members, T): non-negative, each column adds up to 1."""

    members: Mapping[str, TrainedModel]
    weights: Floats
    task: Task

    def predict(self, series: BatterySeries, asked: Asked) -> Floats:
        """Return the weighted mean of the members' answers, (m, T) in physical units."""
        answers = _answers(self.members, series, asked, self.task)
        return np.asarray(np.einsum("kmt,kt->mt", answers, self.weights))

    def content(self) -> dict[str, Any]:
        """Return the weights and the whole members, so that nothing else is needed to predict."""
        return {
            "titles": list(self.members),
            "members": [model.content() for model in self.members.values()],
            "weights": torch.tensor(self.weights),
        }

    def facts(self) -> dict[str, Any]:
        """Return the weight of each member by target."""
        columns = zip(self.task.targets, self.weights.T, strict=True)
        return {
            "ensemble": {
                target: dict(zip(self.members, weights.tolist(), strict=True))
                for target, weights in columns
            }
        }


def combine(
    members: Mapping[str, TrainedModel],
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    task: Task,
    hp: Hyperparameters,
    *,
    threads: int,
    on_epoch: Callable[[EpochReport], None],
    on_stage: Callable[[str], None],
) -> FitResult:
    """Weigh trained models of one job on its validation batteries.

    members: by title, at least two; all answer the same task, and none has seen `val` but for
    stopping early.

    Raises
    ------
    FitError: fewer than two members, or members that answer something else.
    """
    if len(members) < 2:
        raise FitError("An ensemble needs at least two finished models to combine.")
    for title, model in members.items():
        if (model.task.targets, model.task.max_horizon) != (task.targets, task.max_horizon):
            raise FitError(f"{title} answers another question than the ensemble; leave it out.")
    torch.set_num_threads(threads)
    on_stage("Weighing the models")
    ensemble = Ensemble(members, fit_weights(members, val, task, hp), task)
    on_epoch(report_once(ensemble, train, val, task, hp))
    model = TrainedModel("ENSEMBLE", hp, task, ensemble)
    return FitResult(model, best_epoch=1, epochs_run=1, stopped_early=False)


def fit_weights(
    members: Mapping[str, TrainedModel],
    val: Sequence[BatterySeries],
    task: Task,
    hp: Hyperparameters,
) -> Floats:
    """Return the weights (members, T) with the least squared error on the validation batteries.

    Every battery counts the same, whatever its number of cycles: a long life must not decide for
    all. Forecasts are asked over 1..max_horizon cycles ahead, as in training.
    """
    scale = target_scale(val)
    generator = np.random.default_rng(hp.seed)
    errors: list[list[Floats]] = [[] for _ in task.targets]
    for series in val:
        asked, truth = ask_labelled(series, task, generator)
        if not len(asked):
            continue
        found = (_answers(members, series, asked, task) - truth) / scale
        for column, rows in enumerate(errors):
            known = np.isfinite(truth[:, column])
            if known.any():
                rows.append(found[:, known, column] / np.sqrt(known.sum()))
    return np.column_stack([least_squares_shares(np.hstack(rows)) for rows in errors])


def least_squares_shares(errors: Floats) -> Floats:
    """Return non-negative weights (k,) that add up to 1 and give the smallest sum of squares.

    errors: (k, m), one row a member. The weighted error is homogeneous in the weights, so the best
    ones on the simplex are those of the non-negative least-squares problem with one more row that
    asks for the sum 1, divided by their sum.
    """
    # Loading it takes as long as the rest of the module; predicting does without.
    from scipy.optimize import nnls

    products = errors @ errors.T
    size = np.trace(products) / len(products)
    if size <= 0:
        return np.full(len(errors), 1.0 / len(errors))
    products = products / size + EVENNESS * np.eye(len(products))
    factor = np.linalg.cholesky(products).T
    rows = np.vstack([factor, np.ones(len(products))])
    weights, _ = nnls(rows, np.append(np.zeros(len(products)), 1.0))
    return np.asarray(weights / weights.sum())


def _answers(
    members: Mapping[str, TrainedModel], series: BatterySeries, asked: Asked, task: Task
) -> Floats:
    """Return the members' own predictions, RUL at least 0, (members, m, T)."""
    return np.stack([clamp_rul(m.predictor.predict(series, asked), task) for m in members.values()])


def restore(content: dict[str, Any], hp: Hyperparameters, task: Task) -> Ensemble:
    """Rebuild members and weights; raises KeyError, TypeError or ValueError if damaged."""
    models = [TrainedModel.from_content(part) for part in content["members"]]
    members = dict(zip(content["titles"], models, strict=True))
    weights = content["weights"].numpy()
    if weights.shape != (len(members), len(task.targets)):
        raise ValueError("The weights do not match members and targets.")
    return Ensemble(members, weights, task)
