"""Labels of a dataset: PCL, RUL and cycle life, from the file or computed (docs/domain.md).

SOH = capacity / nominal capacity, PCL = 1 - SOH. End of life (EOL) is the first cycle with SOH
below a threshold. If the file brings RUL, cycle life = cycle + RUL. Otherwise cycle life is the
EOL cycle; a battery that never reaches it is censored and gets no cycle life and no RUL.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.base.words import counted
from core.ingest.feature_schema import Origin, StoredLabel
from core.ingest.mapping import SEED_FEATURES, ColumnMapping, EolRule

FEATURE_NAMES = tuple(f"feature_{position}" for position in range(1, SEED_FEATURES + 1))
_UNIT_FACTOR = {"Ah": 1.0, "mAh": 1e-3, "fraction": 1.0, "percent": 1e-2}


@dataclass(frozen=True)
class LabelOrigins:
    """Where each label comes from: "file", "computed" or "none".

    file_rul_batteries : batteries with RUL in the file; for the others it is computed
    """

    pcl: Origin
    rul: Origin
    capacity: Origin
    file_rul_batteries: frozenset[str] = frozenset()

    def describe(self, eol: EolRule) -> dict[str, StoredLabel]:
        """The labels of a feature schema."""
        pcl_rule = {"file": "as in the file", "computed": "1 - capacity / nominal capacity"}
        capacity_rule = {"file": "as in the file", "computed": "(1 - PCL) x nominal capacity"}
        rul_rule = {
            "file": "as in the file; cycle life = cycle + RUL",
            "computed": f"cycle life - cycle, cycle life = {eol.describe()}",
        }
        return {
            "PCL": StoredLabel(origin=self.pcl, rule=pcl_rule.get(self.pcl, "")),
            "RUL": StoredLabel(
                origin=self.rul,
                rule=rul_rule.get(self.rul, ""),
                file_batteries=tuple(sorted(self.file_rul_batteries)),
            ),
            "capacity": StoredLabel(
                origin=self.capacity, rule=capacity_rule.get(self.capacity, "")
            ),
        }

    @classmethod
    def of_labels(cls, labels: Mapping[str, StoredLabel]) -> "LabelOrigins":
        """Read the labels of a feature schema."""
        return cls(
            pcl=labels["PCL"].origin,
            rul=labels["RUL"].origin,
            capacity=labels["capacity"].origin,
            file_rul_batteries=frozenset(labels["RUL"].file_batteries),
        )


@dataclass(frozen=True)
class LabelledData:
    """Labelled cycles and one row per battery; the columns are those of `IngestResult`."""

    cycles: pd.DataFrame
    batteries: pd.DataFrame
    origins: LabelOrigins
    warnings: tuple[str, ...]


def label_cycles(frame: pd.DataFrame, mapping: ColumnMapping) -> LabelledData:
    """Label a checked raw frame (see `formats.collect`), sorted by battery and cycle."""
    groups, split_warnings = _group_tags(frame, mapping)
    cycles = _canonical(frame, mapping)
    nominal = dict.fromkeys(cycles["battery_code"].cat.categories, mapping.nominal_capacity_ah)
    origins = _origins(cycles, mapping)
    labelled, batteries = relabel(cycles, nominal, mapping.eol, origins)
    batteries.insert(1, "group_tag", batteries["battery_code"].map(groups).astype(object))
    rul_warnings = _rul_warnings(labelled, origins)
    return LabelledData(labelled, batteries, origins, (*split_warnings, *rul_warnings))


def relabel(
    cycles: pd.DataFrame,
    nominal_capacity_ah: Mapping[str, float | None],
    eol: EolRule,
    origins: LabelOrigins,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Recompute the labels that `origins` calls computed; labels from the file stay.

    Parameters
    ----------
    cycles : battery_code, cycle_num, capacity_ah, pcl, rul, sorted by battery and cycle;
        further columns are passed through
    nominal_capacity_ah : of each battery code, None where unknown

    Returns
    -------
    The cycles with new labels, and the batteries: battery_code, total_cycles (rows),
    nominal_capacity, cycle_life (Int64, <NA> = unknown), first_capacity_ah, last_capacity_ah,
    censored.
    """
    nominal = cycles["battery_code"].map(dict(nominal_capacity_ah)).to_numpy(dtype=np.float64)
    capacity = cycles["capacity_ah"].to_numpy(dtype=np.float64, na_value=np.nan)
    pcl = cycles["pcl"].to_numpy(dtype=np.float64, na_value=np.nan)
    rul = cycles["rul"].to_numpy(dtype=np.float64, na_value=np.nan)
    with np.errstate(over="ignore"):
        if origins.pcl == "computed":
            pcl = 1.0 - capacity / nominal
        if origins.capacity == "computed":
            capacity = (1.0 - pcl) * nominal
    pcl, capacity = _finite_or_nan(pcl), _finite_or_nan(capacity)
    cycle_num = cycles["cycle_num"].to_numpy(dtype=np.int64)
    summaries = []
    new_rul = np.full(len(cycles), np.nan)
    for code, rows in _stretches(cycles["battery_code"]):
        from_file = code in origins.file_rul_batteries
        if from_file:
            new_rul[rows] = rul[rows]
            life = life_from_rul(cycle_num[rows], rul[rows])
        else:
            life = eol_cycle(cycle_num[rows], 1.0 - pcl[rows], eol)
            if life is not None:
                left = life - cycle_num[rows]
                new_rul[rows] = np.where(left >= 0, left, np.nan)
        nominal_ah = nominal_capacity_ah.get(code)
        summaries.append(_summary(code, nominal_ah, capacity[rows], life))
    labelled = cycles.assign(capacity_ah=capacity, pcl=pcl, rul=pd.array(new_rul, dtype="Int64"))
    return labelled, _battery_frame(summaries)


