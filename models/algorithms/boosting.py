"""Boosting of one target with early stopping by validation batteries."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from models.inputs.series import Floats
from models.settings.hyperparameters import TreesSettings

# Share of the inputs that a split may choose from: trees become less alike, and seeds matter.
INPUT_SHARE = 0.5


@dataclass(frozen=True)
class Labelled:
    """One target's labelled questions: inputs (m, P) and what is left to learn (m,)."""

    inputs: Floats
    rest: Floats


@dataclass(frozen=True)
class Boosted:
    """The model cut after its best round; train_loss (rounds,): mean squared errors up to there."""

    model: HistGradientBoostingRegressor
    train_loss: Floats

    @property
    def rounds(self) -> int:
        """How many rounds were kept."""
        return len(self.train_loss)

    def stages(self, inputs: Floats, rounds: int) -> Iterator[Floats]:
        """Yield answers (m,) after each of some rounds; the model rests after its last one."""
        answers = np.zeros(len(inputs))
        staged = iter(self.model.staged_predict(inputs))
        for _ in range(rounds):
            answers = next(staged, answers)
            yield answers


def boost(train: Labelled, val: Labelled, hp: TreesSettings) -> Boosted:
    """Fit the trees; `val` stops them and says which round is the last to be kept."""
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
    best = int(np.argmax(model.validation_score_[1:])) + 1
    # No public way to drop the rounds after the best: test_the_best_round_is_kept proves the cut.
    del model._predictors[best:]
    return Boosted(model, -2.0 * np.asarray(model.train_score_)[1 : best + 1])
