"""A tanh perceptron that also carries derivatives along one direction, forward, by hand."""

from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from models.dropout_masks import MaskPool, keep_scale
from models.jet_propagation import propagate


@dataclass(frozen=True)
class Jet:
    """A value and its first (and second, if wanted) derivative along one direction, (B, width)."""

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
        self.masks = MaskPool(hidden_size, dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return outputs (B, O) of inputs (B, I); their gradients exist, but only once."""
        return self._streams(inputs[None], None, self._draw_masks(inputs)).squeeze(0)

    def forward_jet(self, inputs: Jet, *, twice: bool = False) -> Jet:
        """Return the outputs and their derivatives along the inputs' own derivatives.

        Dropout switches the same units off in the value and in its derivatives. `twice` keeps a
        graph through which gradients can be differentiated again; the other is far faster.
        """
        masks = self._draw_masks(inputs.value)
        if twice:
            return self._forward_jet_stepwise(inputs, masks)
        streams = [inputs.value, inputs.first]
        if inputs.second is not None:
            streams.append(inputs.second)
        return self._propagate(torch.stack(streams), None, masks)

    def forward_along(self, inputs: Tensor, direction: Tensor) -> Jet:
        """Return the outputs and both derivatives where all inputs (B, I) move along (I,)."""
        return self._propagate(inputs, direction, self._draw_masks(inputs))

    def _propagate(self, inputs: Tensor, direction: Tensor | None, masks: Tensor | None) -> Jet:
        return Jet(*self._streams(inputs, direction, masks).unbind())

    def _streams(self, inputs: Tensor, direction: Tensor | None, masks: Tensor | None) -> Tensor:
        weights = [layer.get_parameter("weight") for layer in self.layers]
        offsets = [layer.get_parameter("bias") for layer in self.layers]
        scale = 1.0 if masks is None else keep_scale(self.dropout)
        return propagate(inputs, direction, weights, offsets, masks, scale)

    def _forward_jet_stepwise(self, inputs: Jet, masks: Tensor | None) -> Jet:
        *hidden, last = self.layers
        for number, layer in enumerate(hidden):
            inputs = _tanh(_linear(layer, inputs))
            if masks is not None:
                inputs = _masked(inputs, masks[number])
        return _linear(last, inputs)

    def _draw_masks(self, inputs: Tensor) -> Tensor | None:
        """Return (L, B, H) for this pass; None where nothing is dropped."""
        if not self.training or self.dropout == 0.0:
            return None
        return self.masks.draw(len(self.layers) - 1, len(inputs), inputs)


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


def _masked(jet: Jet, mask: Tensor) -> Jet:
    second = None if jet.second is None else jet.second * mask
    return Jet(jet.value * mask, jet.first * mask, second)
