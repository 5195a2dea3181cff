"""Intervals around predictions that hold for a share of the cycles of a new battery.

Batteries are exchangeable, the cycles of one battery are not, so each battery counts as one. A
score |y - y_pred| of battery k, one of K with n_k cycles each, gets the weight 1 / ((K + 1) n_k),
and infinity gets 1 / (K + 1); the interval is as wide as the 90 % quantile of these scores (HCP,
and jackknife+ over folds as its cross-validated form: Lee, Barber, Willett 2023, "Distribution-
free inference with hierarchical data", arXiv 2306.06342). The usual libraries (MAPIE, crepes)
give each row the same weight, and their intervals would be too narrow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from models.inputs.series import BatterySeries, Floats
from models.settings.catalogue import ALGORITHMS

NOMINAL = 0.90
# With fewer batteries 1 / (K + 1) is more than 10 %: the quantile is infinite.
FEWEST_BATTERIES = 9
N_FOLDS = 5
# Number of quantiles that stand for the scores of a fold; rounded up, so never too narrow.
N_POINTS = 200
# Halvings that leave a thousandth of the distance between the folds; the upper end is taken.
SEARCH_STEPS = 10

Method = Literal["split", "cv+", "none"]


def choose_method(n_train: int, n_val: int) -> Method:
    """Return the method for intervals that the numbers of labelled batteries allow."""
    if n_val >= FEWEST_BATTERIES:
        return "split"
    return "cv+" if n_train >= FEWEST_BATTERIES else "none"


def fits_of(algorithm: str, method: Method) -> float:
    """Return the number of passes over the training data for the model and its folds together.

    With N folds it is N: one for the model, and N times (N - 1) / N for the models of the folds.
    The folds of an ensemble are those of its members.
    """
    fits_folds = method == "cv+" and ALGORITHMS[algorithm].family != "ensemble"
    return float(N_FOLDS) if fits_folds else 1.0


def fold_numbers(train: Sequence[BatterySeries], seed: int) -> list[int]:
    """Return the fold of each battery; batteries with the same labels are spread evenly."""
    drawn = np.random.default_rng(seed).random(len(train))
    labels = [int(np.isfinite(s.targets).any(axis=0).sum()) if len(s) else 0 for s in train]
    order = np.lexsort((drawn, np.array(labels)))
    fold_of = np.empty(len(train), np.int64)
    fold_of[order] = np.arange(len(train)) % N_FOLDS
    return [int(fold) for fold in fold_of]


@dataclass(frozen=True)
class Band:
    """How far the interval of one target reaches, in multiples of its scale.

    method : "split" (batteries held out of fitting), "cv+" (five folds of the training batteries)
        or "none", for the given `reason`
    n_batteries : (H,) K at each horizon; short batteries do not count at long horizons
    offsets : (H,) the scale is `width_scale(y_pred, offset)`
    scores : (H, folds, points) by horizon: for "split" the quantile alone, for "cv+" the
        quantiles of the scores of each fold
    masses : (H, folds) the share of the K batteries in each fold
    design_effects : (H,) how much more the covered share differs between batteries than it would
        if a battery's cycles were independent (1) - see `design_effect`
    """

    method: Method
    n_batteries: Floats
    offsets: Floats
    scores: Floats
    masses: Floats
    design_effects: Floats
    reason: str = ""

    def bounds(self, place: int, y_pred: Floats, folds: Sequence[Floats]) -> tuple[Floats, Floats]:
        """Return lower and upper (m,) at the horizon with index `place`; NaN without interval.

        folds : predictions (m,) of the model of each fold, for "cv+" only
        """
        n = float(self.n_batteries[place])
        if self.method == "none" or n < FEWEST_BATTERIES:
            return np.full_like(y_pred, np.nan), np.full_like(y_pred, np.nan)
        if self.method == "split":
            reach = self.scores[place, 0, 0] * width_scale(y_pred, self.offsets[place])
            return y_pred - reach, y_pred + reach
        scales = [width_scale(fold, self.offsets[place]) for fold in folds]
        points, masses, level = self.scores[place], self.masses[place], NOMINAL * (n + 1) / n
        upper = _mixture_quantile(folds, scales, points, masses, level)
        lower = -_mixture_quantile([-fold for fold in folds], scales, points, masses, level)
        # The interval of the folds may not contain the prediction of the model itself.
        return np.minimum(lower, y_pred), np.maximum(upper, y_pred)

    def content(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "method": self.method,
            "n_batteries": self.n_batteries.tolist(),
            "offsets": self.offsets.tolist(),
            "scores": self.scores.tolist(),
            "masses": self.masses.tolist(),
            "design_effects": self.design_effects.tolist(),
            "reason": self.reason,
        }

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Band":
        """Rebuild from `content`; raises KeyError, TypeError or ValueError if malformed."""
        arrays = {
            name: np.asarray(content[name], np.float64)
            for name in ("n_batteries", "offsets", "scores", "masses", "design_effects")
        }
        if content["method"] not in ("split", "cv+", "none"):
            raise ValueError(f"Unknown method {content['method']!r}.")
        return cls(**(dict(content) | arrays))


@dataclass(frozen=True)
class Calibration:
    """The bands of a model's targets, in the order of its task, at ascending `horizons`."""

    horizons: tuple[int, ...]
    bands: tuple[Band, ...]

    def bounds(
        self, horizon: int, y_pred: Floats, folds: Sequence[Floats]
    ) -> tuple[Floats, Floats]:
        """Return lower and upper, (m, T), for predictions (m, T) and those of each fold's model.

        A horizon between two calibrated ones takes the bounds of the farther one, which are wider.
        """
        place = self.place(horizon)
        pairs = [
            band.bounds(place, y_pred[:, column], [fold[:, column] for fold in folds])
            for column, band in enumerate(self.bands)
        ]
        return np.column_stack([p[0] for p in pairs]), np.column_stack([p[1] for p in pairs])

    def place(self, horizon: int) -> int:
        """Return the index of the smallest calibrated horizon that is at least this one."""
        return int(np.searchsorted(self.horizons, horizon))

    def content(self) -> dict[str, Any]:
        """Return plain values."""
        return {"horizons": list(self.horizons), "bands": [band.content() for band in self.bands]}

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Calibration":
        """Rebuild from `content`; raises KeyError, TypeError or ValueError if malformed."""
        bands = tuple(Band.from_content(band) for band in content["bands"])
        return cls(tuple(int(h) for h in content["horizons"]), bands)


