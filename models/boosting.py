"""Boosting of one target with early stopping by validation batteries, and how it went."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from models.config import Hyperparameters
from models.predictor import EpochReport
from models.series import Floats

# Share of the inputs that a split may choose from: trees become less alike, and seeds matter.
INPUT_SHARE = 0.5


@dataclass(frozen=True)
class Labelled:
    """One target's labelled questions: inputs (m, P) and what is left to learn (m,)."""

    inputs: Floats
    rest: Floats


@dataclass(frozen=True)
class Boosted:
    """The model cut after its best round.

    train_loss, val_loss (rounds,): mean squared errors on the learned scale after each round.
    val_rmse (rounds,): in physical units.
    """

    model: HistGradientBoostingRegressor
    train_loss: Floats
    val_loss: Floats
    val_rmse: Floats

    @property
    def best_round(self) -> int:
        """The round with the smallest validation loss, from 1."""
        return int(np.argmin(self.val_loss)) + 1

    def at(self, scores: Floats, number: int) -> float:
        """Return the score after a round; of the best one if boosting had ended by then."""
        return float(scores[number - 1 if number <= len(scores) else self.best_round - 1])


def boost(
    train: Labelled, val: Labelled, hp: Hyperparameters, rmse_of: Callable[[Floats], float]
) -> Boosted:
    """Fit the trees; `val` stops them and says which round is kept.

    rmse_of: turns answers to the questions of `val` into an error in physical units.
    """
    patience = hp.tree_patience or hp.boosting_rounds + 1
    model = HistGradientBoostingRegressor(
        learning_rate=hp.tree_learning_rate,
        max_iter=hp.boosting_rounds,
        max_leaf_nodes=hp.max_leaf_nodes,
        min_samples_leaf=hp.min_samples_leaf,
        l2_regularization=hp.tree_l2,
        max_features=INPUT_SHARE,
        early_stopping=True,
        n_iter_no_change=patience,
        tol=0.0,
        random_state=hp.seed,
    )
    model.fit(train.inputs, train.rest, X_val=val.inputs, y_val=val.rest)
    # Scores are minus half the squared error, before the first round and after each.
    train_loss, val_loss = (
        -2.0 * np.asarray(scores)[1:] for scores in (model.train_score_, model.validation_score_)
    )
    val_rmse = np.array([rmse_of(found) for found in model.staged_predict(val.inputs)])
    boosted = Boosted(model, train_loss, val_loss, val_rmse)
    # No public way to drop the rounds after the best: test_the_best_round_is_kept proves the cut.
    del model._predictors[boosted.best_round :]
    return boosted


def reports_of(
    boosted: Sequence[Boosted], targets: Sequence[str], spread: Floats, hp: Hyperparameters
) -> list[EpochReport]:
    """Return one report a round; spread (T,): the learned targets' standard deviations.

    A target that had stopped by then counts with its best round: that is what is kept of it.
    """
    reports = []
    for number in range(1, max(len(b.val_loss) for b in boosted) + 1):
        train = [b.at(b.train_loss, number) for b in boosted] / spread**2
        val = [b.at(b.val_loss, number) for b in boosted] / spread**2
        rmse = {
            f"val_rmse_{name}": b.at(b.val_rmse, number)
            for name, b in zip(targets, boosted, strict=True)
        }
        reports.append(
            EpochReport(
                number,
                hp.boosting_rounds,
                float(train.mean()),
                float(val.mean()),
                hp.tree_learning_rate,
                rmse,
            )
        )
    return reports
