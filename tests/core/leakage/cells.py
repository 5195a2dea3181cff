"""Simulated cells for the leakage check: a smooth fade plus the noise of an instrument."""

import numpy as np


def capacity_ah(seed: int, cycles: int = 400, noise_ah: float = 2e-4) -> np.ndarray:
    """Capacities of cycles 1 to `cycles`; another seed is another cell."""
    generator = np.random.default_rng(seed)
    age = np.arange(1, cycles + 1) / (cycles * generator.uniform(0.9, 1.2))
    clean = generator.uniform(1.05, 1.09) * (1 - 0.05 * age - 0.12 * age**4)
    return clean + generator.normal(0, noise_ah, cycles)


def cycles_of(capacity: np.ndarray) -> np.ndarray:
    """Cycle numbers from 1."""
    return np.arange(1, len(capacity) + 1)
