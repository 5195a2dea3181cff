"""Derivatives carried forward agree with finite differences, dropout included."""

import pytest
import torch

from models.perceptron import Jet, Perceptron


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_jets_match_finite_differences(num_layers: int, dropout: float) -> None:
    torch.manual_seed(0)
    network = Perceptron(3, 2, 8, num_layers, dropout).double().train()
    inputs, direction = torch.randn(5, 3).double(), torch.randn(5, 3).double()

    def along(step: float) -> Jet:
        torch.manual_seed(1)
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
