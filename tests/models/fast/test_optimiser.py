"""The optimiser takes the steps of torch's own, and goes on where its state was saved."""

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


def trained(*, by_torch: bool) -> nn.Module:
    """Take five steps on a network of which one layer is never used."""
    torch.manual_seed(0)
    network = make_network()
    # Small gradients, for which the step's own small number counts.
    inputs, groups = 1e-4 * torch.randn(8, 3).double(), make_groups(network)
    ours = None if by_torch else AdamW(groups)
    theirs = torch.optim.AdamW(groups, lr=RATE) if by_torch else None
    for _ in range(5):
        (ours or theirs).zero_grad()
        network["used"](inputs).square().mean().backward()
        nn.utils.clip_grad_norm_(ours.parameters if ours else network.parameters(), 0.5)
        ours.step(RATE) if ours else theirs.step()
    return network


def test_steps_are_those_of_torch() -> None:
    ours, theirs = (trained(by_torch=kind)["used"].state_dict() for kind in (False, True))
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-9, atol=0.0)


def test_weights_that_no_loss_depends_on_decay() -> None:
    start, unused = trained(by_torch=True)["unused"], trained(by_torch=False)["unused"]
    torch.testing.assert_close(unused.weight, start.weight * (1.0 - 0.1 * RATE) ** 5)
    torch.testing.assert_close(unused.bias, start.bias)


@pytest.mark.parametrize("restored", [True, False], ids=["restored", "begun anew"])
def test_it_goes_on_where_it_was_saved(restored: bool) -> None:
    torch.manual_seed(0)
    inputs = torch.randn(8, 3).double()
    first, second = make_network(), make_network()

    def take_steps(network: nn.Module, optimiser: AdamW) -> None:
        for _ in range(3):
            optimiser.zero_grad()
            network["used"](inputs).square().mean().backward()
            optimiser.step(RATE)

    unbroken = AdamW(make_groups(first))
    take_steps(first, unbroken)
    file = io.BytesIO()
    torch.save({"network": first.state_dict(), "optimiser": unbroken.save()}, file)
    take_steps(first, unbroken)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    second.load_state_dict(saved["network"])
    continued = AdamW(make_groups(second))
    if restored:
        continued.load(saved["optimiser"])
    take_steps(second, continued)
    same = [torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)]
    assert all(same) == restored


def test_what_was_saved_stays_as_it_was() -> None:
    network = make_network()
    optimiser = AdamW(make_groups(network))
    saved = optimiser.save()
    network["used"](torch.ones(1, 3).double()).sum().backward()
    optimiser.step(RATE)
    assert saved[0]["steps"][0] == 0.0 and optimiser.save()[0]["steps"][0] == 1.0
    assert not saved[0]["means"][0].any() and optimiser.save()[0]["means"][0].any()
