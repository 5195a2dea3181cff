"""Which hidden units are switched off: rows of a pool that is drawn from cheap random bits.

Drawing one random float per unit and step, as torch's own dropout does on a CPU, costs several
times the matrix product of the same layer. Here a batch gets neighbouring rows of a pool, from a
random row on; the pool holds thousands of independent rows and is drawn anew every few steps.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

_LEVELS = 1 << 16
POOL_ROWS = 4_096
FEWEST_BATCHES = 2  # that the pool has room for, end to end
DRAWS_OF_A_POOL = 32


def keep_scale(dropout: float) -> float:
    """Return what kept units are multiplied by, so that sums keep their expected value."""
    return 1.0 / (1.0 - _dropped_levels(dropout) / _LEVELS)


class MaskPool(nn.Module):
    """Draws masks of 0 (dropped) and `keep_scale` (kept) for layers of one width.

    Follows torch's seed. On other devices than the CPU each unit is drawn by itself. A module, so
    that a network finds its pools; it adds nothing to the network's weights.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.width = width
        self.dropout = dropout
        self._seed, self._size, self._draws_left = 0, 0, 0
        self._rows: Tensor | None = None

    def draw(self, n_layers: int, n_rows: int, like: Tensor) -> list[Tensor]:
        """Return each layer's mask (n_rows, width), of the device and type of `like`; read only."""
        if like.device.type != "cpu":
            shape = (n_layers, n_rows, self.width)
            kept = torch.empty(shape, device=like.device, dtype=like.dtype)
            kept.bernoulli_(1.0 - self.dropout).mul_(keep_scale(self.dropout))
            return list(kept.unbind())
        size = max(POOL_ROWS, FEWEST_BATCHES * n_rows)
        if self._draws_left == 0 or self._size < size:
            self._seed = int(torch.randint(1 << 62, ()))
            self._size, self._draws_left, self._rows = size, DRAWS_OF_A_POOL, None
        rows = self._rows
        if rows is None or rows.dtype != like.dtype:
            rows = _draw_rows(self._seed, self._size, self.width, self.dropout).to(like.dtype)
            self._rows = rows.mul_(keep_scale(self.dropout))
        self._draws_left -= 1
        starts = torch.randint(len(rows) - n_rows + 1, (n_layers,)).tolist()
        return [rows[start : start + n_rows] for start in starts]

    def save(self) -> dict[str, int]:
        """Return all that the next draws depend on, but for torch's generator."""
        return {"seed": self._seed, "size": self._size, "draws_left": self._draws_left}

    def load(self, state: dict[str, int]) -> None:
        """Go on where `save` was called; the rows are drawn again from their seed."""
        self._seed, self._size = state["seed"], state["size"]
        self._draws_left, self._rows = state["draws_left"], None


def save_pools(network: nn.Module) -> list[dict[str, int]]:
    """Return the state of a network's pools, which is no part of its weights; [] without any."""
    return [pool.save() for pool in _pools(network)]


def load_pools(network: nn.Module, states: Sequence[dict[str, int]]) -> None:
    """Let a network of the same algorithm and settings drop units as the saved one would have."""
    for pool, state in zip(_pools(network), states, strict=True):
        pool.load(state)


def _pools(network: nn.Module) -> list[MaskPool]:
    return [module for module in network.modules() if isinstance(module, MaskPool)]


def _draw_rows(seed: int, n_rows: int, width: int, dropout: float) -> Tensor:
    """Return (n_rows, width) of 0 and 1 (kept); 16 random bits decide on each."""
    count = n_rows * width
    words = np.random.SFC64(seed).random_raw(-(-count // 4))
    kept_bits = words.view(np.uint16)[:count] >= _dropped_levels(dropout)
    return torch.from_numpy(kept_bits.view(np.uint8)).view(n_rows, width)


def _dropped_levels(dropout: float) -> int:
    return round(dropout * _LEVELS)
