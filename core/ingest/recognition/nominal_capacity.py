"""Guesses the nominal capacity from each battery's first cycles; sees where two sizes are mixed."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

# fmt: off
_USUAL_CAPACITIES_AH = np.array([
    0.2, 0.25, 0.3, 0.5, 0.74, 0.85, 1.0, 1.1, 1.35, 1.5, 1.85, 2.0, 2.2, 2.5, 2.6, 2.75, 2.85,
    3.0, 3.2, 3.35, 3.5, 4.0, 4.5, 4.8, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 37.0, 40.0, 50.0, 52.0,
    60.0, 80.0, 94.0, 100.0, 120.0, 150.0, 180.0, 200.0, 230.0, 280.0, 300.0, 314.0,
])
# fmt: on
LARGEST_CHANGE = 0.03
# Tops of cells of one size lie closer together than this.
_SIZE_STEP = 1.15


def usual_capacity(capacity_ah: float) -> float:
    """The usual nominal capacity within 3 % of a measured one, else three digits of it; Ah."""
    steps = np.abs(_USUAL_CAPACITIES_AH / capacity_ah - 1)
    if steps.min() <= LARGEST_CHANGE:
        return float(_USUAL_CAPACITIES_AH[np.argmin(steps)])
    return float(f"{capacity_ah:.3g}")


def size_groups(tops_ah: "pd.Series") -> list["pd.Series"]:
    """The batteries' first capacities (Ah, by code) in groups of one size, the smallest first."""
    ordered = tops_ah[tops_ah > 0].sort_values()
    if ordered.empty:
        return []
    steps = ordered.to_numpy()[1:] / ordered.to_numpy()[:-1]
    edges = [0, *(np.flatnonzero(steps > _SIZE_STEP) + 1), len(ordered)]
    return [ordered.iloc[int(a) : int(b)] for a, b in pairwise(edges) if b > a]


def guess_by_battery(groups: Sequence["pd.Series"]) -> dict[str, float]:
    """A usual capacity for each group of sizes, by battery code; Ah."""
    guesses: dict[str, float] = {}
    for group in groups:
        size = usual_capacity(float(group.median()))
        guesses.update({str(code): size for code in group.index})
    return guesses


def nominal_from_soh(capacity_ah: np.ndarray, soh: np.ndarray) -> float | None:
    """Nominal capacity by which capacity and SOH of the file agree; None where they do not."""
    known = np.isfinite(capacity_ah) & np.isfinite(soh) & (capacity_ah > 0) & (soh > 0.1)
    if known.sum() < 3:
        return None
    ratio = capacity_ah[known] / soh[known]
    low, middle, high = np.quantile(ratio, [0.05, 0.5, 0.95])
    return float(f"{middle:.4g}") if high - low < 0.01 * middle else None
