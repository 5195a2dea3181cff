"""The labels that a dataset would have with another nominal capacity or end of life."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import InvalidInput
from core.datasets.cycles import load_cycles
from core.datasets.datasets import list_batteries
from core.ingest.feature_schema import FeatureSchema
from core.ingest.labels import LabelOrigins, relabel
from core.ingest.mapping import EOL_RANGE, EolRule

NominalCapacity = Mapping[str, float] | float | None


@dataclass(frozen=True)
class LabelChange:
    """Old and new cycles and batteries of a dataset, in the same order of rows.

    nominal : Ah by battery code, None where unknown
    changed : (n_cycles,) bool, rows in which any label differs
    old_lives : cycle life of each battery by the present labels, <NA> = unknown
    labels_version : of the labels that the change starts from
    """

    origins: LabelOrigins
    eol: EolRule
    nominal: dict[str, float | None]
    old: pd.DataFrame
    new: pd.DataFrame
    batteries: pd.DataFrame
    old_lives: pd.Series
    changed: np.ndarray
    labels_version: int

    def lives(self) -> dict[str, int | None]:
        """Cycle life of the batteries whose RUL is computed, by code."""
        pairs = zip(self.batteries["battery_code"], self.batteries["cycle_life"], strict=True)
        return {
            str(code): None if pd.isna(life) else int(life)
            for code, life in pairs
            if code not in self.origins.file_rul_batteries
        }


def compute_change(
    session: Session,
    user: CurrentUser,
    dataset_id: int,
    nominal_capacity_ah: NominalCapacity,
    eol: EolRule | None,
) -> LabelChange:
    """Compute the new labels of a dataset; parameters as in `relabel.apply_relabel`."""
    dataset = guard.get_owned_dataset(session, user, dataset_id)
    schema = FeatureSchema.from_json(dataset.feature_schema)
    stored = list_batteries(session, user, dataset_id)
    origins = LabelOrigins.of_labels(schema.labels)
    _check(origins, stored, nominal_capacity_ah, eol)
    if nominal_capacity_ah is not None and (origins.pcl, origins.capacity) == ("file", "none"):
        origins = replace(origins, capacity="computed")
    nominal = _nominal_of(stored, nominal_capacity_ah)
    rule = eol or schema.eol
    old = load_cycles(session, user, dataset_id, ["pcl", "rul", "capacity_ah"])
    new, batteries = relabel(old, nominal, rule, origins)
    changed = np.zeros(len(old), dtype=bool)
    for column in ("pcl", "rul", "capacity_ah"):
        changed |= _differs(old[column], new[column])
    version = schema.labels_version
    lives = stored["cycle_life"]
    return LabelChange(origins, rule, nominal, old, new, batteries, lives, changed, version)


def _check(
    origins: LabelOrigins, batteries: pd.DataFrame, nominal: NominalCapacity, eol: EolRule | None
) -> None:
    if eol is not None:
        _check_eol(origins, len(batteries), eol)
    if nominal is None:
        return
    if origins.pcl == "none" or (origins.pcl, origins.capacity) == ("file", "file"):
        raise InvalidInput(
            "PCL and capacity of this dataset are kept as the file has them, so the nominal "
            "capacity changes nothing. Upload the file again with another mapping."
        )
    values = nominal.values() if isinstance(nominal, Mapping) else [nominal]
    if not all(np.isfinite(value) and 0 < value < 1e6 for value in values):
        raise InvalidInput("A nominal capacity must be a number above 0 Ah.")
    unknown = set(nominal) - set(batteries["battery_code"]) if isinstance(nominal, Mapping) else ()
    if unknown:
        raise InvalidInput(f"The dataset has no battery {min(unknown)!r}.")


def _check_eol(origins: LabelOrigins, n_batteries: int, eol: EolRule) -> None:
    if origins.rul == "none":
        raise InvalidInput("The file has neither capacity nor PCL, so end of life is unknown.")
    if len(origins.file_rul_batteries) >= n_batteries:
        raise InvalidInput(
            "The RUL of this dataset came with the file, and the cycle life with it. To compute "
            "it by another end of life, upload the file again without mapping its RUL column."
        )
    low, high = EOL_RANGE
    if not (low <= eol.threshold <= high and 1 <= eol.consecutive <= 1000):
        raise InvalidInput(
            f"End of life must lie between {low:.0%} and {high:.0%} of the nominal capacity, for "
            "1 to 1000 cycles in a row."
        )


def _nominal_of(batteries: pd.DataFrame, wanted: NominalCapacity) -> dict[str, float | None]:
    pairs = zip(batteries["battery_code"], batteries["nominal_capacity"], strict=True)
    known = {str(code): None if pd.isna(ah) else float(ah) for code, ah in pairs}
    if wanted is None:
        return known
    if isinstance(wanted, Mapping):
        return known | {code: float(value) for code, value in wanted.items()}
    return dict.fromkeys(known, float(wanted))


def _differs(old: pd.Series, new: pd.Series) -> np.ndarray:
    """Mask of the rows whose value differs by more than rounding."""
    before = old.to_numpy(np.float64, na_value=np.nan)
    after = new.to_numpy(np.float64, na_value=np.nan)
    return ~np.isclose(before, after, rtol=1e-12, atol=1e-12, equal_nan=True)
