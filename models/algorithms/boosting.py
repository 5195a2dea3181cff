"""Boosted trees for one target, with early stopping on the validation batteries."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from models.inputs.series import Floats
from models.settings.hyperparameters import TreesSettings

# Share of the inputs that each split may choose from, at random, so that trees differ more.
INPUT_SHARE = 0.5


@dataclass(frozen=True)
class Labelled:
    """The labelled questions of one target: inputs (m, P), and values to learn (m,)."""

    inputs: Floats
    rest: Floats


@dataclass(frozen=True)
class Boosted:
    """The model up to its best round; train_loss (rounds,): mean squared error of each round."""

    model: HistGradientBoostingRegressor
    train_loss: Floats

    @property
    def rounds(self) -> int:
        """Number of rounds that were kept."""
        return len(self.train_loss)

    def stages(self, inputs: Floats, rounds: int) -> Iterator[Floats]:
        """Yield answers (m,) after each round; they no longer change after the last kept round."""
        answers = np.zeros(len(inputs))
        staged = iter(self.model.staged_predict(inputs))
        for _ in range(rounds):
            answers = next(staged, answers)
            yield answers


def boost(train: Labelled, val: Labelled, hp: TreesSettings) -> Boosted:
    """Fit the trees; the loss on `val` stops the fit and chooses the last round to keep."""
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
    # Scores are minus half the mean squared error, before the first round and after each.
    best = int(np.argmax(model.validation_score_[1:])) + 1
    # scikit-learn has no public way to drop later rounds; test_the_best_round_is_kept tests it.
    del model._predictors[best:]
    return Boosted(model, -2.0 * np.asarray(model.train_score_)[1 : best + 1])
