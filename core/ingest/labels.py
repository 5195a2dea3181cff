"""Labels of a dataset: PCL, RUL and cycle life, from the file or computed (docs/domain.md).

SOH = capacity / nominal capacity, PCL = 1 - SOH. End of life (EOL) is the first cycle with SOH
below a threshold that is not an isolated reading. If the file brings RUL, cycle life is the most
frequent cycle + RUL. A battery without either is censored and gets no cycle life and no RUL.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.base.words import counted
from core.ingest.battery_rows import stretches
from core.ingest.end_of_life import eol_cycle
from core.ingest.feature_schema import Origin
from core.ingest.file_rul import life_from_rul, with_life_column
from core.ingest.isolated_readings import isolated_rows, listed_readings
from core.ingest.label_origins import LabelOrigins
from core.ingest.label_sentences import label_sentences
from core.ingest.mapping import SEED_FEATURES, ColumnMapping, EolRule

FEATURE_NAMES = tuple(f"feature_{position}" for position in range(1, SEED_FEATURES + 1))
_UNIT_FACTOR = {"Ah": 1.0, "mAh": 1e-3, "fraction": 1.0, "percent": 1e-2}


@dataclass(frozen=True)
class LabelledData:
    """Labelled cycles and one row per battery; the columns are those of `IngestResult`.

    isolated : battery_code, cycle_num and soh of every isolated reading
    """

    cycles: pd.DataFrame
    batteries: pd.DataFrame
    origins: LabelOrigins
    warnings: tuple[str, ...]
    isolated: tuple[Mapping[str, object], ...] = ()


def label_cycles(frame: pd.DataFrame, mapping: ColumnMapping) -> LabelledData:
    """Label a checked raw frame (see `core.ingest.raw_frame`), sorted by battery and cycle."""
    groups, split_warnings = _group_tags(frame, mapping)
    frame, life_batteries = with_life_column(frame, mapping)
    cycles = _canonical(frame, mapping)
    nominal = _nominal_of(frame, mapping)
    origins = _origins(cycles, mapping, nominal, life_batteries)
    labelled, batteries = relabel(cycles, nominal, mapping.eol, origins)
    found = label_sentences(cycles, labelled, batteries, origins, mapping)
    batteries.insert(1, "group_tag", batteries["battery_code"].map(groups).astype(object))
    listed = tuple(listed_readings(labelled, isolated_rows(labelled)))
    return LabelledData(labelled, batteries, origins, (*split_warnings, *found), listed)


def relabel(
    cycles: pd.DataFrame,
    nominal_capacity_ah: Mapping[str, float | None],
    eol: EolRule,
    origins: LabelOrigins,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Recompute the labels that `origins` calls computed; labels from the file stay.

    Where the RUL of the file tells no life, capacity decides; after a life no RUL stays.

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
    for code, rows in stretches(cycles["battery_code"]):
        from_file = code in origins.file_rul_batteries
        life = life_from_rul(cycle_num[rows], rul[rows]) if from_file else None
        given = rul[rows]
        if life is None:
            life = eol_cycle(cycle_num[rows], 1.0 - pcl[rows], eol)
            given = (np.nan if life is None else life) - cycle_num[rows]
        # Rows after the end of life carry no RUL, whatever the file has there.
        if life is not None:
            new_rul[rows] = np.where(cycle_num[rows] <= life, given, np.nan)
        nominal_ah = nominal_capacity_ah.get(code)
        summaries.append(_summary(code, nominal_ah, capacity[rows], life))
    labelled = cycles.assign(capacity_ah=capacity, pcl=pcl, rul=pd.array(new_rul, dtype="Int64"))
    return labelled, _battery_frame(summaries)


def common_nominal(nominal_capacity_ah: pd.Series) -> float | None:
    """The nominal capacity of all batteries, Ah; None where they differ or one is unknown."""
    known = nominal_capacity_ah.astype("float64").unique()
    return float(known[0]) if len(known) == 1 and pd.notna(known[0]) else None


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


def _origins(
    cycles: pd.DataFrame,
    mapping: ColumnMapping,
    nominal_capacity_ah: Mapping[str, float | None],
    life_batteries: Collection[str],
) -> LabelOrigins:
    has_pcl = bool(mapping.pcl_column or mapping.soh_column)
    has_nominal = any(ah is not None for ah in nominal_capacity_ah.values())
    capacity: Origin = "file" if mapping.capacity_column else "none"
    if has_pcl and has_nominal and not mapping.capacity_column:
        capacity = "computed"
    pcl: Origin = "file" if has_pcl else ("computed" if mapping.capacity_column else "none")
    with_rul = frozenset(map(str, cycles.loc[cycles["rul"].notna(), "battery_code"].unique()))
    rul: Origin = "file" if with_rul else ("none" if pcl == "none" else "computed")
    return LabelOrigins(pcl, rul, capacity, with_rul, frozenset(life_batteries)).confirmed(cycles)


def _nominal_of(frame: pd.DataFrame, mapping: ColumnMapping) -> dict[str, float | None]:
    """Nominal capacity of each battery, Ah: the file's own goes before the mapping's number."""
    codes = frame["battery_code"].cat.remove_unused_categories().cat.categories
    nominal = {str(code): mapping.nominal_capacity_ah for code in codes}
    if "nominal" not in frame:
        return nominal
    seen: set[str] = set()
    pairs = frame[["battery_code", "nominal"]].dropna().drop_duplicates()
    for code, ah in zip(pairs["battery_code"].astype(str), pairs["nominal"], strict=True):
        if code in seen:
            raise BadFile(
                f"Battery {code} has two nominal capacities in column "
                f"{mapping.nominal_column or 'nominal'!r}. Every row of a battery needs the same: "
                "correct the file, or enter one number instead of the column."
            )
        if not 0 < ah < 1e6:
            raise BadFile(
                f"Battery {code} has the nominal capacity {ah:g} Ah, which is not a number above "
                "0. Correct the file, or enter one number instead of the column."
            )
        seen.add(code)
        nominal[code] = float(ah)
    return nominal


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
