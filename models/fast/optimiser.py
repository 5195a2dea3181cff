"""AdamW by torch's own function, with a state that can be saved.

torch's optimiser objects do the same, but making the first one imports torch's compiler: 1.2
seconds and 80 MB in every training process, as much as many trainings take.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim.adamw import adamw

# As torch.optim.AdamW has them by default.
BETAS, EPSILON = (0.9, 0.999), 1e-8


@dataclass(frozen=True)
class _Group:
    parameters: list[Tensor]
    weight_decay: float
    gradients: list[Tensor]
    means: list[Tensor]
    squares: list[Tensor]
    steps: list[Tensor]


class AdamW:
    """Holds the parameters' gradients, which are zeros to start with, and takes steps.

    Gradients must be added in place, and cleared by `zero_grad` here: a network's own lets go of
    them. Unlike torch's, it lets weights decay that no loss depends on.
    """

    def __init__(self, groups: Sequence[dict[str, Any]]) -> None:
        """Take groups of `params` and their `weight_decay`."""
        self.groups = [_make_group(list(g["params"]), g["weight_decay"]) for g in groups]
        self.parameters = [p for group in self.groups for p in group.parameters]
        self.learning_rate = 0.0

    def zero_grad(self) -> None:
        """Set all gradients to zero."""
        for group in self.groups:
            for gradient in group.gradients:
                gradient.zero_()

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Follow the gradients; `learning_rate` tells what the last step's was."""
        self.learning_rate = learning_rate
        for group in self.groups:
            adamw(
                group.parameters,
                group.gradients,
                group.means,
                group.squares,
                [],
                group.steps,
                fused=True,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=learning_rate,
                weight_decay=group.weight_decay,
                eps=EPSILON,
                maximize=False,
            )

    def save(self) -> list[dict[str, list[Tensor]]]:
        """Return each group's running means and number of steps, as they are now."""
        return [
            {name: [value.clone() for value in values] for name, values in _state(group).items()}
            for group in self.groups
        ]

    @torch.no_grad()
    def load(self, states: Sequence[dict[str, list[Tensor]]]) -> None:
        """Go on where `save` was called, with a network of the same shape."""
        for group, state in zip(self.groups, states, strict=True):
            for name, values in _state(group).items():
                for value, saved in zip(values, state[name], strict=True):
                    value.copy_(saved)


def _make_group(parameters: list[Tensor], weight_decay: float) -> _Group:
    gradients, means, squares = ([torch.zeros_like(p) for p in parameters] for _ in range(3))
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    steps = [torch.zeros((), device=p.device) for p in parameters]
    return _Group(parameters, weight_decay, gradients, means, squares, steps)


def _state(group: _Group) -> dict[str, list[Tensor]]:
    return {"means": group.means, "squares": group.squares, "steps": group.steps}
