"""Finds unusable rows, lists them, and refuses the file or drops the rows."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.base.words import counted
from core.ingest.file_rul import refuse_rul_shares
from core.ingest.mapping import ColumnMapping
from core.ingest.recognition.true_causes import half_cycles

MAX_LISTED = 200
# Examples in the message; the list beside it has the others.
MAX_EXAMPLES = 2
# No more rows than this share of a file are ever left out: beyond it the cause lies elsewhere.
MAX_DROPPED = 0.2
# So that cycle + RUL still fits a 32-bit column.
MAX_CYCLE = 1_000_000_000
_LABELS = ("capacity", "pcl", "soh", "rul", "life", "nominal")
KINDS: dict[str, str] = {
    "no_battery": "battery is blank",
    "bad_cycle": "cycle number is blank, negative or not whole",
    "feature_not_finite": "feature is blank or infinite",
    "label_not_finite": "label is infinite",
    "bad_rul": "RUL is not a whole number",
    "duplicate_cycle": "cycle occurs twice in its battery",
}


@dataclass(frozen=True)
class Problem:
    """One unusable cell; `file_row` counts the header as row 1."""

    kind: str
    battery_code: str
    file_row: int
    column: str
    value: str

    def describe(self) -> str:
        """The problem in a few words."""
        where = f"battery {self.battery_code or '(blank)'}, row {self.file_row}"
        return f"{where}: {KINDS[self.kind]} ({self.column[:40]} = {self.value[:20]})"

    def to_json(self) -> dict[str, Any]:
        """JSON-ready dict."""
        return {
            "kind": self.kind,
            "battery_code": self.battery_code,
            "file_row": self.file_row,
            "column": self.column,
            "value": self.value,
        }


class UnusableRows(BadFile):
    """The file has unusable rows and the user chose to stop; `problems` lists them."""

    def __init__(self, message: str, problems: "Problems") -> None:
        super().__init__(message)
        self.problems = problems


@dataclass(frozen=True)
class Problems:
    """What is wrong with a raw frame.

    counts : cells (rows for duplicates) by kind
    listed : the first 200, in the order of the frame
    bad_rows : (n_rows,) bool, True for the rows to drop
    """

    counts: dict[str, int]
    listed: tuple[Problem, ...]
    bad_rows: np.ndarray
    warnings: tuple[str, ...] = ()

    @property
    def n_bad_rows(self) -> int:
        """Number of rows that cannot be used."""
        return int(self.bad_rows.sum())

    @property
    def may_drop(self) -> bool:
        """Whether so few rows are unusable that they may be left out."""
        return self.n_bad_rows <= MAX_DROPPED * len(self.bad_rows)


def find_problems(frame: pd.DataFrame, mapping: ColumnMapping | None = None) -> Problems:
    """Find the unusable rows of a raw frame (see `core.ingest.raw_frame`).

    `mapping` is needed only for the file's column names in messages.
    """
    names = _source_names(frame, mapping)
    bad = np.zeros(len(frame), dtype=bool)
    counts: Counter[str] = Counter()
    listed: list[tuple[int, Problem]] = []
    for kind, column, mask in _masks(frame):
        counts[kind] += int(mask.sum())
        listed += _list(frame, kind, column, mask, names)
        bad |= mask
    if "cycle" in frame:
        doubled = _duplicates(frame, bad)
        counts["duplicate_cycle"] += int(doubled.sum())
        listed += _list(frame, "duplicate_cycle", "cycle", doubled, names)
        bad |= doubled
    listed.sort(key=itemgetter(0))
    return Problems(
        counts={kind: count for kind, count in counts.items() if count},
        listed=tuple(problem for _position, problem in listed[:MAX_LISTED]),
        bad_rows=bad,
        warnings=tuple(_order_warnings(frame, bad)),
    )


def apply_checks(frame: pd.DataFrame, mapping: ColumnMapping) -> tuple[pd.DataFrame, Problems]:
    """Drop unusable rows, or raise UnusableRows with the first ones, as the mapping says.

    More than a fifth of the rows are never dropped.
    """
    _refuse_parts_of_cycles(frame, mapping)
    refuse_rul_shares(frame, mapping)
    problems = find_problems(frame, mapping)
    if not problems.n_bad_rows:
        return frame, problems
    if mapping.bad_rows == "stop" or not problems.may_drop:
        raise UnusableRows(_summary(frame, problems), problems)
    kept = frame.loc[~problems.bad_rows]
    return kept, _with_drop_warnings(problems, frame, kept)


def _refuse_parts_of_cycles(frame: pd.DataFrame, mapping: ColumnMapping) -> None:
    """Raise BadFile where most cycle numbers are not whole: no row is to be left out for that."""
    if "cycle" not in frame:
        return
    values = frame["cycle"].to_numpy()
    known = values[np.isfinite(values)]
    if len(known) and np.mean(known != np.floor(known)) > 0.5:
        raise BadFile(half_cycles(mapping.cycle_column or "cycle", known))


def _masks(frame: pd.DataFrame) -> Iterator[tuple[str, str, np.ndarray]]:
    """Yield (kind, column of the raw frame, mask) of every check on single cells."""
    yield "no_battery", "battery_code", (frame["battery_code"] == "").to_numpy()
    if "cycle" in frame:
        yield "bad_cycle", "cycle", ~_is_count(frame["cycle"].to_numpy(), MAX_CYCLE)
    for column in frame.columns:
        if column.startswith("feature_"):
            yield "feature_not_finite", column, ~np.isfinite(frame[column].to_numpy())
    for column in _LABELS:
        if column in frame:
            yield "label_not_finite", column, np.isinf(frame[column].to_numpy())
    if "rul" in frame:
        rul = frame["rul"].to_numpy()
        finite = np.isfinite(rul)
        fits = _is_count(np.abs(rul, where=finite, out=np.zeros_like(rul)), MAX_CYCLE)
        yield "bad_rul", "rul", finite & ~fits


def _is_count(values: np.ndarray, largest: int) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return (values >= 0) & (values <= largest) & (values == np.floor(values))


def _duplicates(frame: pd.DataFrame, bad: np.ndarray) -> np.ndarray:
    """Mask of rows with the battery and cycle of an earlier usable row."""
    usable = frame.loc[~bad, ["battery_code", "cycle"]]
    mask = np.zeros(len(frame), dtype=bool)
    mask[~bad] = usable.duplicated(keep="first").to_numpy()
    return mask


def _list(
    frame: pd.DataFrame, kind: str, column: str, mask: np.ndarray, names: dict[str, str]
) -> list[tuple[int, Problem]]:
    """The first problems of a kind, each with its position in the frame."""
    positions = np.flatnonzero(mask)[:MAX_LISTED]
    rows = frame.iloc[positions]
    cells = zip(positions, rows["battery_code"], rows["file_row"], rows[column], strict=True)
    return [
        (int(position), Problem(kind, str(code), int(row), names[column], _shown(value)))
        for position, code, row, value in cells
    ]


def _shown(value: object) -> str:
    if isinstance(value, float):
        return "blank" if np.isnan(value) else f"{value:g}"
    return str(value) or "blank"


def _source_names(frame: pd.DataFrame, mapping: ColumnMapping | None) -> dict[str, str]:
    names = {str(column): str(column) for column in frame.columns}
    if mapping is not None:
        for position, feature in enumerate(mapping.features, start=1):
            names[f"feature_{position}"] = feature.source_column
        for role in ("cycle", *_LABELS):
            names[role] = getattr(mapping, f"{role}_column") or role
        names["battery_code"] = mapping.battery_column or "battery"
    return names


def _order_warnings(frame: pd.DataFrame, bad: np.ndarray) -> Iterator[str]:
    if "cycle" not in frame:
        return
    usable = frame.loc[~bad, ["battery_code", "cycle"]]
    steps = usable.groupby("battery_code", observed=True, sort=False)["cycle"].diff()
    backwards = usable.loc[(steps < 0).to_numpy(), "battery_code"]
    if len(backwards):
        yield (
            f"The cycles of {counted(backwards.nunique(), 'battery')} were not in order "
            f"(first: battery {backwards.iloc[0]}); they were sorted."
        )


def _summary(frame: pd.DataFrame, problems: Problems) -> str:
    kinds = "; ".join(f"{KINDS[kind]}: {count:,}" for kind, count in problems.counts.items())
    first = "; ".join(problem.describe() for problem in problems.listed[:MAX_EXAMPLES])
    rows = counted(problems.n_bad_rows, "row")
    text = f"{rows} cannot be used ({kinds}). First: {first}. "
    if problems.counts.get("duplicate_cycle", 0) > len(problems.bad_rows) / 2:
        return text + (
            "Most cycles occur more than once, as in a time series: FadeBench needs one row per "
            "cycle. Summarise the file by cycle first, or map another cycle column."
        )
    if not problems.may_drop:
        share = problems.n_bad_rows / len(problems.bad_rows)
        return text + (
            f"That is {share:.0%} of all rows, too many to leave out. Correct the file, or map "
            "other columns."
        )
    return text + (
        f"{_lost_by_battery(frame, problems)} Leave these rows out (command line: "
        "--drop-bad-rows), or correct the file."
    )


def _lost_by_battery(frame: pd.DataFrame, problems: Problems) -> str:
    """What leaving the rows out would take from each battery, the most affected first."""
    bad = pd.Series(problems.bad_rows, index=frame["battery_code"].astype(str).to_numpy())
    grouped = bad.groupby(level=0, sort=False)
    lost = pd.DataFrame({"rows": grouped.sum(), "of": grouped.size()})
    lost = lost[lost["rows"] > 0].sort_values("rows", ascending=False, kind="stable")
    shown = ", ".join(
        f"{code or '(blank)'} {row.rows:,} of {row.of:,}"
        for code, row in zip(lost.index[:5], lost[:5].itertuples(), strict=True)
    )
    more = (
        f" and {counted(len(lost) - 5, 'more battery', 'more batteries')}" if len(lost) > 5 else ""
    )
    return f"Rows by battery: {shown}{more}."


def _with_drop_warnings(problems: Problems, before: pd.DataFrame, after: pd.DataFrame) -> Problems:
    kinds = "; ".join(f"{KINDS[kind]}: {count:,}" for kind, count in problems.counts.items())
    warnings = [f"{counted(problems.n_bad_rows, 'unusable row')} left out ({kinds})."]
    gone = [str(c) for c in before["battery_code"].unique() if c not in set(after["battery_code"])]
    if gone:
        shown = ", ".join(code or "(blank)" for code in gone[:10])
        more = f" and {len(gone) - 10} more" if len(gone) > 10 else ""
        warnings.append(
            f"{counted(len(gone), 'battery')} left out for lack of a usable row: {shown}{more}."
        )
    return replace(problems, warnings=(*warnings, *problems.warnings))
