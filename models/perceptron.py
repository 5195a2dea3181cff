"""A tanh perceptron that also carries derivatives along one direction, forward, by hand."""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as functional
from torch import Tensor, nn


@dataclass(frozen=True)
class Jet:
    """A value and its first (and second, if wanted) derivative along one direction."""

    value: Tensor
    first: Tensor
    second: Tensor | None = None


class Perceptron(nn.Module):
    """Linear layers with tanh and dropout between them; Xavier-normal weights, zero offsets."""

    def __init__(
        self, inputs: int, outputs: int, hidden_size: int, num_layers: int, dropout: float
    ) -> None:
        super().__init__()
        widths = [inputs, *[hidden_size] * num_layers, outputs]
        self.layers = nn.ModuleList(_xavier_linear(a, b) for a, b in pairwise(widths))
        self.dropout = dropout

    def forward(self, inputs: Tensor) -> Tensor:
        """Return outputs (B, O) of inputs (B, I)."""
        *hidden, last = self.layers
        for layer in hidden:
            inputs = functional.dropout(torch.tanh(layer(inputs)), self.dropout, self.training)
        return last(inputs)

    def forward_jet(self, inputs: Jet) -> Jet:
        """Return the outputs and their derivatives along the inputs' own derivatives."""
        *hidden, last = self.layers
        for layer in hidden:
            inputs = self._drop(_tanh(_linear(layer, inputs)))
        return _linear(last, inputs)

    def _drop(self, jet: Jet) -> Jet:
        """Drop the same units from the value and from its derivatives."""
        if not self.training or self.dropout == 0.0:
            return jet
        mask = functional.dropout(torch.ones_like(jet.value), self.dropout)
        second = None if jet.second is None else jet.second * mask
        return Jet(jet.value * mask, jet.first * mask, second)


def _xavier_linear(inputs: int, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs, outputs)
    nn.init.xavier_normal_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def _linear(layer: nn.Module, jet: Jet) -> Jet:
    weight = layer.get_parameter("weight")
    second = None if jet.second is None else functional.linear(jet.second, weight)
    return Jet(layer(jet.value), functional.linear(jet.first, weight), second)


def _tanh(jet: Jet) -> Jet:
    value = torch.tanh(jet.value)
    slope = 1.0 - value.square()
    first = slope * jet.first
    if jet.second is None:
        return Jet(value, first)
    return Jet(value, first, slope * jet.second - 2.0 * value * first * jet.first)
