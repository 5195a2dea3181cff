"""Parameters as one vector per group of an optimiser, so that its step is few calls.

A small network has a dozen parameters, and on a CPU the calls for each cost more than the sums.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


def flatten(groups: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the groups with one parameter each; the network's own become views of it.

    So do their gradients, which are zeros to start with: set them to zero, not to None.
    """
    return [group | {"params": [_join(group["params"])]} for group in groups]


def _join(parameters: Sequence[nn.Parameter]) -> nn.Parameter:
    flat = nn.Parameter(torch.cat([p.detach().flatten() for p in parameters]))
    flat.grad = torch.zeros_like(flat)
    sizes = [p.numel() for p in parameters]
    parts = zip(flat.detach().split(sizes), flat.grad.split(sizes), strict=True)
    for parameter, (value, gradient) in zip(parameters, parts, strict=True):
        parameter.data = value.view_as(parameter)
        parameter.grad = gradient.view_as(parameter)
    return flat
