"""The labels that a dataset would have with another nominal capacity or end of life."""

from collections.abc import Iterator, Mapping
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
from core.ingest.label_origins import LabelOrigins
from core.ingest.labels import relabel
from core.ingest.mapping import EOL_RANGE, EolRule

NominalCapacity = Mapping[str, float] | float | None


@dataclass(frozen=True)
class LabelChange:
    """Old and new cycles and batteries of a dataset, in the same order of rows.

    nominal : Ah by battery code, None where unknown
    changed : (n_cycles,) bool, rows in which any label differs
    old_lives : cycle life by the present labels, <NA> = unknown; indexed by battery code
    labels_version : of the labels that the change starts from
    label_rules : version of the rules of the present labels; the new ones follow those of now
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
    label_rules: int

    def lives(self) -> dict[str, int | None]:
        """Cycle life of the batteries whose RUL is computed, by code."""
        from_file = self.origins.file_rul_batteries
        return {code: life for code, life in self._new_lives() if code not in from_file}

    def file_lives(self) -> dict[str, int | None]:
        """Cycle life of the batteries whose RUL the file brings, by code."""
        from_file = self.origins.file_rul_batteries
        return {code: life for code, life in self._new_lives() if code in from_file}

    def changed_lives(self) -> pd.DataFrame:
        """Batteries whose cycle life changes: battery_code, before and after (Int64)."""
        codes = self.batteries["battery_code"].astype(str)
        table = pd.DataFrame(
            {
                "battery_code": codes,
                "before": self.old_lives.reindex(codes).to_numpy(),
                "after": self.batteries["cycle_life"].to_numpy(),
            }
        ).astype({"before": "Int64", "after": "Int64"})
        same = (table["before"].fillna(-1) == table["after"].fillna(-1)).to_numpy()
        return table.loc[~same].reset_index(drop=True)

    def _new_lives(self) -> Iterator[tuple[str, int | None]]:
        pairs = zip(self.batteries["battery_code"], self.batteries["cycle_life"], strict=True)
        return ((str(code), None if pd.isna(life) else int(life)) for code, life in pairs)


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
    _check(LabelOrigins.of_labels(schema.labels), stored, nominal_capacity_ah, eol)
    nominal = _nominal_of(stored, nominal_capacity_ah)
    wanted = _Wanted(nominal, eol or schema.eol, nominal_capacity_ah is not None)
    return _change(session, user, dataset_id, schema, stored, wanted)


def compute_correction(session: Session, user: CurrentUser, dataset_id: int) -> LabelChange:
    """Compute the labels of a dataset that the user sees by the rules of now, all else the same."""
    dataset = guard.get_dataset(session, user, dataset_id)
    schema = FeatureSchema.from_json(dataset.feature_schema)
    stored = list_batteries(session, user, dataset_id)
    wanted = _Wanted(_nominal_of(stored, None), schema.eol, False)
    return _change(session, user, dataset_id, schema, stored, wanted)


@dataclass(frozen=True)
class _Wanted:
    """What the labels are to be computed with; nominal in Ah by battery code."""

    nominal: dict[str, float | None]
    eol: EolRule
    nominal_is_new: bool


def _change(
    session: Session,
    user: CurrentUser,
    dataset_id: int,
    schema: FeatureSchema,
    stored: pd.DataFrame,
    wanted: _Wanted,
) -> LabelChange:
    origins = LabelOrigins.of_labels(schema.labels)
    if wanted.nominal_is_new and (origins.pcl, origins.capacity) == ("file", "none"):
        origins = replace(origins, capacity="computed")
    old = load_cycles(session, user, dataset_id, ["pcl", "rul", "capacity_ah"])
    origins = origins.confirmed(old)
    new, batteries = relabel(old, wanted.nominal, wanted.eol, origins)
    changed = np.zeros(len(old), dtype=bool)
    for column in ("pcl", "rul", "capacity_ah"):
        changed |= _differs(old[column], new[column])
    return LabelChange(
        origins=origins,
        eol=wanted.eol,
        nominal=wanted.nominal,
        old=old,
        new=new,
        batteries=batteries,
        old_lives=stored.set_index("battery_code")["cycle_life"],
        changed=changed,
        labels_version=schema.labels_version,
        label_rules=schema.label_rules,
    )


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
