"""ENSEMBLE: a weighted mean of the other models of a training.

Its weights are fitted on batteries that are new to these models.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from models.inputs.at_once import ask_labelled, report_once
from models.inputs.predictor import Asked, EpochReport
from models.inputs.series import BatterySeries, Floats, Task, clamp_rul
from models.model.checkpoint import TrainedModel
from models.model.fitting import FitResult
from models.settings.errors import FitError
from models.settings.hyperparameters import Hyperparameters
from models.uncertainty.intervals import N_FOLDS, fold_numbers

# Added share of each member's own mean squared error: members with similar errors then share their
# weight, instead of one of them getting all of it by chance.
SHRINKAGE = 0.3
# Added as a share of the mean squared error, so that nothing is divided by 0.
LEAST_SQUARE = 1e-9
# Smallest norm of a battery, as a share of the largest norm, so that a battery with nearly perfect
# predictions gets no excessive weight.
LEAST_NORM = 1e-4
ROUNDS = 30


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
        """Return the weights and the complete members: the file needs no other to predict."""
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
    """Combine the trained models of one training, with weights fitted on validation batteries.

    Members that were calibrated on the same folds have few validation batteries. Then the training
    batteries are used, too, each predicted by the models of its fold, which were not fitted on
    it; and the models of the folds make the folds of the ensemble.

    members: by title, at least two, all of the same task; `val` was used only to stop their
    training.

    Raises
    ------
    FitError: there are fewer than two members, or their tasks differ.
    """
    if len(members) < 2:
        raise FitError("An ensemble needs at least two finished models to combine.")
    for title, model in members.items():
        if (model.task.targets, model.task.max_horizon) != (task.targets, task.max_horizon):
            raise FitError(f"{title} answers another question than the ensemble; leave it out.")
    torch.set_num_threads(threads)
    on_stage("Fitting the weights of the models")
    bare = {title: model.bare() for title, model in members.items()}
    folds = _folds_of(members, hp)
    weights = fit_weights(bare, folds, train, val, task, hp)
    ensemble = Ensemble(bare, weights, task)
    on_epoch(report_once(ensemble, train, val, task, hp))
    parts = tuple(Ensemble(fold, weights, task) for fold in folds)
    model = TrainedModel("ENSEMBLE", hp, task, ensemble, folds=parts)
    return FitResult(model, best_epoch=1, epochs_run=1, stopped_early=False)


def _folds_of(
    members: Mapping[str, TrainedModel], hp: Hyperparameters
) -> list[dict[str, TrainedModel]]:
    """Return the models of the members for each fold; empty if their folds differ."""
    if not all(model.folds and model.hp.seed == hp.seed for model in members.values()):
        return []
    return [
        {title: replace(m.bare(), predictor=m.folds[fold]) for title, m in members.items()}
        for fold in range(N_FOLDS)
    ]


def fit_weights(
    members: Mapping[str, TrainedModel],
    folds: Sequence[Mapping[str, TrainedModel]],
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    task: Task,
    hp: Hyperparameters,
) -> Floats:
    """Return the weights (members, T) with the smallest error on batteries new to the members.

    The error is the mean of the RMSE of each battery, so that no long-lived or odd battery decides
    alone. Forecasts are made 1..max_horizon cycles ahead, as in training. With `folds` the training
    batteries count, too, each predicted by the models of its fold.
    """
    examined = [(members, series) for series in val]
    if folds:
        numbers = fold_numbers(train, hp.seed)
        examined += [(folds[n], series) for n, series in zip(numbers, train, strict=True)]
    generator = np.random.default_rng(hp.seed)
    products: list[list[Floats]] = [[] for _ in task.targets]
    for models, series in examined:
        asked, truth = ask_labelled(series, task, generator)
        if not len(asked):
            continue
        found = _answers(models, series, asked, task) - truth
        for column, by_battery in enumerate(products):
            errors = found[:, np.isfinite(truth[:, column]), column]
            if errors.shape[1]:
                by_battery.append(errors @ errors.T / errors.shape[1])
    return np.column_stack([typical_shares(np.stack(by_battery)) for by_battery in products])


def typical_shares(products: Floats) -> Floats:
    """Return shares w (k,), adding up to 1, that minimise the sum of sqrt(w' P w) over batteries.

    products: P (batteries, k, k), the mean products of the members' errors. A sum of norms is
    convex; each round solves the least squares in which a battery weighs 1 / its norm.
    """
    shares = np.full(products.shape[1], 1.0 / products.shape[1])
    least = LEAST_NORM * np.sqrt(np.trace(products, axis1=1, axis2=2).max())
    if least <= 0:
        return shares
    for _ in range(ROUNDS):
        norms = np.sqrt(np.einsum("i,bij,j->b", shares, products, shares))
        weights = 1.0 / np.maximum(norms, least)
        shares = least_squares_shares(np.einsum("b,bij->ij", weights, products))
    return shares


def least_squares_shares(products: Floats) -> Floats:
    """Return non-negative weights w (k,) that add up to 1 and make w' P w smallest.

    P (k, k), not zero: the products of the members' errors. The weighted error is homogeneous in
    the weights, so the best ones on the simplex are those of the non-negative least-squares
    problem with one more row that asks for the sum 1, divided by their sum.
    """
    # Imported here because it is slow to load and predicting does not need it.
    from scipy.optimize import nnls

    shrunk = products / np.diag(products).mean()
    shrunk += np.diag(SHRINKAGE * np.diag(shrunk) + LEAST_SQUARE)
    rows = np.vstack([np.linalg.cholesky(shrunk).T, np.ones(len(products))])
    weights, _ = nnls(rows, np.append(np.zeros(len(products)), 1.0))
    return np.asarray(weights / weights.sum())


def _answers(
    members: Mapping[str, TrainedModel], series: BatterySeries, asked: Asked, task: Task
) -> Floats:
    """Return the prediction of each member, with RUL at least 0, (members, m, T)."""
    return np.stack([clamp_rul(m.predictor.predict(series, asked), task) for m in members.values()])


def restore(content: dict[str, Any], hp: Hyperparameters, task: Task) -> Ensemble:
    """Rebuild members and weights; raises KeyError, TypeError or ValueError if damaged."""
    models = [TrainedModel.from_content(part) for part in content["members"]]
    members = dict(zip(content["titles"], models, strict=True))
    weights = content["weights"].numpy()
    if weights.shape != (len(members), len(task.targets)):
        raise ValueError("The weights do not match members and targets.")
    return Ensemble(members, weights, task)
