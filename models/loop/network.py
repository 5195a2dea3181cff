"""The interface between a network and the training loop."""

from dataclasses import dataclass, field
from typing import Any

import torch.nn.functional as functional
from torch import Tensor, nn

from models.inputs.samples import Batch
from models.inputs.series import Task


@dataclass(frozen=True)
class Losses:
    """Losses of a batch: `total` is minimised, `data` is the mean squared error.

    `parts` holds the others by name, to be shown.
    """

    total: Tensor
    data: Tensor
    parts: dict[str, Tensor] = field(default_factory=dict)


class Network(nn.Module):
    """A network of one algorithm; with `window_length` None its input is a single row."""

    window_length: int | None = None

    def predict(self, batch: Batch) -> Tensor:
        """Return targets (B, T) in network units."""
        raise NotImplementedError

    def losses(self, batch: Batch, target: Tensor, known: Tensor | None) -> Losses:
        """Return the losses of one batch; target and known are (B, T), known None: all known."""
        data = mean_square(self.predict(batch), target, known)
        return Losses(data, data)

    def add_gradients(self, batch: Batch, target: Tensor, known: Tensor | None) -> Losses:
        """Return the losses of one batch, and add the gradient of `total` to the parameters."""
        losses = self.losses(batch, target, known)
        losses.total.backward()
        return losses

    def facts(self) -> dict[str, Any]:
        """Return learned values that a reader can understand, as plain values."""
        return {}

    def parameter_groups(self, weight_decay: float) -> list[dict[str, object]]:
        """Return the parameters in two groups: weight decay applies to weights, not to offsets."""
        if weight_decay == 0.0:
            return [{"params": list(self.parameters()), "weight_decay": 0.0}]
        weights = [p for p in self.parameters() if p.ndim > 1]
        others = [p for p in self.parameters() if p.ndim <= 1]
        return [
            {"params": weights, "weight_decay": weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]


def mean_square(predicted: Tensor, target: Tensor, known: Tensor | None) -> Tensor:
    """Return the mean squared error over labelled entries, 0 without any; known None: all are."""
    if known is None:
        return functional.mse_loss(predicted, target)
    return ((predicted - target).square() * known).sum() / known.sum().clamp(min=1.0)


def state_width(task: Task) -> int:
    """Return the number of inputs of one row."""
    return len(task.feature_names) + (2 if task.use_capacity_history else 0)


def point_width(task: Task) -> int:
    """Return the width of a batch's points."""
    return state_width(task) + 1 + int(task.is_forecast)
