"""The optimiser takes the steps of torch's own, over flat parameters as over a network's own."""

import pytest
import torch
from torch import nn

from models.optimiser import AdamW

RATE = 1e-2


def make_groups(network: nn.Module) -> list[dict[str, object]]:
    weights = [p for p in network.parameters() if p.ndim > 1]
    offsets = [p for p in network.parameters() if p.ndim == 1]
    return [{"params": weights, "weight_decay": 0.1}, {"params": offsets, "weight_decay": 0.0}]


def trained(kind: str) -> nn.Module:
    """Take five steps on a network of which one layer is never used."""
    torch.manual_seed(0)
    network = nn.ModuleDict({"used": nn.Linear(3, 4), "unused": nn.Linear(2, 2)})
    inputs, groups = torch.randn(8, 3), make_groups(network)
    ours = AdamW(groups, flat=kind == "flat") if kind != "torch" else None
    theirs = torch.optim.AdamW(groups, lr=RATE) if ours is None else None
    for _ in range(5):
        (ours or theirs).zero_grad()
        network["used"](inputs).square().mean().backward()
        parameters = ours.parameters if ours else list(network.parameters())
        nn.utils.clip_grad_norm_(parameters, 0.5)
        ours.step(RATE) if ours else theirs.step()
    return network


@pytest.mark.parametrize("kind", ["flat", "own"])
def test_steps_are_those_of_torch(kind: str) -> None:
    ours, theirs = trained(kind)["used"].state_dict(), trained("torch")["used"].state_dict()
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value)


def test_a_network_with_flat_parameters_is_saved_and_loaded_as_ever() -> None:
    network = trained("flat")
    copy = nn.ModuleDict({"used": nn.Linear(3, 4), "unused": nn.Linear(2, 2)})
    copy.load_state_dict(network.state_dict())
    assert torch.equal(copy["used"].weight, network["used"].weight)
    assert copy["used"].weight.shape == (4, 3)
