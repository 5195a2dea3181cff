"""Ridge regression whose penalty is chosen by leaving out batteries, never rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.series import Floats, Integers

# Penalties tried, as a share of the standardised inputs' mean square.
PENALTIES = tuple(float(10.0**power) for power in np.arange(-5.0, 1.01, 0.5))
FOLDS = 10


@dataclass(frozen=True)
class Ridge:
    """y = offset + ((inputs[:, columns] - mean) / std) @ weights; penalty: what was chosen."""

    columns: Integers
    mean: Floats
    std: Floats
    weights: Floats
    offset: float
    penalty: float

    def predict(self, inputs: Floats) -> Floats:
        """Return (m,) of inputs (m, P)."""
        scaled = (inputs[:, self.columns] - self.mean) / self.std
        return np.asarray(scaled @ self.weights + self.offset)

    def content(self) -> dict[str, Any]:
        """Return tensors and plain values."""
        arrays = ("columns", "mean", "std", "weights")
        return {
            **{name: torch.tensor(getattr(self, name)) for name in arrays},
            "offset": self.offset,
            "penalty": self.penalty,
        }


def restore_ridge(content: dict[str, Any]) -> Ridge:
    """Rebuild a fit; raises KeyError, TypeError or AttributeError if it is damaged."""
    columns, mean, std, weights = (
        content[name].numpy() for name in ("columns", "mean", "std", "weights")
    )
    return Ridge(columns, mean, std, weights, float(content["offset"]), float(content["penalty"]))


def fit_ridge(
    inputs: Floats, y: Floats, battery: Integers, columns: Integers, penalty: float
) -> Ridge:
    """Fit y (m,) on the chosen columns of inputs (m, P).

    penalty: added to the diagonal of the standardised inputs' mean products; 0 chooses the one of
    `PENALTIES` with the smallest squared error on left-out batteries.
    """
    chosen = inputs[:, columns]
    mean, std = chosen.mean(axis=0), chosen.std(axis=0)
    std = np.where(std > 1e-12, std, 1.0)
    scaled = (chosen - mean) / std
    offset = float(y.mean())
    if penalty == 0.0:
        penalty = _choose_penalty(scaled, y - offset, battery)
    weights = _solve(scaled.T @ scaled, scaled.T @ (y - offset), len(y), [penalty])[:, 0]
    return Ridge(columns, mean, std, weights, offset, penalty)


def _choose_penalty(scaled: Floats, y: Floats, battery: Integers) -> float:
    """Return the penalty with the least squared error on batteries left out in turn."""
    fold = np.unique(battery, return_inverse=True)[1] % FOLDS
    folds = np.unique(fold)
    if len(folds) == 1:
        return PENALTIES[len(PENALTIES) // 2]
    products, moments = scaled.T @ scaled, scaled.T @ y
    squares = np.zeros(len(PENALTIES))
    for one in folds:
        rows = fold == one
        part = scaled[rows]
        weights = _solve(
            products - part.T @ part, moments - part.T @ y[rows], int((~rows).sum()), PENALTIES
        )
        squares += ((part @ weights - y[rows, None]) ** 2).sum(axis=0)
    return PENALTIES[int(np.argmin(squares))]


def _solve(products: Floats, moments: Floats, rows: int, penalties: Sequence[float]) -> Floats:
    """Return the weights of each penalty, (P, K), of sums over `rows` rows."""
    values, vectors = np.linalg.eigh(products / rows)
    turned = vectors.T @ moments / rows
    shrunk = np.maximum(values, 0.0)[:, None] + np.asarray(penalties)
    return np.asarray(vectors @ (turned[:, None] / shrunk))
