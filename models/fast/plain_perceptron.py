"""The plain twin of the fast perceptron: stock layers and torch's automatic differentiation."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class PlainPerceptron(nn.Module):
    """Linear layers with tanh and dropout between them; Xavier-normal weights, zero offsets."""

    def __init__(self, inputs: int, outputs: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        for size in pairwise([inputs, *[width] * depth, outputs]):
            layer = nn.Linear(*size)
            nn.init.xavier_normal_(layer.weight)
            nn.init.zeros_(layer.bias)
            self.layers.append(layer)
        self.width, self.drop = width, nn.Dropout(dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return outputs (B, O) of inputs (B, I)."""
        for layer in self.layers[:-1]:
            inputs = self.drop(torch.tanh(layer(inputs)))
        return self.layers[-1](inputs)

    def forward_along(self, inputs: Tensor, direction: Tensor) -> Tensor:
        """Return the outputs and both derivatives, (3, B, O), where all inputs move along (I,)."""
        return self.forward_streams(torch.stack([inputs, direction.expand_as(inputs), 0 * inputs]))

    def forward_streams(self, inputs: Tensor, *, twice: bool = False) -> Tensor:
        """Return outputs and derivatives (K, B, O); `twice` asks for what is always so here."""
        ones = inputs.new_ones(inputs.shape[1], self.width)
        dropping = self.layers[:-1] if self.training and self.drop.p else ()
        return carry(self.layers, inputs, [self.drop(ones) for _ in dropping])

    def add_gradients(self, inputs: Tensor, target: Tensor, known: Tensor | None) -> Tensor:
        """Return the mean squared error (known None: all); add its gradient to the parameters'."""
        squares = (self(inputs) - target).square()
        known = torch.ones_like(squares) if known is None else known
        loss = (squares * known).sum() / known.sum().clamp(min=1.0)
        loss.backward()
        return loss.detach()


def carry(layers: nn.ModuleList, streams: Tensor, masks: Sequence[Tensor]) -> Tensor:
    """Carry values, first and second derivatives (K, B, I) through; masks [] drop nothing."""
    for number, layer in enumerate(layers):
        value, *rates = streams @ layer.get_parameter("weight").t()
        value = value + layer.get_parameter("bias")
        if number + 1 < len(layers):
            value = torch.tanh(value)
            if len(rates) == 2:
                rates[1] = rates[1] - 2.0 * value * rates[0].square()
            rates = [(1.0 - value.square()) * rate for rate in rates]
        streams = torch.stack([value, *rates])
        streams = streams * masks[number] if number < len(masks) else streams
    return streams
