"""Turns one uploaded file into one dataset: reads, checks, labels, splits and reports."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.base.words import counted, rounded
from core.ingest.checks import MAX_LISTED, Problems, apply_checks
from core.ingest.early_end import early_end_text, starting_below
from core.ingest.feature_schema import LABEL_RULES, FeatureSchema, StoredFeature
from core.ingest.formats.readers import find_format, read_tables
from core.ingest.labels import LabelledData, common_nominal, label_cycles, sorting_order
from core.ingest.limits import DEFAULT_LIMITS, Limits, Progress, no_progress
from core.ingest.mapping import ColumnMapping, validate_mapping
from core.ingest.raw_frame import raw_frame
from core.ingest.splits import ROLES, propose_split

READING_SHARE = 0.8
SHORT_BATTERY_CYCLES = 10
USUAL_FIRST_SOH = (0.8, 1.2)
PLAUSIBLE_PCL = (-0.2, 0.9)


@dataclass(frozen=True)
class IngestResult:
    """The content of a new dataset, with the report of its reading.

    cycles : battery_code, cycle_num, feature_1..feature_8 (unused 0.0) and those of further
        features, pcl (fraction), rul (cycles, nullable Int64), capacity_ah; sorted by battery and
        cycle
    batteries : battery_code, group_tag, total_cycles (rows), nominal_capacity (Ah), cycle_life
        (nullable Int64), first_capacity_ah, last_capacity_ah, censored; one row each
    feature_schema : stored with the dataset
    report : JSON-ready: batteries, cycles, labelled {"PCL","RUL": share of rows},
        split {"train","val","test","none": batteries}, split_origin ("file" | "proposed"),
        censored, dropped_rows, problem_counts, problems (first 200), isolated (first 200:
        battery_code, cycle_num, soh), isolated_count, warnings
    """

    cycles: pd.DataFrame
    batteries: pd.DataFrame
    feature_schema: FeatureSchema
    report: dict[str, Any]


def build_dataset(
    path: Path,
    original_name: str,
    mapping: ColumnMapping,
    limits: Limits = DEFAULT_LIMITS,
    on_progress: Progress = no_progress,
) -> IngestResult:
    """Read `path` by `mapping` and label it; progress runs from 0 to 1.

    Raises BadFile (the file) or InvalidInput (the mapping), saying what to change.
    """
    mapping_warnings = validate_mapping(mapping, [c for _role, c in mapping.named_columns()])
    tables = read_tables(
        path,
        original_name,
        limits,
        wanted=wanted_columns(mapping),
        on_progress=lambda share, stage: on_progress(READING_SHARE * share, stage),
        sheets=None if mapping.sheet is None else (mapping.sheet,),
    )
    on_progress(READING_SHARE, "Checking the rows")
    read = raw_frame(tables, mapping, limits)
    del tables
    raw = read.frame
    raw, problems = apply_checks(numbered_rows(raw), mapping)
    _sort_in_place(raw)
    on_progress(0.9, "Computing labels")
    labelled = label_cycles(raw, mapping)
    del raw
    found = find_format(path, original_name)
    warnings = [*mapping_warnings, *read.notes, *problems.warnings, *labelled.warnings]
    result = assemble(labelled, mapping, problems, warnings, (*found.notes, *read.notes))
    if found.label_notes and labelled.origins.pcl == "file":
        schema = result.feature_schema.changed(label_notes=found.label_notes)
        result = replace(result, feature_schema=schema)
    on_progress(1.0, "Done")
    return result


def assemble(
    labelled: LabelledData,
    mapping: ColumnMapping,
    problems: Problems | None = None,
    warnings: list[str] | None = None,
    notes: tuple[str, ...] = (),
) -> IngestResult:
    """Add split, feature schema and report to labelled data."""
    batteries, split_origin = _with_split(labelled.batteries)
    dropped = problems.n_bad_rows if problems else 0
    all_warnings = [
        *(warnings or ()),
        *_plausibility_warnings(labelled.cycles, batteries),
        *_early_end_warnings(labelled),
        *_gap_warnings(labelled.cycles, dropped),
    ]
    return IngestResult(
        cycles=labelled.cycles,
        batteries=batteries,
        feature_schema=_feature_schema(labelled, mapping, notes),
        report=_report(labelled, batteries, split_origin, problems, all_warnings),
    )


def wanted_columns(mapping: ColumnMapping) -> tuple[str, ...] | None:
    """Columns that reading needs; None = all, where the layout decides what they are called."""
    if mapping.layout != "rows":
        return None
    return tuple(column for _role, column in mapping.named_columns())


def numbered_rows(raw: pd.DataFrame) -> pd.DataFrame:
    """Number the rows by their order if no column holds cycle numbers; dropped rows leave gaps."""
    if "cycle" in raw:
        return raw
    order = raw.groupby("battery_code", observed=True, sort=False).cumcount() + 1.0
    return raw.assign(cycle=order.to_numpy(np.float64))


def _sort_in_place(raw: pd.DataFrame) -> None:
    """Sort column by column, so that at most one column is in memory twice (test_memory)."""
    order = sorting_order(raw)
    if isinstance(order, slice):
        return
    for name in raw.columns:
        raw[name] = raw[name].array.take(order)


def _with_split(batteries: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    if batteries["group_tag"].notna().any():
        return batteries, "file"
    roles = propose_split(batteries)
    tags = batteries["battery_code"].map(roles).astype(object)
    return batteries.assign(group_tag=tags), "proposed"


def _feature_schema(
    labelled: LabelledData, mapping: ColumnMapping, notes: tuple[str, ...]
) -> FeatureSchema:
    stated = mapping.rul_eol_threshold
    return FeatureSchema(
        features=tuple(
            StoredFeature(name=f.name, unit=f.unit, source_column=f.source_column)
            for f in mapping.features
        ),
        labels=labelled.origins.describe(mapping.eol),
        eol=mapping.eol,
        nominal_capacity_ah=common_nominal(labelled.batteries["nominal_capacity"]),
        mapping=mapping.to_json(),
        labels_version=1,
        label_rules=LABEL_RULES,
        rul_eol_threshold=stated if labelled.origins.rul == "file" else None,
        notes=notes,
    )


def _report(
    labelled: LabelledData,
    batteries: pd.DataFrame,
    split_origin: str,
    problems: Problems | None,
    warnings: list[str],
) -> dict[str, Any]:
    tags, cycles = batteries["group_tag"], labelled.cycles
    return {
        "batteries": len(batteries),
        "cycles": len(cycles),
        "labelled": {
            "PCL": float(cycles["pcl"].notna().mean()),
            "RUL": float(cycles["rul"].notna().mean()),
        },
        "split": {
            **{role: int((tags == role).sum()) for role in ROLES},
            "none": int(tags.isna().sum()),
        },
        "split_origin": split_origin,
        "censored": int(batteries["censored"].sum()),
        "dropped_rows": problems.n_bad_rows if problems else 0,
        "problem_counts": dict(problems.counts) if problems else {},
        "problems": [problem.to_json() for problem in problems.listed] if problems else [],
        "isolated": [dict(reading) for reading in labelled.isolated[:MAX_LISTED]],
        "isolated_count": len(labelled.isolated),
        "warnings": warnings,
    }


def _plausibility_warnings(cycles: pd.DataFrame, batteries: pd.DataFrame) -> Iterator[str]:
    """Warn of values that are possible but often mean a wrong unit, nominal capacity or EOL."""
    first_soh = batteries["first_capacity_ah"] / batteries["nominal_capacity"]
    odd = batteries.loc[first_soh.notna() & ~first_soh.between(*USUAL_FIRST_SOH), "battery_code"]
    if len(odd):
        yield (
            f"First capacity over nominal capacity is outside {USUAL_FIRST_SOH[0]}-"
            f"{USUAL_FIRST_SOH[1]} for {counted(len(odd), 'battery')} ({_first(odd)}), "
            f"median {rounded(first_soh.median(), 3)} over all. Check the nominal capacity and the "
            "unit."
        )
    short = batteries.loc[batteries["total_cycles"] < SHORT_BATTERY_CYCLES, "battery_code"]
    if len(short):
        yield (
            f"{counted(len(short), 'battery has', 'batteries have')} fewer than "
            f"{SHORT_BATTERY_CYCLES} cycles ({_first(short)})."
        )
    censored = int(batteries["censored"].sum())
    if censored and (cycles["pcl"].notna().any() or cycles["rul"].notna().any()):
        yield (
            f"{censored} of {counted(len(batteries), 'battery')} did not reach end of life, "
            "so no cycle life and no RUL is known for them."
        )
    pcl = cycles["pcl"]
    outliers = pcl.notna() & ~pcl.between(*PLAUSIBLE_PCL)
    if outliers.any():
        yield (
            f"{counted(int(outliers.sum()), 'cycle has', 'cycles have')} a PCL outside "
            f"{PLAUSIBLE_PCL[0]:.0%} to {PLAUSIBLE_PCL[1]:.0%} (first: battery "
            f"{cycles.loc[outliers, 'battery_code'].iloc[0]}). They are kept; check the units."
        )


def _early_end_warnings(labelled: LabelledData) -> Iterator[str]:
    codes = starting_below(labelled.cycles, labelled.batteries, labelled.origins)
    if codes:
        yield early_end_text(len(codes))


def _gap_warnings(cycles: pd.DataFrame, dropped_rows: int) -> Iterator[str]:
    """Warn of gaps in the cycle numbers; rows that were left out make gaps, too."""
    steps = cycles.groupby("battery_code", observed=True)["cycle_num"].diff()
    gaps = steps > 1
    if gaps.any():
        n_batteries = cycles.loc[gaps, "battery_code"].nunique()
        left_out = (
            f" (counting the {counted(dropped_rows, 'row')} left out)" if dropped_rows else ""
        )
        yield (
            f"{counted(int(gaps.sum()), 'gap')} in the cycle numbers of "
            f"{counted(n_batteries, 'battery')}"
            f"{left_out}; the longest leaves out {counted(int(steps.max()) - 1, 'cycle')}."
        )


def _first(codes: pd.Series) -> str:
    shown = ", ".join(str(code) for code in codes.iloc[:5])
    return shown if len(codes) <= 5 else f"{shown}, ..."
