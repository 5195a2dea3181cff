"""A table with one row per battery: early features, cycle life, and its group in the study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.base.errors import InvalidInput
from core.base.words import counted

Floats = npt.NDArray[np.float64]

# Models are fitted and tuned on "train" alone; the two other groups are tests.
GROUPS = ("train", "primary", "secondary")
GROUP_LABELS = {"train": "Train", "primary": "Primary test", "secondary": "Secondary test"}
MIN_TRAIN = 10
# 124 cells, 41 for training, 43 and 40 for testing, lives from 148 to 2237 cycles: Severson et al.,
# Nature Energy 2019.
SEVERSON_COUNTS = (41, 43, 40)
SEVERSON_LIVES = (148, 2237)
SHORTED_LIFE = 148


@dataclass(frozen=True)
class BatteryTable:
    """Batteries of a study.

    Attributes
    ----------
    codes: n battery codes, each once.
    groups: n of GROUPS.
    cycle_life: (n,) cycles, positive.
    names: F feature names.
    features: (n, F), finite, in the units of their source.
    """

    codes: tuple[str, ...]
    groups: tuple[str, ...]
    cycle_life: Floats
    names: tuple[str, ...]
    features: Floats

    def rows_of(self, group: str) -> npt.NDArray[np.bool_]:
        """Mask (n,) of the batteries of a group."""
        return np.array([value == group for value in self.groups], dtype=bool)

    def counts(self) -> dict[str, int]:
        """Number of batteries of each group that is not empty."""
        found = {group: self.groups.count(group) for group in GROUPS}
        return {group: count for group, count in found.items() if count}

    def to_json(self) -> dict[str, Any]:
        """Plain values; the inverse of `from_json`."""
        return {
            "codes": list(self.codes),
            "groups": list(self.groups),
            "cycle_life": self.cycle_life.tolist(),
            "names": list(self.names),
            "features": self.features.tolist(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "BatteryTable":
        """The table that `to_json` wrote."""
        n, names = len(stored["codes"]), tuple(stored["names"])
        return cls(
            tuple(stored["codes"]),
            tuple(stored["groups"]),
            np.array(stored["cycle_life"], dtype=np.float64),
            names,
            np.array(stored["features"], dtype=np.float64).reshape(n, len(names)),
        )

    def keep(self, mask: npt.NDArray[np.bool_]) -> "BatteryTable":
        """Only the batteries of a mask (n,)."""
        return BatteryTable(
            tuple(code for code, kept in zip(self.codes, mask, strict=True) if kept),
            tuple(group for group, kept in zip(self.groups, mask, strict=True) if kept),
            self.cycle_life[mask],
            self.names,
            self.features[mask],
        )


def check_table(table: BatteryTable) -> None:
    """Raise InvalidInput if a study needs more than the table has; the message says what to add."""
    counts = table.counts()
    if not table.names:
        raise InvalidInput("Choose at least one feature column.")
    if counts.get("train", 0) < MIN_TRAIN:
        raise InvalidInput(
            f"{counted(counts.get('train', 0), 'training battery')} with a cycle life and all "
            f"features; at least {MIN_TRAIN} are needed to fit and tune. Give more batteries the "
            "role train."
        )
    if len(counts) < 2:
        raise InvalidInput(
            "All batteries are for training, so nothing is left to test on. Give some of them a "
            "test role."
        )


def is_severson(groups: Sequence[str], cycle_life: Floats) -> bool:
    """Whether these are the 124 cells of Severson et al. 2019 in their published split.

    Published files of these cells differ by one cycle in cycle life, hence the tolerance.
    """
    lives = (float(np.min(cycle_life)), float(np.max(cycle_life))) if len(cycle_life) else (0, 0)
    near = all(abs(a - b) <= 1 for a, b in zip(lives, SEVERSON_LIVES, strict=True))
    return near and tuple(list(groups).count(group) for group in GROUPS) == SEVERSON_COUNTS
