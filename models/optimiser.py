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
    means: list[Tensor]
    squares: list[Tensor]
    steps: list[Tensor]
    weight_decay: float


class AdamW:
    """Holds the parameters' gradients, which are zeros to start with, and takes steps."""

    def __init__(self, groups: Sequence[dict[str, Any]], *, flat: bool) -> None:
        """Take groups of `params` and their `weight_decay`.

        flat: a network's parameters and their gradients become views of one vector per group.
        """
        self.groups = [_group(group, flat) for group in groups]
        self.parameters = [p for group in self.groups for p in group.parameters]
        self.learning_rate = 0.0

    def zero_grad(self) -> None:
        """Set all gradients to zero."""
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter.grad.zero_()

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Follow the gradients; `learning_rate` tells what the last step's was."""
        self.learning_rate = learning_rate
        for group in self.groups:
            adamw(
                group.parameters,
                [p.grad for p in group.parameters if p.grad is not None],
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


def _group(group: dict[str, Any], flat: bool) -> _Group:
    own: list[nn.Parameter] = group["params"]
    for parameter in own:
        parameter.grad = torch.zeros_like(parameter)
    parameters: list[Tensor] = [_join(own)] if flat else [*own]
    return _Group(
        parameters,
        [torch.zeros_like(p) for p in parameters],
        [torch.zeros_like(p) for p in parameters],
        [torch.zeros((), device=p.device) for p in parameters],
        group["weight_decay"],
    )


def _join(parameters: Sequence[nn.Parameter]) -> Tensor:
    flat = nn.Parameter(torch.cat([p.detach().flatten() for p in parameters]))
    flat.grad = torch.zeros_like(flat)
    sizes = [p.numel() for p in parameters]
    parts = zip(flat.detach().split(sizes), flat.grad.split(sizes), strict=True)
    for parameter, (value, gradient) in zip(parameters, parts, strict=True):
        parameter.data = value.view_as(parameter)
        parameter.grad = gradient.view_as(parameter)
    return flat