def width_scale(y_pred: Floats, offset: float) -> Floats:
    """Return the scale of the width at each prediction: max(y_pred, 0) + offset.

    With an offset of NaN the scale is 1 everywhere.
    """
    return np.ones_like(y_pred) if np.isnan(offset) else np.maximum(y_pred, 0.0) + offset


def battery_quantile(scores: Sequence[Floats], level: float = NOMINAL) -> float:
    """Return the quantile of the scores (n_k,) of K batteries, each battery weighing the same.

    Infinite if K batteries are too few for the level.
    """
    if (len(scores) + 1) * level > len(scores) + 1e-9:
        return float("inf")
    values, weights, _ = _sorted(scores)
    return float(values[_reached(weights, level * (len(scores) + 1))])


def battery_points(scores: Sequence[Floats], n_points: int = N_POINTS) -> Floats:
    """Return (n_points,) quantiles at equal steps, each the largest score of its step."""
    values, weights, _ = _sorted(scores)
    shares = len(scores) * np.arange(1, n_points + 1) / n_points
    reached = np.searchsorted(np.cumsum(weights), shares - 1e-9)
    return np.asarray(values[np.minimum(reached, len(values) - 1)])


def design_effect(scores: Sequence[Floats], level: float = NOMINAL) -> float:
    """Return Var(share) / (p (1 - p)) of the covered shares of batteries, between 0.02 and 1.

    The share of a battery is that of its scores below the quantile of the others. 1 means that each
    battery is covered or missed as a whole; near 0, all batteries have the same share (the
    design effect of cluster samples, Kish 1965, per battery instead of per cycle).
    """
    n = len(scores)
    if n <= FEWEST_BATTERIES:
        return 1.0
    values, weights, owner = _sorted(scores)
    shares = np.empty(n)
    for k in range(n):
        others = np.where(owner == k, 0.0, weights)
        limit = values[_reached(others, min(level * n, n - 1))]
        shares[k] = np.mean(scores[k] <= limit)
    mean = shares.mean()
    possible = mean * (1.0 - mean)
    if possible <= 0.0:
        return 1.0
    return float(np.clip(shares.var(ddof=1) / possible, 0.02, 1.0))


def _sorted(scores: Sequence[Floats]) -> tuple[Floats, Floats, np.ndarray]:
    """Return all scores in ascending order, each with its weight 1 / n_k and battery index."""
    values = np.concatenate(scores)
    lengths = np.array([len(part) for part in scores])
    owner = np.repeat(np.arange(len(scores)), lengths)
    order = np.argsort(values, kind="stable")
    return values[order], (1.0 / lengths)[owner][order], owner[order]


def _reached(weights: Floats, mass: float) -> int:
    """Return the first index at which the sum of the weights reaches `mass`."""
    found = int(np.searchsorted(np.cumsum(weights), mass - 1e-9))
    return min(found, len(weights) - 1)


def _mixture_quantile(
    centres: Sequence[Floats],
    scales: Sequence[Floats],
    points: Floats,
    masses: Floats,
    level: float,
) -> Floats:
    """Return (m,) the level's quantile of centre + scale * score, over folds and their scores.

    Bisection between the smallest and the largest quantile of the folds; the upper end of the last
    bracket is returned, so the result is never too small.
    """
    n_points = points.shape[1]
    rank = min(int(np.ceil(level * n_points - 1e-9)), n_points) - 1
    own = np.stack([c + s * p[rank] for c, s, p in zip(centres, scales, points, strict=True)])
    below = own.min(axis=0) - 1e-9 * (1.0 + np.abs(own).max(axis=0))
    above = own.max(axis=0)
    for _ in range(SEARCH_STEPS):
        middle = 0.5 * (below + above)
        mass = np.zeros_like(middle)
        for centre, scale, fold, share in zip(centres, scales, points, masses, strict=True):
            mass += share * np.searchsorted(fold, (middle - centre) / scale, "right") / n_points
        enough = mass >= level - 1e-12
        above, below = np.where(enough, middle, above), np.where(enough, below, middle)
    return above
