"""Turns cycles of a dataset into series for models, and BOTH into its two targets."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from models.inputs.series import BatterySeries

LABEL_COLUMNS = {"PCL": "pcl", "RUL": "rul"}


def targets_of(target: str) -> tuple[str, ...]:
    """The single targets of a job's target."""
    return ("PCL", "RUL") if target == "BOTH" else (target,)


def make_series(
    frame: pd.DataFrame, targets: Sequence[str], feature_columns: Sequence[str]
) -> dict[str, BatterySeries]:
    """One series per battery, by code.

    Parameters
    ----------
    frame : as `core.datasets.cycles.load_cycles` gives it
    targets : "PCL", "RUL" in the model's order
    feature_columns : feature_1, feature_2, ... in the model's order
    """
    labels = [LABEL_COLUMNS[target] for target in targets]
    return {
        str(code): BatterySeries(
            code=str(code),
            cycle_num=part["cycle_num"].to_numpy(np.int64),
            features=part[list(feature_columns)].to_numpy(np.float64),
            targets=part[labels].to_numpy(np.float64),
            soh=1.0 - part["pcl"].to_numpy(np.float64),
        )
        for code, part in frame.groupby("battery_code", observed=True, sort=False)
    }
