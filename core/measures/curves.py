"""Thin curves for the screen, so that little is sent to the browser and every peak stays."""

import numpy as np
import pandas as pd
from tsdownsample import MinMaxLTTBDownsampler


def downsample(
    frame: pd.DataFrame, by: str, value: str, max_points_per_group: int, x: str = "cycle_num"
) -> pd.DataFrame:
    """Keep at most so many rows per group, chosen by MinMaxLTTB on `value`, in their order.

    Parameters
    ----------
    frame : sorted by `by` and `x`
    by : column that tells the curves apart
    """
    if len(frame) <= max_points_per_group:
        return frame
    parts = [
        part.iloc[_chosen_rows(part[x], part[value], max_points_per_group)]
        for _, part in frame.groupby(by, observed=True, sort=False)
    ]
    return pd.concat(parts) if parts else frame


def quartiles(frame: pd.DataFrame, by: str, value: str) -> pd.DataFrame:
    """Box-plot numbers of `value` per group: q1, median, q3 and Tukey's fences (1.5 IQR).

    The fences are the outermost values within the range, as a box plot draws its whiskers.
    """
    rows = []
    for group, part in frame.groupby(by, observed=True, sort=False):
        values = np.sort(part[value].dropna().to_numpy(np.float64))
        if not len(values):
            continue
        q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
        reach = 1.5 * (q3 - q1)
        inside = values[(values >= q1 - reach) & (values <= q3 + reach)]
        rows.append((group, inside[0], q1, median, q3, inside[-1], len(values)))
    columns = [by, "lower_fence", "q1", "median", "q3", "upper_fence", "n"]
    return pd.DataFrame(rows, columns=columns)


def _chosen_rows(x: pd.Series, y: pd.Series, n_out: int) -> np.ndarray:
    if len(y) <= n_out:
        return np.arange(len(y))
    known = np.flatnonzero(np.isfinite(y.to_numpy(np.float64)))
    if len(known) <= n_out:
        return known
    chosen = MinMaxLTTBDownsampler().downsample(
        np.ascontiguousarray(x.to_numpy(np.float64)[known]),
        np.ascontiguousarray(y.to_numpy(np.float64)[known]),
        n_out=n_out,
    )
    return known[chosen]
