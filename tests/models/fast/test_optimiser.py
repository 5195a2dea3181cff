"""The optimiser takes the steps of torch's own, over flat parameters as over a network's own."""

import io

import pytest
import torch
from torch import nn

from models.fast.optimiser import AdamW

RATE = 1e-2


def make_groups(network: nn.Module) -> list[dict[str, object]]:
    weights = [p for p in network.parameters() if p.ndim > 1]
    offsets = [p for p in network.parameters() if p.ndim == 1]
    return [{"params": weights, "weight_decay": 0.1}, {"params": offsets, "weight_decay": 0.0}]


def make_network() -> nn.Module:
    layers = {"used": nn.Linear(3, 4), "unused": nn.Linear(2, 2)}
    return nn.ModuleDict(layers).double()


def trained(kind: str) -> nn.Module:
    """Take five steps on a network of which one layer is never used."""
    torch.manual_seed(0)
    network = make_network()
    # Small gradients, for which the step's own small number counts.
    inputs, groups = 1e-4 * torch.randn(8, 3).double(), make_groups(network)
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
        torch.testing.assert_close(ours[name], value, rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("kind", ["flat", "own"])
def test_weights_that_no_loss_depends_on_decay(kind: str) -> None:
    start = trained("torch")["unused"]
    unused = trained(kind)["unused"]
    torch.testing.assert_close(unused.weight, start.weight * (1.0 - 0.1 * RATE) ** 5)
    torch.testing.assert_close(unused.bias, start.bias)


def test_a_network_with_flat_parameters_is_saved_and_loaded_as_ever() -> None:
    files = {}
    for kind in ("flat", "torch"):
        files[kind] = io.BytesIO()
        torch.save(trained(kind).state_dict(), files[kind])
    sizes = {kind: file.tell() for kind, file in files.items()}
    assert sizes["flat"] == pytest.approx(sizes["torch"], rel=0.3)
    files["flat"].seek(0)
    network, copy = trained("flat"), make_network()
    copy.load_state_dict(torch.load(files["flat"], weights_only=True))
    for name, value in network.state_dict().items():
        assert torch.equal(copy.state_dict()[name], value)
