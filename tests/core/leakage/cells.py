"""Simulated cells for the leakage check: a smooth fade plus the noise of an instrument."""

from collections.abc import Sequence

import numpy as np

from core.datasets.battery_sketches import SketchedBattery
from core.datasets.sketches import CapacityRecord, known_record, sketch
from core.leakage.relatives import Relative, relatives


def capacity_ah(seed: int, cycles: int = 400, noise_ah: float = 2e-4) -> np.ndarray:
    """Capacities of cycles 1 to `cycles`; another seed is another cell."""
    generator = np.random.default_rng(seed)
    age = np.arange(1, cycles + 1) / (cycles * generator.uniform(0.9, 1.2))
    clean = generator.uniform(1.05, 1.09) * (1 - 0.05 * age - 0.12 * age**4)
    return clean + generator.normal(0, noise_ah, cycles)


def twins(seed: int, cells: int, cycles: int = 400, noise_ah: float = 1e-4) -> list[np.ndarray]:
    """Capacities of cells with one fade, each with noise of its own."""
    clean = capacity_ah(seed, cycles, 0.0)
    generator = np.random.default_rng(1000 + seed)
    return [clean + generator.normal(0, noise_ah, cycles) for _ in range(cells)]


def chamber_mates(
    seed: int, cells: int, shared: float, cycles: int = 400, noise_ah: float = 1e-4
) -> list[np.ndarray]:
    """Twins whose noises have a correlation of `shared`, as of cells in one climate chamber."""
    clean = capacity_ah(seed, cycles, 0.0)
    generator = np.random.default_rng(2000 + seed)
    common = generator.normal(0, noise_ah, cycles)
    return [
        clean
        + np.sqrt(shared) * common
        + np.sqrt(1 - shared) * generator.normal(0, noise_ah, cycles)
        for _ in range(cells)
    ]


def record(capacity: np.ndarray, first_cycle: int = 1) -> CapacityRecord:
    """A record with the given capacities; NaN where unknown."""
    return known_record(capacity, np.arange(first_cycle, first_cycle + len(capacity)))


def compared(
    left: Sequence[CapacityRecord], right: Sequence[CapacityRecord] | None = None
) -> list[tuple[int, int, Relative]]:
    """Ties by the positions of both records, without those of records that go on; as in the app."""
    first = _sketched(left, 0)
    second = first if right is None else _sketched(right, len(left))
    records = dict(enumerate([*left, *(right or [])]))

    def read(batteries: Sequence[SketchedBattery]) -> dict[int, CapacityRecord]:
        return {item.battery_id: records[item.battery_id] for item in batteries}

    offset = 0 if right is None else len(left)
    return [
        (tie.battery.battery_id, tie.other.battery_id - offset, tie)
        for tie in relatives(first, second, read)
        if tie.kind in ("same", "overlap", "alike")
    ]


def _sketched(records: Sequence[CapacityRecord], first_id: int) -> list[SketchedBattery]:
    return [
        SketchedBattery(1, number, f"b{number}", None, None, sketch(r.capacity_ah, r.cycle_num))
        for number, r in enumerate(records, start=first_id)
    ]
