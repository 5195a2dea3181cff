"""Dropout drawn from random bits: the right share, the right scale, and torch's seed."""

import pytest
import torch

from models.dropout_masks import draw_masks, keep_scale


@pytest.mark.parametrize("dropout", [0.05, 0.2, 0.9])
def test_the_share_dropped_and_the_expected_value_are_right(dropout: float) -> None:
    torch.manual_seed(0)
    masks = draw_masks((3, 1001, 50), dropout, torch.zeros(1))
    assert masks.shape == (3, 1001, 50)
    assert masks.unique().tolist() == pytest.approx([0.0, 1.0 / (1.0 - dropout)], rel=2e-4)
    # Five standard deviations of a share of 150,150 draws.
    allowed = 5 * (dropout * (1 - dropout) / masks.numel()) ** 0.5
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
        drawn.append([draw_masks((2, 30, 7), 0.3, like) for _ in range(2)])
    assert torch.equal(drawn[0][0], drawn[1][0]) and torch.equal(drawn[0][1], drawn[1][1])
    assert not torch.equal(drawn[0][0], drawn[2][0])
    assert not torch.equal(drawn[0][0], drawn[0][1])
    assert drawn[0][0].dtype == torch.float64
