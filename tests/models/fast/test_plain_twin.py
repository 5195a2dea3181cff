"""The fast perceptron equals its plain twin in every call, with the same weights and masks."""

from typing import Any
from unittest.mock import patch

import pytest
import torch
from torch import Tensor, nn

from models.fast import door
from models.fast.dropout_masks import MaskPool, keep_scale
from models.fast.jet_propagation import padded_rows
from models.fast.perceptron import FastPerceptron
from models.fast.plain_perceptron import PlainPerceptron
from models.inputs.predictor import EpochReport
from models.loop.network import mean_square
from tests.models.fleet import make_fleet
from tests.models.model.test_fitting import run_fit

EXACT = {"rtol": 1e-10, "atol": 1e-10}
DROPOUT = 0.4


class GivenPool(MaskPool):
    """Gives the same mask of each layer in every pass."""

    def __init__(self, masks: Tensor) -> None:
        super().__init__(masks.shape[2], DROPOUT)
        self.masks = masks

    def draw(self, n_layers: int, n_rows: int, like: Tensor) -> list[Tensor]:
        assert self.masks.shape[:2] == (n_layers, n_rows)
        return list(self.masks.to(like.dtype))


class GivenDropout(nn.Dropout):
    """Drops the same units of each layer in every pass."""

    def __init__(self, masks: Tensor) -> None:
        super().__init__(DROPOUT)
        self.masks, self.calls = masks, 0

    def forward(self, inputs: Tensor) -> Tensor:
        if not self.training:
            return inputs
        mask = self.masks[self.calls % len(self.masks), : len(inputs)]
        self.calls += 1
        return inputs * mask.to(inputs.dtype)


def make_pair(
    dropout: bool, depth: int = 2, rows: int = 5, width: int = 8
) -> tuple[PlainPerceptron, PlainPerceptron]:
    """Return a fast and a plain perceptron with the same weights and masks, in float64."""
    torch.manual_seed(0)
    share = DROPOUT if dropout else 0.0
    fast = FastPerceptron(3, 2, width, depth, share).double().train()
    plain = PlainPerceptron(3, 2, width, depth, share).double().train()
    for parameter in fast.parameters():
        nn.init.normal_(parameter, std=0.7)
    plain.load_state_dict(fast.state_dict())
    kept = torch.rand(depth, padded_rows(rows), width) >= DROPOUT
    masks = kept.double() * keep_scale(DROPOUT)
    fast.masks, plain.drop = GivenPool(masks), GivenDropout(masks) if dropout else plain.drop
    return fast, plain


def assert_same(outputs: list[Tensor], inputs: list[list[Tensor]]) -> None:
    """Outputs agree, and so do the gradients of a weighed sum of each by its inputs."""
    torch.testing.assert_close(outputs[0], outputs[1], **EXACT)
    upstream = torch.randn_like(outputs[0])
    found = [
        torch.autograd.grad((output * upstream).sum(), wanted)
        for output, wanted in zip(outputs, inputs, strict=True)
    ]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("depth", [1, 3])
def test_values_and_their_gradients(depth: int, dropout: bool) -> None:
    pair = make_pair(dropout, depth)
    inputs = torch.randn(5, 3).double().requires_grad_()
    assert_same([net(inputs) for net in pair], [[inputs, *net.parameters()] for net in pair])
    with torch.no_grad():
        fast, plain = (network.eval()(inputs) for network in pair)
    torch.testing.assert_close(fast, plain, **EXACT)


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("depth", [1, 3])
@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("twice", [False, True])
def test_streams_and_their_gradients(twice: bool, count: int, depth: int, dropout: bool) -> None:
    pair = make_pair(dropout, depth)
    streams = torch.randn(count, 5, 3).double().requires_grad_()
    outputs = [network.forward_streams(streams, twice=twice) for network in pair]
    assert outputs[0].shape == (count, 5, 2)
    assert_same(outputs, [[streams, *network.parameters()] for network in pair])


@pytest.mark.parametrize("dropout", [False, True])
def test_derivatives_along_one_direction(dropout: bool) -> None:
    pair, direction = make_pair(dropout), torch.tensor([0.0, 0.5, 2.0]).double()
    inputs = torch.randn(5, 3).double().requires_grad_()
    outputs = [network.forward_along(inputs, direction) for network in pair]
    assert_same(outputs, [[inputs, *network.parameters()] for network in pair])


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_plain_streams_are_the_derivatives_that_autograd_finds(
    count: int, dropout: bool
) -> None:
    network = make_pair(dropout)[1]
    streams = torch.randn(count, 5, 3).double().requires_grad_()
    step = streams.new_zeros((5, 1), requires_grad=True)
    moved = streams[0] + sum(step**n * s / n for n, s in enumerate(streams[1:], start=1))
    found = [network(moved)]
    for _ in streams[1:]:
        columns = found[-1].unbind(1)
        slopes = [torch.autograd.grad(c.sum(), step, create_graph=True)[0] for c in columns]
        found.append(torch.cat(slopes, dim=1))
    outputs = [network.forward_streams(streams), torch.stack(found)]
    assert_same(outputs, [[streams, *network.parameters()]] * 2)


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("some_unknown", [False, True])
def test_the_gradients_of_the_mean_square(some_unknown: bool, dropout: bool) -> None:
    pair = make_pair(dropout)
    inputs, target = torch.randn(5, 3).double(), torch.randn(5, 2).double()
    known = (torch.rand(5, 2) > 0.4).double() if some_unknown else None
    expected = mean_square(pair[1](inputs), target, known).detach()
    for network in pair:
        for _ in range(2):  # the second adds to the first
            found = network.add_gradients(inputs, target, known)
            torch.testing.assert_close(found, expected, **EXACT)
            assert not found.requires_grad
    for one, other in zip(*(network.parameters() for network in pair), strict=True):
        torch.testing.assert_close(one.grad, other.grad, **EXACT)
        assert one.grad.is_contiguous()


