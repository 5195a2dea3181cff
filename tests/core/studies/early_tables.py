"""Batteries whose cycle life follows two features, for studies of early cycles."""

import numpy as np

from core.studies.battery_table import BatteryTable


def fading_table(n_train: int = 24, n_test: int = 16, seed: int = 0) -> BatteryTable:
    """log10 life = 2.9 - 0.2 z1 + 0.1 z2; the variance spans decades, the third is noise."""
    generator = np.random.default_rng(seed)
    n = n_train + n_test
    z = generator.normal(size=(n, 3))
    features = np.column_stack([10 ** (-4 + 0.5 * z[:, 0]), 1.07 + 0.01 * z[:, 1], z[:, 2]])
    life = np.round(10 ** (2.9 - 0.2 * z[:, 0] + 0.1 * z[:, 1]))
    groups = ("train",) * n_train + ("primary",) * n_test
    names = ("delta_q_variance", "first_capacity", "noise")
    return BatteryTable(tuple(f"c{i:02d}" for i in range(n)), groups, life, names, features)
