"""Cycle life from the RUL of a file, and RUL that does not count cycles.

Files write RUL in many ways: held at 125 in the first part, zero to the end of the file, a cycle
off, in percent, as a share. The most frequent cycle + RUL survives the first three; the last two
are refused.
"""

import numpy as np
import pandas as pd

from core.base.errors import BadFile
from core.ingest.mapping import ColumnMapping

FEWEST_ROWS = 3
NONE = float("nan")
# Share of the batteries, and of a battery's rows, from which a pattern is taken for a rule.
MOST = 0.5
_ADVICE = (
    "FadeBench needs RUL in cycles. Map a column that counts the cycles left, or none: the cycle "
    "life then follows from the capacity."
)


def life_from_rul(cycle_num: np.ndarray, rul: np.ndarray) -> int | None:
    """Cycle life of one battery: the most frequent cycle + RUL of its rows with RUL above 0.

    Of two that are equally frequent the larger counts.

    Parameters
    ----------
    cycle_num, rul : (n_cycles,), RUL in cycles, NaN where blank

    Returns
    -------
    None where no RUL is above 0, where fewer than three rows agree (all, where there are fewer),
    and where RUL is not whole.
    """
    left = rul > 0
    if not left.any():
        return None
    sums, counts = np.unique(cycle_num[left] + rul[left], return_counts=True)
    best = len(sums) - 1 - int(np.argmax(counts[::-1]))
    if counts[best] < min(FEWEST_ROWS, int(left.sum())) or sums[best] != np.floor(sums[best]):
        return None
    return int(sums[best])


def refuse_rul_shares(frame: pd.DataFrame, mapping: ColumnMapping) -> None:
    """Refuse a raw frame whose RUL is a percentage or a share of life, not a number of cycles.

    frame : the raw frame, with `battery_code` and `cycle`

    Raises
    ------
    BadFile
        Names the column, what it seems to hold, and what to do.
    """
    if "rul" not in frame:
        return
    rul = frame["rul"].to_numpy(dtype=np.float64)
    known = np.isfinite(rul)
    largest = rul[known].max(initial=0.0)
    column = mapping.rul_column or "RUL"
    if largest <= 1.0 and ((rul[known] > 0) & (rul[known] < 1)).any():
        raise BadFile(
            f"Column {column!r} holds the share of life that is left (1 to 0), not RUL in cycles. "
            f"{_ADVICE}"
        )
    if largest <= 100.0 and (_named_percent(column) or _looks_like_percent(frame)):
        raise BadFile(
            f"Column {column!r} holds the life that is left in percent (100 to 0), not RUL in "
            f"cycles. {_ADVICE}"
        )


def with_life_column(
    frame: pd.DataFrame, mapping: ColumnMapping
) -> tuple[pd.DataFrame, frozenset[str]]:
    """Fill the RUL of batteries that have none from the column of cycle lives.

    frame : the raw frame, with `battery_code`, `cycle` and, where the mapping names it, `life`

    Returns
    -------
    The frame with `rul` = life - cycle (NaN after the end of life) in the batteries whose `rul`
    tells no life, and their codes; unchanged without such a column.

    Raises
    ------
    BadFile
        A battery has two lives, or one that is no whole number of cycles.
    """
    lives = lives_of_column(frame, mapping)
    if not lives:
        return frame, frozenset()
    filled = set()
    cycle = frame["cycle"].to_numpy(dtype=np.float64)
    rul = frame["rul"].to_numpy(np.float64).copy() if "rul" in frame else np.full(len(frame), NONE)
    for code, rows in frame.groupby("battery_code", observed=True, sort=False).indices.items():
        life = lives.get(str(code))
        if life is not None and life_from_rul(cycle[rows], rul[rows]) is None:
            left = life - cycle[rows]
            rul[rows] = np.where(left >= 0, left, NONE)
            filled.add(str(code))
    return frame.assign(rul=rul), frozenset(filled)


def lives_of_column(frame: pd.DataFrame, mapping: ColumnMapping) -> dict[str, int]:
    """Cycle life by battery code, as the column of cycle lives has it; errors as above."""
    if "life" not in frame:
        return {}
    column = mapping.life_column or "life"
    pairs = frame[["battery_code", "life"]].dropna().drop_duplicates()
    lives: dict[str, int] = {}
    for code, life in zip(pairs["battery_code"].astype(str), pairs["life"], strict=True):
        if code in lives:
            raise BadFile(
                f"Battery {code} has two values in column {column!r}, which is mapped as cycle "
                "life. Every row of a battery needs the same life: correct the file, or map no "
                "column as cycle life."
            )
        if not (np.isfinite(life) and life > 0 and life == np.floor(life)):
            raise BadFile(
                f"Battery {code} has the cycle life {life:g} in column {column!r}. A cycle life is "
                "a whole number above 0: correct the file, or map no column as cycle life."
            )
        lives[code] = int(life)
    return lives


def _named_percent(column: str) -> bool:
    return "%" in column or "percent" in column.casefold()


def _looks_like_percent(frame: pd.DataFrame) -> bool:
    """Whether most batteries begin at 100 and lose it in steps that are not cycles."""
    found = [
        _falls_from_100(part["cycle"].to_numpy(np.float64), part["rul"].to_numpy(np.float64))
        for _code, part in frame.groupby("battery_code", observed=True, sort=False)
        if part["rul"].notna().any()
    ]
    return bool(found) and float(np.mean(found)) > MOST


def _falls_from_100(cycle_num: np.ndarray, rul: np.ndarray) -> bool:
    known = np.isfinite(rul)
    if rul[known].max() != 100.0:
        return False
    between = known & (rul > 0) & (rul < 100)
    if between.sum() < FEWEST_ROWS:
        return False
    # RUL that is held at 100 falls by one per cycle below that.
    _sums, counts = np.unique(cycle_num[between] + rul[between], return_counts=True)
    return bool(counts.max() < MOST * between.sum())