def test_nothing_known_is_no_error_and_no_gradient() -> None:
    for network in make_pair(False):
        found = network.add_gradients(
            torch.ones(5, 3).double(), torch.ones(5, 2), torch.zeros(5, 2)
        )
        assert float(found) == 0.0
        assert all((parameter.grad == 0.0).all() for parameter in network.parameters())


@pytest.mark.parametrize("dropout", [False, True])
def test_gradients_can_be_differentiated_again_when_asked_for(dropout: bool) -> None:
    pair = make_pair(dropout)
    streams = torch.randn(3, 5, 3).double().requires_grad_()
    second = []
    for network in pair:
        outputs = network.forward_streams(streams, twice=True)
        (first,) = torch.autograd.grad(outputs.sum(), streams, create_graph=True)
        weight = network.layers[0].get_parameter("weight")
        second.append(torch.autograd.grad(first.square().sum(), [streams, weight]))
    for one, other in zip(*second, strict=True):
        torch.testing.assert_close(one, other, **EXACT)
    outputs = pair[0].forward_streams(streams)
    (first,) = torch.autograd.grad(outputs.sum(), streams, create_graph=True)
    assert not first.requires_grad  # that of the fast way is at its end


@pytest.mark.parametrize("rows", [0, 1, 1_027])
def test_single_precision_agrees_to_its_rounding(rows: int) -> None:
    fast, plain = (network.float() for network in make_pair(True, rows=rows, width=64))
    streams = torch.randn(3, rows, 3)
    with torch.no_grad():
        expected = plain.forward_streams(streams)
        # Sums of 64 terms, three layers: some hundred roundings of 6e-8 of the largest number.
        allowed = 1e-5 * float(expected.abs().max()) if rows else 0.0
        torch.testing.assert_close(fast.forward_streams(streams), expected, rtol=0.0, atol=allowed)


@pytest.mark.parametrize("kind", [FastPerceptron, PlainPerceptron])
def test_all_streams_lose_the_same_units(kind: type[PlainPerceptron]) -> None:
    torch.manual_seed(0)
    network = kind(3, 50, 50, 1, 0.5).train()
    network.layers[1].weight.data.copy_(torch.eye(50))
    outputs = network.forward_streams(torch.randn(3, 20, 3))
    dropped = outputs[0] == 0
    assert 0.4 < float(dropped.double().mean()) < 0.6
    assert torch.equal(dropped, outputs[1] == 0) and torch.equal(dropped, outputs[2] == 0)


def test_both_kinds_start_alike_and_load_each_other() -> None:
    found = []
    for kind in (FastPerceptron, PlainPerceptron):
        torch.manual_seed(0)
        with patch.object(door, "KIND", kind):
            network = door.make_perceptron(3, 2, 8, 2, 0.1)
        assert type(network) is kind
        found.append(network)
    fast, plain = (network.state_dict() for network in found)
    assert fast.keys() == plain.keys()
    assert all(torch.equal(value, plain[name]) for name, value in fast.items())
    found[1].load_state_dict(fast)


U_S = {"physics_inputs": ["s", "t", "u", "u_s"]}


@pytest.mark.parametrize(
    ("algorithm", "more"),
    [("BASELINE", {}), ("VERHULST", {}), ("DEEPHPM", {}), ("DEEPHPM", U_S)],
    ids=["baseline", "verhulst", "deephpm", "deephpm_u_s"],
)
def test_a_short_training_agrees(algorithm: str, more: dict[str, Any]) -> None:
    fleet, losses = make_fleet(3), []
    values = {"dropout": 0.0, "epochs": 3, "num_layers": 2} | more
    values |= {} if algorithm == "BASELINE" else {"physics_weight": 1.0}
    for kind in (FastPerceptron, PlainPerceptron):
        reports: list[EpochReport] = []
        with patch.object(door, "KIND", kind):
            run_fit(algorithm, fleet[:2], fleet[2:], reports.append, **values)
        losses.append([[r.train_loss, r.val_loss, *r.metrics.values()] for r in reports])
    for fast, plain in zip(*losses, strict=True):
        assert fast == pytest.approx(plain, rel=1e-4)


@pytest.mark.parametrize("algorithm", ["BASELINE", "VERHULST", "DEEPHPM"])
def test_the_plain_twin_trains_with_dropout(algorithm: str) -> None:
    fleet, reports = make_fleet(3), []
    with patch.object(door, "KIND", PlainPerceptron):
        values: dict[str, Any] = {"dropout": 0.2, "epochs": 15}
        result = run_fit(algorithm, fleet[:2], fleet[2:], reports.append, **values)
    assert reports[-1].train_loss < reports[0].train_loss
    assert result.model.predict(fleet[2], 0).y_pred.shape == (len(fleet[2]), 2)
