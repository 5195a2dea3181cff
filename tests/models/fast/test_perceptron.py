"""Derivatives carried forward agree with finite differences, dropout included."""

import pytest
import torch
from torch import Tensor

from models.fast.dropout_masks import MaskPool
from models.fast.perceptron import FastPerceptron
from models.loop.network import mean_square


def same_masks(network: FastPerceptron) -> None:
    """Make the next pass draw the masks that the last one after this call drew."""
    torch.manual_seed(1)
    network.masks = MaskPool(network.masks.width, network.dropout)


def wide_network() -> FastPerceptron:
    """A network wide enough for thousands of rows to take several blocks."""
    torch.manual_seed(0)
    return FastPerceptron(3, 1, 128, 2, 0.4).double().train()


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_derivatives_match_finite_differences(num_layers: int, dropout: float) -> None:
    torch.manual_seed(0)
    network = FastPerceptron(3, 2, 8, num_layers, dropout).double().train()
    inputs, direction = torch.randn(5, 3).double(), torch.randn(5, 3).double()

    def along(step: float) -> Tensor:
        same_masks(network)
        moved = inputs + step * direction
        return network.forward_streams(torch.stack([moved, direction, 0 * direction]))

    found, before, after = along(0.0), along(-1e-5), along(1e-5)
    difference = (after - before) / 2e-5
    torch.testing.assert_close(found[1:], difference[:2], rtol=1e-6, atol=1e-8)


def test_the_first_stream_is_the_plain_output() -> None:
    torch.manual_seed(0)
    network = FastPerceptron(3, 2, 8, 2, 0.5).eval()
    inputs = torch.randn(4, 3)
    found = network.forward_streams(torch.stack([inputs, torch.ones_like(inputs)]))
    torch.testing.assert_close(found[0], network(inputs))
    assert found.shape == (2, 4, 2)


def test_without_gradients_the_output_is_the_same() -> None:
    torch.manual_seed(0)
    network = FastPerceptron(3, 2, 8, 3, 0.5).double().eval()
    inputs = torch.randn(4, 3).double()
    with torch.no_grad():
        found = network(inputs)
    assert not found.requires_grad
    torch.testing.assert_close(found, network(inputs).detach())


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("count", [2, 3])
def test_closed_form_gradients_are_those_of_automatic_differentiation(
    count: int, dropout: float
) -> None:
    torch.manual_seed(0)
    network = FastPerceptron(3, 2, 8, 3, dropout).double().train()
    streams = torch.randn(count, 5, 3).double().requires_grad_()
    outputs = []
    for twice in (False, True):
        same_masks(network)
        outputs.append(network.forward_streams(streams, twice=twice))
    assert_same_gradients(outputs, [streams, *network.parameters()])


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_one_direction_for_all_rows_is_a_special_case(dropout: float) -> None:
    torch.manual_seed(0)
    network = FastPerceptron(3, 2, 8, 2, dropout).double().train()
    inputs = torch.randn(5, 3).double().requires_grad_()
    assert_direction_is_a_special_case(network, inputs)


def assert_direction_is_a_special_case(network: FastPerceptron, inputs: Tensor) -> None:
    direction = torch.tensor([0.0, 0.5, 2.0]).double()
    same_masks(network)
    special = network.forward_along(inputs, direction)
    same_masks(network)
    streams = torch.stack([inputs, direction.expand_as(inputs), torch.zeros_like(inputs)])
    general = network.forward_streams(streams, twice=True)
    assert_same_gradients([special, general], [inputs, *network.parameters()])


def assert_same_gradients(outputs: list[Tensor], inputs: list[Tensor]) -> None:
    torch.testing.assert_close(outputs[0], outputs[1])
    upstream = torch.randn_like(outputs[0])
    ours, expected = (torch.autograd.grad((o * upstream).sum(), inputs) for o in outputs)
    for one, other in zip(ours, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("some_unknown", [False, True])
def test_gradients_without_a_graph_are_those_of_the_mean_square(
    some_unknown: bool, dropout: float
) -> None:
    torch.manual_seed(0)
    network = FastPerceptron(3, 2, 8, 2, dropout).double().train()
    inputs, target = torch.randn(7, 3).double(), torch.randn(7, 2).double()
    known = (torch.rand(7, 2) > 0.4).double() if some_unknown else None
    same_masks(network)
    expected = mean_square(network(inputs), target, known)
    gradients = torch.autograd.grad(expected, list(network.parameters()))
    same_masks(network)
    found = network.add_gradients(inputs, target, known)
    torch.testing.assert_close(found, expected.detach())
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)
    same_masks(network)
    network.add_gradients(inputs, target, known)
    for parameter, gradient in zip(network.parameters(), gradients, strict=True):
        torch.testing.assert_close(parameter.grad, 2 * gradient)


ROWS = [0, 1, 1_027, 4_099]


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_any_number_of_rows_in_blocks_and_parts(rows: int, count: int) -> None:
    network, inputs = wide_network(), torch.randn(rows, 3).double().requires_grad_()
    outputs = []
    for twice in (False, True):
        same_masks(network)
        streams = torch.stack([inputs, inputs.cos(), inputs.sin()][: max(2, count)])
        if count == 1:
            found = network.forward_streams(streams, twice=True)[0] if twice else network(inputs)
        else:
            found = network.forward_streams(streams, twice=twice)
        outputs.append(found)
    assert outputs[0].shape[-2:] == (rows, 1)
    assert_same_gradients(outputs, [inputs, *network.parameters()])


@pytest.mark.parametrize("rows", ROWS)
def test_any_number_of_rows_along_one_direction(rows: int) -> None:
    network, inputs = wide_network(), torch.randn(rows, 3).double().requires_grad_()
    assert_direction_is_a_special_case(network, inputs)


@pytest.mark.parametrize("rows", ROWS)
def test_any_number_of_rows_without_gradients(rows: int) -> None:
    network, inputs = wide_network().eval(), torch.randn(rows, 3).double()
    with torch.no_grad():
        torch.testing.assert_close(
            network(inputs), network.forward_streams(torch.stack([inputs, inputs]), twice=True)[0]
        )


def test_a_weight_that_changes_before_the_way_back_is_noticed() -> None:
    network = wide_network()
    outputs = network(torch.randn(5, 3).double())
    with torch.no_grad():
        network.linears[1].weight.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        outputs.sum().backward()


def test_nothing_is_kept_after_the_way_back() -> None:
    network = wide_network()
    outputs = network(torch.randn(5, 3).double())
    outputs.sum().backward(retain_graph=True)
    assert outputs.grad_fn is not None and outputs.grad_fn.trace is None


@pytest.mark.parametrize("width", [16, 128])
def test_results_are_the_same_bits_with_one_two_or_four_threads(width: int) -> None:
    torch.manual_seed(0)
    network = FastPerceptron(3, 1, width, 2, 0.2).train()
    inputs, target, threads = torch.randn(1_024, 3), torch.randn(1_024, 1), torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 4):
            torch.set_num_threads(count)
            same_masks(network)
            network.zero_grad()
            outputs = network.forward_along(inputs, torch.ones(3))
            outputs.square().mean().backward()
            loss = network.add_gradients(inputs, target, None)
            with torch.no_grad():
                values = network.eval()(inputs)
            network.train()
            gradients = [parameter.grad.clone() for parameter in network.parameters()]
            found.append([outputs.detach(), loss, values, *gradients])
    finally:
        torch.set_num_threads(threads)
    for results in zip(*found, strict=True):
        assert torch.equal(results[0], results[1]) and torch.equal(results[0], results[2])
