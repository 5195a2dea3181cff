"""Real data of the accuracy table: which batteries are trained on, stopped by, and tested on."""

import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.published_protocol import FEATURES as MAT_FEATURES
from benchmarks.published_protocol import read_cells
from core.ingest.formats.mat5 import read_arrays
from core.ingest.limits import DEFAULT_LIMITS
from models.inputs.series import BatterySeries

NOMINAL_AH = 1.1
SEVERSON_FEATURES = (
    "dqdv_slope",
    "dqdv_intercept",
    "temperature_avg_degc",
    "charge_voltage_mean_v",
    "cc_charge_capacity_ah",
    "cc_charge_time_s",
    "cv_charge_capacity_ah",
    "cv_charge_time_s",
)
# Every tenth battery in the order of life, beginning with the sixth: the extremes stay in training.
VAL_EVERY, VAL_FIRST = 10, 5
# Every fifth file of the archive is tested, as its publishers did.
MIT_TEST_EVERY = 5


@dataclass(frozen=True)
class Case:
    """One data set with its published split; `bars` and `references` by (target, metric, split)."""

    name: str
    features: tuple[str, ...]
    targets: tuple[str, ...]
    train: list[BatterySeries]
    tests: dict[str, list[BatterySeries]]
    horizons: tuple[int, ...] = (0,)
    settings: dict[str, object] = field(default_factory=dict)
    bars: dict[tuple[str, str, str], float] = field(default_factory=dict)
    references: dict[str, dict[tuple[str, str, str], float]] = field(default_factory=dict)


def carve_val(
    batteries: Sequence[BatterySeries],
) -> tuple[list[BatterySeries], list[BatterySeries]]:
    """Return batteries to fit on and batteries to stop, calibrate and weigh by.

    In the order of cycle life (or as given, where there is no RUL) every tenth, from the sixth.
    """
    order = sorted(range(len(batteries)), key=lambda i: (_life(batteries[i]), i))
    held = set(order[VAL_FIRST::VAL_EVERY])
    fitted = [b for i, b in enumerate(batteries) if i not in held]
    return fitted, [b for i, b in enumerate(batteries) if i in held]


def read_severson(folder: Path) -> Case:
    """Return the estimates of PCL and RUL from eight features (115 cells)."""
    frame = pd.read_csv(folder / "severson" / "severson_8_features.csv.gz")
    splits: dict[str, list[BatterySeries]] = {"train": [], "test1": [], "test2": []}
    for (code, split), rows in frame.groupby(["battery_code", "split"], sort=True):
        rows = rows.sort_values("cycle")
        soh = rows["discharge_capacity_ah"].to_numpy(float) / NOMINAL_AH
        targets = np.column_stack([1.0 - soh, rows["rul_cycles"].to_numpy(float)])
        features = rows[list(SEVERSON_FEATURES)].to_numpy(float)
        cycle = rows["cycle"].to_numpy(np.int64)
        splits[str(split)].append(BatterySeries(str(code), cycle, features, targets, soh))
    pcl, rul = ("PCL", "rmse"), ("RUL", "rmse")

    def both(*values: float) -> dict[tuple[str, str, str], float]:
        keys = [(*pcl, "test1"), (*pcl, "test2"), (*rul, "test1"), (*rul, "test2")]
        return dict(zip(keys, values, strict=True))

    return Case(
        "severson",
        SEVERSON_FEATURES,
        ("PCL", "RUL"),
        splits["train"],
        {"test1": splits["test1"], "test2": splits["test2"]},
        bars=both(0.0040, 0.0062, 118.0, 205.0),
        references={
            "trees, untuned": both(0.0043, 0.0095, 126.0, 223.0),
            "BiLSTM, quick": both(0.0056, 0.0066, 143.0, 225.0),
            "MLP, quick": both(0.0065, 0.0119, 141.0, 250.0),
        },
    )


def read_mit(folder: Path) -> Case:
    """Return the estimates of PCL from 16 features of the charge (125 cells).

    |PCL error| = |SOH error|. Rows with infinite features are left out. Eight of the test cells
    are Severson training cells, on which defaults were chosen.
    """
    train, test = [], []
    names: tuple[str, ...] = ()
    with zipfile.ZipFile(folder / "mit_cells.zip") as archive:
        for name in sorted(archive.namelist(), key=_natural):
            if not name.endswith(".csv"):
                continue
            with archive.open(name) as file:
                frame = pd.read_csv(file).replace([np.inf, -np.inf], np.nan)
            frame = frame.set_index(np.arange(1, len(frame) + 1)).dropna()
            names = tuple(str(column) for column in frame.columns[:-1])
            soh = frame["capacity"].to_numpy(float) / NOMINAL_AH
            features, cycle = frame.iloc[:, :-1].to_numpy(float), frame.index.to_numpy(np.int64)
            series = BatterySeries(name, cycle, features, 1.0 - soh[:, None], soh)
            number = int(_natural(name)[-1])
            (test if number % MIT_TEST_EVERY == 0 else train).append(series)
    key = ("PCL", "mae", "test")
    return Case(
        "mit",
        names,
        ("PCL",),
        train,
        {"test": test},
        bars={key: 0.0016},
        references={
            "PINN4SOH, honest scaling": {key: 0.0029},
            "trees, untuned": {key: 0.0017},
        },
    )


def read_forecast(folder: Path) -> Case:
    """Return forecasts of PCL 50 and 100 cycles ahead over whole lives (124 cells)."""
    file = folder / "severson" / "SeversonBattery.mat"
    indices = ("train_ind", "test_ind", "secondary_test_ind")
    found = read_arrays(file, indices, DEFAULT_LIMITS)
    cells = [replace(s, soh=1.0 - s.targets[:, 0]) for s in read_cells(file, "PCL")]
    train, primary, secondary = (
        [cells[int(number) - 1] for number in found[name].ravel()] for name in indices
    )

    def at(*values: float) -> dict[tuple[str, str, str], float]:
        keys = [("PCL", "rmse", f"{split} +{h}") for h in (50, 100) for split in ("test1", "test2")]
        return dict(zip(keys, values, strict=True))

    return Case(
        "forecast",
        MAT_FEATURES,
        ("PCL",),
        train,
        {"test1": primary, "test2": secondary},
        horizons=(50, 100),
        settings={"max_horizon": 100, "use_capacity_history": True},
        references={
            "LAST_VALUE, measured elsewhere": at(0.019, 0.0127, 0.032, 0.022),
            "LAST_SLOPE, measured elsewhere": at(0.0097, 0.0056, 0.019, 0.0116),
        },
    )


CASES: dict[str, Callable[[Path], Case]] = {
    "severson": read_severson,
    "mit": read_mit,
    "forecast": read_forecast,
}


def _life(series: BatterySeries) -> float:
    """Return the cycle life, or 0 where the last label is no RUL."""
    return float(series.cycle_num[-1] + series.targets[-1, 1]) if series.targets.shape[1] > 1 else 0


def _natural(name: str) -> tuple[str, int]:
    """Return the file's date and its number."""
    found = re.search(r"(.*)battery-(\d+)\.csv$", name)
    return (found[1], int(found[2])) if found else (name, 0)
