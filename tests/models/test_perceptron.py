"""Derivatives carried forward agree with finite differences, dropout included."""

import pytest
import torch

from models.dropout_masks import MaskPool
from models.perceptron import Jet, Perceptron


def same_masks(network: Perceptron) -> None:
    """Make the next pass draw the masks that the last one after this call drew."""
    torch.manual_seed(1)
    network.masks = MaskPool(8, network.dropout)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_jets_match_finite_differences(num_layers: int, dropout: float) -> None:
    torch.manual_seed(0)
    network = Perceptron(3, 2, 8, num_layers, dropout).double().train()
    inputs, direction = torch.randn(5, 3).double(), torch.randn(5, 3).double()

    def along(step: float) -> Jet:
        same_masks(network)
        moved = inputs + step * direction
        return network.forward_jet(Jet(moved, direction, torch.zeros_like(direction)))

    jet, before, after = along(0.0), along(-1e-5), along(1e-5)
    torch.testing.assert_close(jet.first, (after.value - before.value) / 2e-5, rtol=1e-6, atol=1e-8)
    assert jet.second is not None
    torch.testing.assert_close(
        jet.second, (after.first - before.first) / 2e-5, rtol=1e-6, atol=1e-8
    )


def test_the_value_of_a_jet_is_the_plain_output() -> None:
    torch.manual_seed(0)
    network = Perceptron(3, 2, 8, 2, 0.5).eval()
    inputs = torch.randn(4, 3)
    jet = network.forward_jet(Jet(inputs, torch.ones_like(inputs)))
    torch.testing.assert_close(jet.value, network(inputs))
    assert jet.second is None


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("second", [True, False])
def test_closed_form_gradients_are_those_of_automatic_differentiation(
    second: bool, dropout: float
) -> None:
    torch.manual_seed(0)
    network = Perceptron(3, 2, 8, 3, dropout).double().train()
    streams = [torch.randn(5, 3).double().requires_grad_() for _ in range(3 if second else 2)]
    outputs = []
    for twice in (False, True):
        same_masks(network)
        jet = network.forward_jet(Jet(*streams), twice=twice)
        found = [jet.value, jet.first] if jet.second is None else [jet.value, jet.first, jet.second]
        outputs.append(torch.stack(found))
    torch.testing.assert_close(outputs[0], outputs[1])
    upstream = torch.randn_like(outputs[0])
    inputs = [*streams, *network.parameters()]
    ours, expected = (torch.autograd.grad((o * upstream).sum(), inputs) for o in outputs)
    for one, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_one_direction_for_all_rows_is_a_special_case(dropout: float) -> None:
    torch.manual_seed(0)
    network = Perceptron(3, 2, 8, 2, dropout).double().train()
    inputs = torch.randn(5, 3).double().requires_grad_()
    direction = torch.tensor([0.0, 0.5, 2.0]).double()
    general = Jet(inputs, direction.expand_as(inputs), torch.zeros_like(inputs))
    outputs = []
    for forward in (
        lambda: network.forward_along(inputs, direction),
        lambda: network.forward_jet(general, twice=True),
    ):
        same_masks(network)
        jet = forward()
        assert jet.second is not None
        outputs.append(torch.stack([jet.value, jet.first, jet.second]))
    torch.testing.assert_close(outputs[0], outputs[1])
    upstream = torch.randn_like(outputs[0])
    wanted = [inputs, *network.parameters()]
    ours, expected = (torch.autograd.grad((o * upstream).sum(), wanted) for o in outputs)
    for one, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)
