"""A tanh perceptron that also carries derivatives along one direction, forward, by hand.

`models/fast/plain_perceptron.py` is the plain twin that it must equal.
"""

import torch
from torch import Tensor, nn

from models.fast.dropout_masks import MaskPool, keep_scale
from models.fast.jet_propagation import padded_rows, propagate, trace_back, trace_through
from models.fast.plain_perceptron import PlainPerceptron, carry


class FastPerceptron(PlainPerceptron):
    """The same layers; dropout takes masks of a pool, and gradients are in closed form."""

    def __init__(self, inputs: int, outputs: int, width: int, depth: int, dropout: float) -> None:
        super().__init__(inputs, outputs, width, depth, dropout)
        # Steps go through the tuple, which takes no look-ups.
        self.linears = tuple(layer for layer in self.layers if isinstance(layer, nn.Linear))
        self.dropout = dropout
        self.masks = MaskPool(width, dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return outputs (B, O) of inputs (B, I); their gradients exist, but only once."""
        return self._propagate(inputs, None)

    def forward_along(self, inputs: Tensor, direction: Tensor) -> Tensor:
        """Return the outputs and both derivatives, (3, B, O), where all inputs move along (I,)."""
        return self._propagate(inputs, direction)

    def forward_streams(self, inputs: Tensor, *, twice: bool = False) -> Tensor:
        """Return the outputs and their derivatives along the inputs' own, (K, B, O).

        inputs: (K, B, I), the values, their first and (K = 3) second derivatives. Dropout switches
        the same units off in all of them. `twice` keeps a graph through which gradients can be
        differentiated again; the other is far faster.
        """
        if not twice:
            return self._propagate(inputs, None)
        masks = self._draw_masks(inputs) or []
        return carry(self.layers, inputs, [mask[: inputs.shape[1]] for mask in masks])

    @torch.no_grad()
    def add_gradients(self, inputs: Tensor, target: Tensor, known: Tensor | None) -> Tensor:
        """Return the mean squared error (known None: all) and add its gradient to the parameters'.

        What `mean_square(self(inputs), target, known).backward()` does, without a graph, which
        saves a small network a seventh of a step.
        """
        weights, offsets, masks, scale = self._arguments(inputs)
        outputs, trace = trace_through(inputs, None, weights, offsets, masks, scale)
        error = outputs - target
        weighed = error if known is None else error * known
        count = error.numel() if known is None else known.sum().clamp(min=1.0)
        of_weights, of_offsets, _ = trace_back(trace, weights, weighed * (2.0 / count))
        for layer, of_weight, of_offset in zip(self.linears, of_weights, of_offsets, strict=True):
            _add_gradient(layer.weight, of_weight)
            _add_gradient(layer.bias, of_offset)
        return (weighed * error).sum() / count

    def _propagate(self, inputs: Tensor, direction: Tensor | None) -> Tensor:
        return propagate(inputs, direction, *self._arguments(inputs))

    def _arguments(
        self, inputs: Tensor
    ) -> tuple[list[Tensor], list[Tensor], list[Tensor] | None, float]:
        """Return weights, offsets, freshly drawn masks, and what they multiply kept units by."""
        weights: list[Tensor] = [layer.weight for layer in self.linears]
        offsets: list[Tensor] = [layer.bias for layer in self.linears]
        masks = self._draw_masks(inputs)
        return weights, offsets, masks, 1.0 if masks is None else keep_scale(self.dropout)

    def _draw_masks(self, inputs: Tensor) -> list[Tensor] | None:
        """Return (padded_rows(B), H) for each hidden layer; None where nothing is dropped."""
        if not self.training or self.dropout == 0.0:
            return None
        n_rows = padded_rows(inputs.shape[-2])
        return self.masks.draw(len(self.linears) - 1, n_rows, inputs)


def _add_gradient(parameter: Tensor, gradient: Tensor) -> None:
    if parameter.grad is None:
        # Laid out as the parameter is: the fused optimiser goes through both side by side.
        parameter.grad = gradient.contiguous()
    else:
        parameter.grad += gradient
