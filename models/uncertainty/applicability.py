"""How unlike the training batteries a battery is, from its first cycles alone.

The distance is the mean one to the k nearest training batteries. Medians and quartiles set its
units, so that a single odd training battery does not change the scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.inputs.series import BatterySeries, Floats

EARLY_CYCLES = 100
NEIGHBOURS = 3
# Share of the training batteries, each taken as new, that lie below the threshold at least.
USUAL_SHARE = 0.95
FEWEST_BATTERIES = 5
# Interquartile range of a normal distribution of standard deviation 1.
NORMAL_IQR = 1.349


@dataclass(frozen=True)
class Applicability:
    """The usual range of the training batteries.

    reference (n, P) : early traits of the training batteries, in units of `unit` around `centre`;
    threshold : the distance to the others that few of them exceed
    """

    centre: Floats
    unit: Floats
    reference: Floats
    threshold: float

    def distance_ratio(self, series: BatterySeries) -> float | None:
        """Return distance / threshold, above 1 for a battery unlike those of the training.

        None for a battery without cycles.
        """
        if len(series) == 0:
            return None
        traits = (early_traits(series) - self.centre) / self.unit
        return float(_nearest(_distances(traits[None], self.reference))[0] / self.threshold)

    def content(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "centre": self.centre.tolist(),
            "unit": self.unit.tolist(),
            "reference": self.reference.tolist(),
            "threshold": self.threshold,
        }

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Applicability":
        """Rebuild from `content`; raises KeyError, TypeError or ValueError if malformed."""
        names = ("centre", "unit", "reference")
        centre, unit, reference = (np.asarray(content[name], np.float64) for name in names)
        return cls(centre, unit, reference, float(content["threshold"]))


def fit_applicability(train: Sequence[BatterySeries]) -> Applicability | None:
    """Fit the usual range of the training batteries; None if there are fewer than five.

    The threshold is the smallest distance that at most 5 % of new batteries of the same kind
    exceed, by the rule of conformal prediction; with fewer than 19 batteries it is the largest
    distance among them.
    """
    known = [series for series in train if len(series)]
    if len(known) < FEWEST_BATTERIES:
        return None
    traits = np.stack([early_traits(series) for series in known])
    centre = np.median(traits, axis=0)
    unit = _robust_unit(traits)
    reference = (traits - centre) / unit
    between = _distances(reference, reference)
    np.fill_diagonal(between, np.inf)
    alone = np.sort(_nearest(between))
    rank = min(int(np.ceil(USUAL_SHARE * (len(known) + 1))), len(known))
    # Equal batteries have a distance of 0, which cannot be divided by.
    return Applicability(centre, unit, reference, max(float(alone[rank - 1]), 1e-9))


def early_traits(series: BatterySeries) -> Floats:
    """Return (2 F,): median of each feature over the first 100 cycles, and its change there.

    The change is the median of the second half of these rows minus that of the first half. Spikes
    of one cycle, which are common, affect neither.
    """
    early = series.features[series.cycle_num < series.cycle_num[0] + EARLY_CYCLES]
    half = len(early) // 2
    move = np.median(early[half:], axis=0) - np.median(early[: half or 1], axis=0)
    return np.concatenate([np.median(early, axis=0), move])


def _robust_unit(traits: Floats) -> Floats:
    low, high = np.quantile(traits, [0.25, 0.75], axis=0)
    unit, spread = (high - low) / NORMAL_IQR, traits.std(axis=0)
    # A spread that is tiny compared with the value is rounding: such a trait has no unit.
    smallest = 1e-9 * np.abs(traits).max(axis=0) + 1e-300
    return np.where(unit > smallest, unit, np.where(spread > smallest, spread, 1.0))


def _distances(one: Floats, other: Floats) -> Floats:
    """Return (n, m) root mean squares of the differences of traits."""
    return np.asarray(np.sqrt(np.mean((one[:, None] - other[None]) ** 2, axis=-1)))


def _nearest(distances: Floats) -> Floats:
    """Return (n,) the mean distance to the nearest neighbours."""
    return np.asarray(np.sort(distances, axis=1)[:, :NEIGHBOURS].mean(axis=1))