def eol_cycle(cycle_num: np.ndarray, soh: np.ndarray, eol: EolRule) -> int | None:
    """The end-of-life cycle: the start of the first run of rows below the threshold, or None.

    Rows without SOH neither count for a run nor end it.
    """
    known = np.isfinite(soh)
    below = soh[known] < eol.threshold
    length = eol.run_length
    if len(below) < length:
        return None
    runs = np.convolve(below, np.ones(length, dtype=np.int64), mode="valid") == length
    return int(cycle_num[known][np.argmax(runs)]) if runs.any() else None


def life_from_rul(cycle_num: np.ndarray, rul: np.ndarray) -> int | None:
    """Cycle life from the file's RUL: the median of cycle + RUL; None without RUL."""
    known = np.isfinite(rul)
    if not known.any():
        return None
    return round(float(np.median(cycle_num[known] + rul[known])))


def _canonical(frame: pd.DataFrame, mapping: ColumnMapping) -> pd.DataFrame:
    """Convert to the columns of `IngestResult.cycles`, with the labels that the file brings."""
    code = frame["battery_code"].cat.remove_unused_categories()
    order = sorting_order(frame)
    columns: dict[str, Any] = {
        "battery_code": code.iloc[order].reset_index(drop=True),
        "cycle_num": frame["cycle"].to_numpy()[order].astype(np.int64),
    }
    further = [f"feature_{i}" for i in range(SEED_FEATURES + 1, len(mapping.features) + 1)]
    for name in (*FEATURE_NAMES, *further):
        given = name in frame
        columns[name] = frame[name].to_numpy()[order] if given else np.zeros(len(frame))
    columns["pcl"] = _pcl_of_file(frame, mapping)[order]
    rul = _scaled(frame, "rul", 1.0)[order]
    # A RUL below zero only says "after the end of life", where no RUL is defined.
    columns["rul"] = np.where(rul < 0, np.nan, rul)
    columns["capacity_ah"] = _scaled(frame, "capacity", _UNIT_FACTOR[mapping.capacity_unit])[order]
    return pd.DataFrame(columns, copy=False)


def sorting_order(frame: pd.DataFrame) -> np.ndarray | slice:
    """Indices that sort a raw frame by battery and cycle; a slice if it is sorted already."""
    codes, cycles = frame["battery_code"].cat.codes.to_numpy(), frame["cycle"].to_numpy()
    code_steps = np.diff(codes)
    if ((code_steps > 0) | ((code_steps == 0) & (np.diff(cycles) > 0))).all():
        return slice(None)
    return np.lexsort((cycles, codes))


def _pcl_of_file(frame: pd.DataFrame, mapping: ColumnMapping) -> np.ndarray:
    if "soh" in frame:
        return 1.0 - _scaled(frame, "soh", _UNIT_FACTOR[mapping.soh_unit])
    return _scaled(frame, "pcl", _UNIT_FACTOR[mapping.pcl_unit])


def _scaled(frame: pd.DataFrame, name: str, factor: float) -> np.ndarray:
    if name not in frame:
        return np.full(len(frame), np.nan)
    return frame[name].to_numpy() * factor


