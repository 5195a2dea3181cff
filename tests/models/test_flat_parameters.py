"""An optimiser over flat parameters takes the same steps as one over the network's own."""

import torch
from torch import nn

from models.flat_parameters import flatten


def trained(flat: bool) -> nn.Module:
    """Take five steps on a network of which one layer is never used."""
    torch.manual_seed(0)
    network = nn.ModuleDict({"used": nn.Linear(3, 4), "unused": nn.Linear(2, 2)})
    weights = [p for p in network.parameters() if p.ndim > 1]
    offsets = [p for p in network.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": 0.1}, {"params": offsets, "weight_decay": 0.0}]
    groups = flatten(groups) if flat else groups
    optimiser = torch.optim.AdamW(groups, lr=1e-2)
    inputs = torch.randn(8, 3)
    for _ in range(5):
        optimiser.zero_grad(set_to_none=False)
        network["used"](inputs).square().mean().backward()
        nn.utils.clip_grad_norm_([p for g in optimiser.param_groups for p in g["params"]], 0.5)
        optimiser.step()
    return network


def test_steps_are_the_same() -> None:
    flat, plain = trained(True)["used"].state_dict(), trained(False)["used"].state_dict()
    for name, value in plain.items():
        torch.testing.assert_close(flat[name], value)


def test_a_network_that_was_flattened_is_saved_and_loaded_as_ever() -> None:
    network = trained(True)
    copy = nn.ModuleDict({"used": nn.Linear(3, 4), "unused": nn.Linear(2, 2)})
    copy.load_state_dict(network.state_dict())
    assert torch.equal(copy["used"].weight, network["used"].weight)
    assert copy["used"].weight.shape == (4, 3)
