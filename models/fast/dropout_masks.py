"""Which hidden units are switched off: rows of a pool that is drawn from cheap random bits.

Drawing one random float per unit and step, as torch's own dropout does on a CPU, costs several
times the matrix product of the same layer. Here a batch gets neighbouring rows of a pool, from a
random row on; the pool holds thousands of independent rows and is drawn anew every few steps.
"""

import numpy as np
import torch
from torch import Tensor

_LEVELS = 1 << 16
POOL_ROWS = 4_096
FEWEST_BATCHES = 2  # that the pool has room for, end to end
DRAWS_OF_A_POOL = 32


def keep_scale(dropout: float) -> float:
    """Return what kept units are multiplied by, so that sums keep their expected value."""
    return 1.0 / (1.0 - _dropped_levels(dropout) / _LEVELS)


class MaskPool:
    """Draws masks of 0 (dropped) and `keep_scale` (kept) for layers of one width.

    Follows torch's seed. On other devices than the CPU each unit is drawn by itself.
    """

    def __init__(self, width: int, dropout: float) -> None:
        self.width = width
        self.dropout = dropout
        self._rows: Tensor | None = None
        self._draws_left = 0

    def draw(self, n_layers: int, n_rows: int, like: Tensor) -> list[Tensor]:
        """Return each layer's mask (n_rows, width), of the device and type of `like`; read only."""
        if like.device.type != "cpu":
            shape = (n_layers, n_rows, self.width)
            kept = torch.empty(shape, device=like.device, dtype=like.dtype)
            kept.bernoulli_(1.0 - self.dropout).mul_(keep_scale(self.dropout))
            return list(kept.unbind())
        size = max(POOL_ROWS, FEWEST_BATCHES * n_rows)
        rows = self._rows
        if rows is None or self._draws_left == 0 or len(rows) < size or rows.dtype != like.dtype:
            rows = _draw_rows(size, self.width, self.dropout).to(like.dtype)
            self._rows = rows.mul_(keep_scale(self.dropout))
            self._draws_left = DRAWS_OF_A_POOL
        self._draws_left -= 1
        starts = torch.randint(len(rows) - n_rows + 1, (n_layers,)).tolist()
        return [rows[start : start + n_rows] for start in starts]


def _draw_rows(n_rows: int, width: int, dropout: float) -> Tensor:
    """Return (n_rows, width) of 0 and 1 (kept); 16 random bits decide on each."""
    seed = int(torch.randint(1 << 62, ()))
    count = n_rows * width
    words = np.random.SFC64(seed).random_raw(-(-count // 4))
    kept_bits = words.view(np.uint16)[:count] >= _dropped_levels(dropout)
    return torch.from_numpy(kept_bits.view(np.uint8)).view(n_rows, width)


def _dropped_levels(dropout: float) -> int:
    return round(dropout * _LEVELS)
