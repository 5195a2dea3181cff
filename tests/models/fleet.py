"""Small made-up batteries whose fade can be learned in seconds."""

from collections.abc import Sequence

import numpy as np

from models.inputs.series import BatterySeries

FEATURES = ("resistance", "temperature")


def make_battery(
    code: str,
    cycles: int,
    targets: Sequence[str] = ("PCL", "RUL"),
    *,
    gap: int = 0,
    labelled: bool = True,
    seed: int = 0,
) -> BatterySeries:
    """Return a battery that fades to 80 % over `cycles`; `gap` cycles in the middle are lost."""
    rng = np.random.default_rng([seed, cycles])
    cycle_num = np.arange(1, cycles + 1, dtype=np.int64)
    if gap:
        start = cycles // 2
        cycle_num = np.delete(cycle_num, np.arange(start, min(start + gap, cycles - 1)))
    age = cycle_num / cycles
    loss = 0.2 * (0.4 * age + 0.6 * age**3)
    noise = rng.normal(0.0, 2e-4, (len(cycle_num), 2))
    features = np.column_stack([0.016 + 0.02 * loss, 30.0 + 3.0 * age]) + noise
    columns = {"PCL": loss, "RUL": (cycles - cycle_num).astype(np.float64)}
    labels = np.column_stack([columns[name] for name in targets])
    soh = 1.0 - loss
    if not labelled:
        labels, soh = np.full_like(labels, np.nan), np.full_like(soh, np.nan)
    return BatterySeries(code, cycle_num, features, labels, soh)


def make_fleet(
    count: int, targets: Sequence[str] = ("PCL", "RUL"), *, first: int = 60, seed: int = 0
) -> list[BatterySeries]:
    """Return batteries of different lives, `first`, `first` + 15, ... cycles."""
    return [
        make_battery(f"{i:03d}", first + 15 * i, targets, gap=7 * (i % 2), seed=seed)
        for i in range(count)
    ]
