"""Ridge regression of standardised inputs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.inputs.series import Floats

# Keeps the solution finite where inputs are equal.
LEAST_PENALTY = 1e-9


@dataclass(frozen=True)
class Ridge:
    """y = offset + ((inputs - mean) / std) @ weights, all (P,)."""

    mean: Floats
    std: Floats
    weights: Floats
    offset: float

    def predict(self, inputs: Floats) -> Floats:
        """Return (m,) of inputs (m, P)."""
        scaled = (inputs - self.mean) / self.std
        return np.asarray(scaled @ self.weights + self.offset)

    def content(self) -> dict[str, Any]:
        """Return tensors and plain values."""
        arrays = ("mean", "std", "weights")
        return {
            **{name: torch.tensor(getattr(self, name)) for name in arrays},
            "offset": self.offset,
        }


def restore_ridge(content: dict[str, Any]) -> Ridge:
    """Rebuild a fit; raises KeyError, TypeError or AttributeError if it is damaged."""
    mean, std, weights = (content[name].numpy() for name in ("mean", "std", "weights"))
    return Ridge(mean, std, weights, float(content["offset"]))


def fit_ridge(inputs: Floats, y: Floats, penalty: float) -> Ridge:
    """Fit y (m,) on inputs (m, P).

    penalty: factor of the squared weights, added to the mean squared error with standardised
    inputs; its effect does not depend on the number of rows.
    """
    mean, std = inputs.mean(axis=0), inputs.std(axis=0)
    std = np.where(std > 1e-12, std, 1.0)
    scaled = (inputs - mean) / std
    offset = float(y.mean())
    # By eigenvalues rather than a solver, so that equal inputs do no harm at penalty 0.
    values, vectors = np.linalg.eigh(scaled.T @ scaled / len(y))
    shrunk = np.maximum(values, 0.0) + max(penalty, LEAST_PENALTY)
    moments = scaled.T @ (y - offset) / len(y)
    weights = vectors @ ((vectors.T @ moments) / shrunk)
    return Ridge(mean, std, np.asarray(weights), offset)