def _origins(cycles: pd.DataFrame, mapping: ColumnMapping) -> LabelOrigins:
    has_pcl = bool(mapping.pcl_column or mapping.soh_column)
    has_nominal = mapping.nominal_capacity_ah is not None
    capacity: Origin = "file" if mapping.capacity_column else "none"
    if has_pcl and has_nominal and not mapping.capacity_column:
        capacity = "computed"
    pcl: Origin = "file" if has_pcl else ("computed" if mapping.capacity_column else "none")
    with_rul = cycles.loc[cycles["rul"].notna(), "battery_code"].unique()
    rul: Origin = "file" if len(with_rul) else ("none" if pcl == "none" else "computed")
    return LabelOrigins(pcl, rul, capacity, frozenset(map(str, with_rul)))


def _group_tags(
    frame: pd.DataFrame, mapping: ColumnMapping
) -> tuple[dict[str, str | None], list[str]]:
    """Role of each battery by the file's split column; empty without such a column."""
    if "split" not in frame:
        return {}, []
    roles = {text.casefold(): role for text, role in mapping.split_values.items()}
    pairs = frame[["battery_code", "split"]].drop_duplicates()
    unknown = sorted({str(v) for v in pairs["split"] if v and str(v).casefold() not in roles})
    if unknown:
        raise BadFile(
            f"The split column holds {unknown[0]!r}, which is none of {', '.join(roles)}. Say in "
            "the mapping which role it is, or map no split column."
        )
    tags: dict[str, str | None] = {}
    for code, value in zip(pairs["battery_code"], pairs["split"], strict=True):
        role = roles[str(value).casefold()] if value else None
        if tags.setdefault(str(code), role) != role:
            raise BadFile(
                f"Battery {code} has rows in two splits. Splits are by battery: correct the "
                "split column, or do not map it."
            )
    without = sum(role is None for role in tags.values())
    return tags, (
        [f"{counted(without, 'battery has', 'batteries have')} no split role in the file."]
        if without
        else []
    )


def _rul_warnings(cycles: pd.DataFrame, origins: LabelOrigins) -> list[str]:
    if not origins.file_rul_batteries:
        return []
    life = cycles["cycle_num"] + cycles["rul"].astype("Float64")
    by_battery = life.groupby(cycles["battery_code"], observed=True)
    spread = by_battery.max() - by_battery.min()
    uneven = spread[spread > 1]
    warnings = []
    if len(uneven):
        warnings.append(
            f"In {counted(len(uneven), 'battery')} cycle + RUL differs by more than 1 between rows "
            f"(most in battery {uneven.idxmax()}: {uneven.max():.0f}). RUL is kept as in the file; "
            "the cycle life is the median."
        )
    computed = _other_codes(cycles, origins.file_rul_batteries)
    if computed:
        warnings.append(
            f"{counted(len(computed), 'battery has', 'batteries have')} no RUL in the file; it is "
            "computed from end of life."
        )
    return warnings


def _other_codes(cycles: pd.DataFrame, codes: Collection[str]) -> list[str]:
    return [str(code) for code in cycles["battery_code"].cat.categories if code not in codes]


def _stretches(codes: pd.Series) -> Iterator[tuple[str, slice]]:
    """Yield each battery with the slice of its rows, which must be consecutive."""
    texts = codes.to_numpy(dtype=object)
    starts = [0, *(np.flatnonzero(texts[1:] != texts[:-1]) + 1), len(texts)]
    for start, end in pairwise(starts):
        if end > start:
            yield str(texts[start]), slice(int(start), int(end))


def _finite_or_nan(values: np.ndarray) -> np.ndarray:
    """Replace infinite values by NaN: an overflow is no label."""
    return np.where(np.isinf(values), np.nan, values)


def _summary(
    code: str, nominal_ah: float | None, capacity: np.ndarray, life: int | None
) -> dict[str, Any]:
    known = capacity[np.isfinite(capacity)]
    return {
        "battery_code": code,
        "total_cycles": len(capacity),
        "nominal_capacity": nominal_ah,
        "cycle_life": life,
        "first_capacity_ah": known[0] if len(known) else None,
        "last_capacity_ah": known[-1] if len(known) else None,
        "censored": life is None,
    }


def _battery_frame(summaries: list[dict[str, Any]]) -> pd.DataFrame:
    floats = ("nominal_capacity", "first_capacity_ah", "last_capacity_ah")
    types = {**dict.fromkeys(floats, "float64"), "cycle_life": "Int64", "censored": "bool"}
    return pd.DataFrame(summaries).astype(types)
