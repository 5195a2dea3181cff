"""Dropout drawn from random bits: the right share, the right scale, and torch's seed."""

import pytest
import torch
from torch import nn

from models.fast.dropout_masks import (
    DRAWS_OF_A_POOL,
    POOL_ROWS,
    MaskPool,
    keep_scale,
    load_pools,
    save_pools,
)
from models.fast.perceptron import FastPerceptron


@pytest.mark.parametrize("dropout", [0.05, 0.2, 0.9])
def test_the_share_dropped_and_the_expected_value_are_right(dropout: float) -> None:
    torch.manual_seed(0)
    masks = torch.stack(MaskPool(50, dropout).draw(3, 1001, torch.zeros(1)))
    assert masks.shape == (3, 1001, 50)
    assert masks.unique().tolist() == pytest.approx([0.0, 1.0 / (1.0 - dropout)], rel=2e-4)
    # Five standard deviations; a row of the pool may serve two layers: fewer draws than masks.
    allowed = 5 * (dropout * (1 - dropout) / (masks.numel() / 2)) ** 0.5
    assert float((masks == 0).double().mean()) == pytest.approx(dropout, abs=allowed)
    assert float(masks.double().mean()) == pytest.approx(1.0, abs=allowed * keep_scale(dropout))
    for neighbour in (masks[0, :, :-1] * masks[0, :, 1:], masks[:-1] * masks[1:]):
        both_kept = float((neighbour > 0).double().mean())
        assert both_kept == pytest.approx((1 - dropout) ** 2, abs=0.01)


def test_masks_follow_the_seed_of_torch() -> None:
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        like = torch.zeros(1, dtype=torch.float64)
        pool = MaskPool(7, 0.3)
        drawn.append([torch.stack(pool.draw(2, 30, like)) for _ in range(2)])
    assert torch.equal(drawn[0][0], drawn[1][0]) and torch.equal(drawn[0][1], drawn[1][1])
    assert not torch.equal(drawn[0][0], drawn[2][0])
    assert not torch.equal(drawn[0][0], drawn[0][1])
    assert drawn[0][0].dtype == torch.float64


def test_rows_differ_within_a_batch_and_the_pool_is_drawn_anew() -> None:
    torch.manual_seed(0)
    pool = MaskPool(64, 0.5)
    draws = [pool.draw(1, 200, torch.zeros(1))[0] for _ in range(2 * DRAWS_OF_A_POOL)]
    assert all(len({tuple(row) for row in mask.tolist()}) == 200 for mask in draws)
    halves = draws[:DRAWS_OF_A_POOL], draws[DRAWS_OF_A_POOL:]
    seen = [{tuple(row) for row in torch.cat(half).tolist()} for half in halves]
    assert len(seen[0]) > 0.5 * POOL_ROWS and not seen[0] & seen[1]


def test_a_batch_larger_than_the_pool_gets_a_row_each() -> None:
    torch.manual_seed(0)
    pool = MaskPool(64, 0.5)
    pool.draw(1, 10, torch.zeros(1))
    (mask,) = pool.draw(1, 2 * POOL_ROWS, torch.zeros(1))
    assert len({tuple(row) for row in mask.tolist()}) == 2 * POOL_ROWS


@pytest.mark.parametrize("drawn_before", [0, 5, DRAWS_OF_A_POOL])
def test_a_pool_goes_on_where_it_was_saved(drawn_before: int) -> None:
    like = torch.zeros(1)
    torch.manual_seed(0)
    pool = MaskPool(7, 0.3)
    for _ in range(drawn_before):
        pool.draw(2, 30, like)
    state, random = pool.save(), torch.get_rng_state()
    expected = [torch.stack(pool.draw(2, 30, like)) for _ in range(DRAWS_OF_A_POOL + 2)]
    other = MaskPool(7, 0.3)
    other.draw(2, 30, like)
    other.load(state)
    torch.set_rng_state(random)
    found = [torch.stack(other.draw(2, 30, like)) for _ in range(DRAWS_OF_A_POOL + 2)]
    assert all(torch.equal(one, wanted) for one, wanted in zip(found, expected, strict=True))


def test_a_network_has_the_states_of_all_its_pools_beside_its_weights() -> None:
    networks = [nn.ModuleList(FastPerceptron(2, 1, 4, 1, 0.5) for _ in range(2)) for _ in range(2)]
    first, second = networks
    first[1](torch.zeros(3, 2))
    states = save_pools(first)
    assert [state["draws_left"] for state in states] == [0, DRAWS_OF_A_POOL - 1]
    load_pools(second, states)
    assert save_pools(second) == states
    assert all(name.endswith(("weight", "bias")) for name in first.state_dict())
    with pytest.raises(ValueError):
        load_pools(second, states[:1])
