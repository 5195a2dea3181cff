"""Models of cycle life from one row of features per battery; for the background process only.

All but the floor are linear in log10(cycle life), as in Severson et al., Nature Energy 2019
(doi 10.1038/s41560-019-0356-8), whose "variance" model has log10 of the variance of
Q100(V) - Q10(V) as its only feature.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import RepeatedKFold
from sklearn.pipeline import make_pipeline

from core.studies.battery_table import Floats

FOLDS, REPEATS, SEED = 5, 5, 0
ALPHAS = tuple(float(alpha) for alpha in np.logspace(-3, 3, 13))
MAX_COMPONENTS = 10
# A feature of one sign whose largest value is at least ten times its smallest is replaced by
# its logarithm.
LOG_RATIO = 10.0
TINY = float(np.finfo(np.float64).tiny)

# Takes prepared features (n, F) and log10 lives (n,); the result predicts log10 lives.
FitLine = Callable[[Floats, Floats], Any]


@dataclass(frozen=True)
class Preparation:
    """Prepares features: logarithm where one spans a decade, clipping, mean 0 and deviation 1.

    Features are clipped to the 5-95 % range of the training batteries, widened by its own width
    on both sides, so that one extreme feature cannot decide a battery's prediction.
    """

    log: npt.NDArray[np.bool_]
    low: Floats
    high: Floats
    mean: Floats
    scale: Floats

    @classmethod
    def learn(cls, x: Floats) -> "Preparation":
        """Learn from the features x (n, F) of training batteries."""
        log = spans_decade(x)
        raw = _logged(x, log)
        low, high = np.percentile(raw, [5, 95], axis=0)
        low, high = low - (high - low), high + (high - low)
        clipped = np.clip(raw, low, high)
        mean, spread = clipped.mean(axis=0), clipped.std(axis=0)
        # A feature that is constant in training becomes 0 everywhere.
        scale = np.where(spread > 1e-12 * np.maximum(1.0, np.abs(mean)), spread, np.inf)
        return cls(log, low, high, mean, scale)

    def apply(self, x: Floats) -> Floats:
        """Prepared features (n, F)."""
        prepared = (np.clip(_logged(x, self.log), self.low, self.high) - self.mean) / self.scale
        return np.asarray(prepared, dtype=np.float64)


@dataclass(frozen=True)
class PublishedLog:
    """The published transformation of the variance model: log10 of each column, nothing else."""

    @classmethod
    def learn(cls, x: Floats) -> "PublishedLog":
        """Nothing to learn."""
        return cls()

    def apply(self, x: Floats) -> Floats:
        """log10 |x|, (n, F)."""
        return np.asarray(np.log10(np.maximum(np.abs(x), TINY)))


@dataclass(frozen=True)
class FittedModel:
    """One model after fitting on the training batteries.

    setting : what cross-validation chose, in words
    cv_rmse : RMSE in cycles, mean over the 25 folds of cross-validation on training batteries
    predict : features (n, F) -> cycle lives (n,)
    effects : by feature, the change (%) of predicted life for one standard deviation more of it
    """

    key: str
    label: str
    setting: str
    cv_rmse: float
    predict: Callable[[Floats], Floats]
    effects: dict[int, float]
    is_floor: bool = False


class Fitting:
    """Fits all models on the same training batteries and the same folds.

    Parameters
    ----------
    x : (n, F) features
    life : (n,) cycles
    """

    def __init__(self, x: Floats, life: Floats) -> None:
        self.x, self.life = x, life
        folds = RepeatedKFold(n_splits=FOLDS, n_repeats=REPEATS, random_state=SEED)
        self._folds = list(folds.split(x))
        self._prepared = [Preparation.learn(x[fit]) for fit, _ in self._folds]

    def variance(self, column: int) -> FittedModel:
        """Least squares of log10 life on log10 of one column, neither clipped nor scaled."""
        prepared = [PublishedLog() for _ in self._folds]
        fit = partial(_line_of_one, column)
        model = fit(PublishedLog().apply(self.x), np.log10(self.life))
        spread = float(np.std(PublishedLog().apply(self.x[:, [column]])))
        return FittedModel(
            "VARIANCE",
            "Variance model",
            "",
            self._cv_rmse(fit, prepared),
            _predictor(PublishedLog(), model),
            {column: _percent(float(model.slope) * spread)},
        )

    def single(self, names: Sequence[str]) -> FittedModel:
        """The one feature that predicts training batteries best under cross-validation."""
        candidates = {column: partial(_line_of_one, column) for column in range(len(names))}
        column, score, preparation, model = self._best(candidates)
        return FittedModel(
            "SINGLE",
            "Best single feature",
            names[column],
            score,
            _predictor(preparation, model),
            {column: _percent(float(model.slope))},
        )

    def ridge(self) -> FittedModel:
        """Ridge regression on all features."""
        alpha, score, preparation, model = self._best(
            {alpha: Ridge(alpha=alpha).fit for alpha in ALPHAS}
        )
        setting = f"penalty {alpha:.3g}"
        predict = _predictor(preparation, model)
        return FittedModel("RIDGE", "Ridge", setting, score, predict, _effects(model.coef_))

    def pcr(self) -> FittedModel:
        """Principal component regression."""
        candidates = {
            count: make_pipeline(PCA(count, svd_solver="full"), LinearRegression()).fit
            for count in self._component_counts()
        }
        count, score, preparation, model = self._best(candidates)
        effects = _effects(model[0].components_.T @ model[1].coef_)
        predict = _predictor(preparation, model)
        return FittedModel("PCR", "PCR", _components(count), score, predict, effects)

    def plsr(self) -> FittedModel:
        """Partial least squares regression."""
        candidates = {
            count: PLSRegression(count, scale=False).fit for count in self._component_counts()
        }
        count, score, preparation, model = self._best(candidates)
        effects = _effects(np.ravel(model.coef_))
        predict = _predictor(preparation, model)
        return FittedModel("PLSR", "PLSR", _components(count), score, predict, effects)

    def mean(self) -> FittedModel:
        """The floor: every battery lives as long as the training batteries do on average."""
        errors = [
            _rmse(np.full(len(test), self.life[fit].mean()), self.life[test])
            for fit, test in self._folds
        ]
        average = float(self.life.mean())
        score = float(np.mean(errors))
        return FittedModel(
            "MEAN", "Mean", "", score, lambda x: np.full(len(x), average), {}, is_floor=True
        )

    def _best(self, candidates: Mapping[Any, FitLine]) -> tuple[Any, float, Preparation, Any]:
        """Key and error of the best candidate, and its preparation and model fitted on all rows."""
        scores = {key: self._cv_rmse(fit, self._prepared) for key, fit in candidates.items()}
        best = min(scores, key=lambda key: scores[key])
        preparation = Preparation.learn(self.x)
        model = candidates[best](preparation.apply(self.x), np.log10(self.life))
        return best, scores[best], preparation, model

    def _cv_rmse(self, fit_line: FitLine, prepared: Sequence[Preparation | PublishedLog]) -> float:
        errors = []
        # In a hundred small fits, checking the arguments would take most of the time.
        with sklearn.config_context(assume_finite=True, skip_parameter_validation=True):
            for (fit, test), preparation in zip(self._folds, prepared, strict=True):
                model = fit_line(preparation.apply(self.x[fit]), np.log10(self.life[fit]))
                predicted = _predictor(preparation, model)(self.x[test])
                errors.append(_rmse(predicted, self.life[test]))
        return float(np.mean(errors))

    def _component_counts(self) -> range:
        smallest_fold = min(len(fit) for fit, _ in self._folds)
        return range(1, min(MAX_COMPONENTS, self.x.shape[1], smallest_fold - 1) + 1)


def spans_decade(x: Floats) -> npt.NDArray[np.bool_]:
    """Which columns of x (n, F) have one sign and span a decade or more."""
    size = np.abs(x)
    one_sign = (x > 0).all(axis=0) | (x < 0).all(axis=0)
    return np.asarray(one_sign & (size.max(axis=0) >= LOG_RATIO * size.min(axis=0)))


@dataclass(frozen=True)
class _Line:
    """y = level + slope * z[:, column]."""

    column: int
    slope: float
    level: float

    def predict(self, z: Floats) -> Floats:
        return np.asarray(self.level + self.slope * z[:, self.column])


def _line_of_one(column: int, z: Floats, y: Floats) -> _Line:
    """Least squares on one column; a constant column gets slope 0."""
    centred = z[:, column] - z[:, column].mean()
    spread = float(centred @ centred)
    slope = float(centred @ y) / spread if spread > 0 else 0.0
    return _Line(column, slope, float(y.mean() - slope * z[:, column].mean()))


def _predictor(preparation: Preparation | PublishedLog, model: Any) -> Callable[[Floats], Floats]:
    return lambda x: np.asarray(10.0 ** np.ravel(model.predict(preparation.apply(x))))


def _logged(x: Floats, log: npt.NDArray[np.bool_]) -> Floats:
    return np.where(log, np.log10(np.maximum(np.abs(x), TINY)), x)


def _rmse(predicted: Floats, life: Floats) -> float:
    return float(np.sqrt(np.mean((predicted - life) ** 2)))


def _effects(weights: Floats) -> dict[int, float]:
    return {column: _percent(float(weight)) for column, weight in enumerate(weights)}


def _percent(log_change: float) -> float:
    return 100.0 * float(10.0**log_change - 1.0)


def _components(count: int) -> str:
    return f"{count} component" if count == 1 else f"{count} components"
