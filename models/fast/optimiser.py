"""AdamW as torch computes it, over one vector per group of parameters where that is possible.

A small network has a dozen parameters, and on a CPU the calls for each cost more than the sums;
so do the hooks that torch's optimiser objects run around every step.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

# As torch.optim.AdamW has them by default.
BETAS, EPSILON = (0.9, 0.999), 1e-8


@dataclass(frozen=True)
class _Group:
    parameters: list[Tensor]
    gradients: list[Tensor]
    means: list[Tensor]
    squares: list[Tensor]
    steps: list[Tensor]
    weight_decay: float


class AdamW:
    """Holds the parameters' gradients, which are zeros to start with, and takes steps.

    Gradients must be added in place, and cleared by `zero_grad` here: a network's own lets go of
    them. Unlike torch's, it lets weights decay that no loss depends on.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], *, flat: bool) -> None:
        """Take groups of `params` and their `weight_decay`.

        flat: a network's parameters and their gradients become views of one vector per group.
        """
        self.groups = [_flat_group(g) if flat else _plain_group(g) for g in groups]
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


def _plain_group(group: dict[str, Any]) -> _Group:
    gradients = []
    for parameter in group["params"]:
        parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    return _group(list(group["params"]), gradients, group["weight_decay"])


def _flat_group(group: dict[str, Any]) -> _Group:
    parameters: list[nn.Parameter] = group["params"]
    flat = nn.Parameter(torch.cat([p.detach().flatten() for p in parameters]))
    flat.grad = torch.zeros_like(flat)
    sizes = [p.numel() for p in parameters]
    parts = zip(flat.detach().split(sizes), flat.grad.split(sizes), strict=True)
    for parameter, (value, gradient) in zip(parameters, parts, strict=True):
        parameter.data = value.view_as(parameter)
        parameter.grad = gradient.view_as(parameter)
    return _group([flat], [flat.grad], group["weight_decay"])


def _group(parameters: list[Tensor], gradients: list[Tensor], weight_decay: float) -> _Group:
    return _Group(
        parameters,
        gradients,
        [torch.zeros_like(p) for p in parameters],
        [torch.zeros_like(p) for p in parameters],
        [torch.zeros((), device=p.device) for p in parameters],
        weight_decay,
    )
