"""The files that the golden installation is made of: few short-lived cells, rounded numbers."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tests.core.ingest.files import write_mat, write_zip

NOMINAL_AH = 1.1
FLEET_SIZE = 24
Mapping = dict[str, Any]


def write_all(folder: Path) -> dict[str, tuple[Path, Mapping]]:
    """A file of each kind, by the name of its dataset, and what its mapping adds to the proposal.

    Fleet: CSV, labels computed, enough batteries for intervals. Workbook: XLSX, labels computed,
    changed later. Severson-like: MAT, labels of the file. Zellen für Ærø 電池: ZIP, no battery
    reaches end of life, so that nobody knows its RUL. Without labels: CSV without capacity.
    """
    capacity = {"nominal_capacity_ah": NOMINAL_AH}
    fleet = write_csv(folder / "fleet.csv", FLEET_SIZE, seed=1)
    workbook = folder / "workbook.xlsx"
    make_cells(6, seed=2).to_excel(workbook, index=False)
    mat = write_mat(folder / "severson.mat", severson_like())
    unfinished = write_zip(folder / "zellen.zip", unfinished_lives())
    bare = folder / "bare.csv"
    make_cells(5, seed=4).drop(columns=["capacity"]).to_csv(bare, index=False)
    return {
        "Fleet": (fleet, capacity),
        "Workbook": (workbook, capacity),
        "Severson-like": (mat, {}),
        "Zellen für Ærø 電池": (unfinished, capacity),
        "Without labels": (bare, {}),
    }


def make_cells(count: int, seed: int, share_of_life: float = 1.1) -> pd.DataFrame:
    """Cells that fade to 80 % within 45 to 80 cycles and a little beyond, with a split.

    Of 24: eleven to train, nine to validate, four to test.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for number, life in enumerate(rng.integers(45, 80, count)):
        cycle = np.arange(1, int(share_of_life * life) + 1)
        age = cycle / life
        line = rng.uniform(0.2, 0.5)
        loss = 0.2 * (line * age + (1 - line) * age**3) + rng.normal(0, 5e-4, len(cycle))
        # Of its own for each battery: else it would tell the share of life.
        resistance = 0.016 + 0.0006 * (number % 7) + 0.002 * age + rng.normal(0, 5e-4, len(cycle))
        warmth = 30 + rng.normal(0, 1) + age + rng.normal(0, 0.3, len(cycle))
        parts.append(
            pd.DataFrame(
                {
                    "battery": f"cell{number:02d}",
                    "cycle": cycle,
                    "capacity": np.round(NOMINAL_AH * (1 - loss), 4),
                    "resistance": np.round(resistance, 5),
                    "temperature": np.round(warmth, 1),
                    "split": _role(number, count),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def _role(number: int, count: int) -> str:
    if count < FLEET_SIZE:
        return ("train", "train", "val", "test", "train", "val")[number % 6]
    return "train" if number < 11 else "val" if number < 20 else "test"


def roles_with_few_to_validate() -> dict[str, str]:
    """Roles in the fleet with three batteries to validate: intervals then come of five folds."""
    roles = {f"cell{number:02d}": _role(number, FLEET_SIZE) for number in range(FLEET_SIZE)}
    validating = [code for code, role in roles.items() if role == "val"]
    return {code: role for code, role in roles.items() if code not in validating[3:]}


def severson_like() -> dict[str, Any]:
    """Variables of a small file in the layout of SeversonBattery.mat, PCL and RUL included."""
    cells = [part for _, part in make_cells(7, seed=3, share_of_life=1.0).groupby("battery")]
    lengths = [len(cell) for cell in cells]
    joined = pd.concat(cells)
    features = np.column_stack([joined["resistance"], joined["temperature"], joined["cycle"] % 5])
    return {
        "Features_mov_Flt": features,
        "Num_Cycles_Flt": np.array(lengths, np.uint16)[:, None],
        "Cycles_Flt": joined["cycle"].to_numpy(np.uint16)[:, None],
        "PCL_Flt": (1 - joined["capacity"].to_numpy() / NOMINAL_AH)[:, None],
        "RUL_Flt": np.concatenate([np.arange(n, 0, -1) for n in lengths]).astype(np.uint16)[
            :, None
        ],
        "train_ind": np.array([[1], [2], [3], [4]], np.uint8),
        "test_ind": np.array([[5]], np.uint8),
        "secondary_test_ind": np.array([[6], [7]], np.uint8),
    }


def unfinished_lives() -> dict[str, str]:
    """One CSV a battery, cut off at 60 % of its life; codes that no shell and no sheet likes."""
    cells = make_cells(5, seed=10, share_of_life=0.6)
    names = ("=1+1", "Zelle ä", "電池 3", "b'4", "b 5")
    return {
        f"{name}.csv": cell.drop(columns=["battery", "split"]).to_csv(index=False)
        for name, (_, cell) in zip(names, cells.groupby("battery"), strict=True)
    }


def write_csv(path: Path, count: int, seed: int) -> Path:
    """A tidy table of some cells."""
    make_cells(count, seed).to_csv(path, index=False)
    return path


def write_bad_rows(path: Path) -> Path:
    """A table whose cycle numbers repeat themselves and that has words among its numbers."""
    frame = make_cells(3, seed=11).astype({"resistance": object})
    frame.loc[5, "cycle"] = 5
    frame.loc[9, "resistance"] = "broken"
    frame.to_csv(path, index=False)
    return path


def write_unusable(path: Path) -> Path:
    """A picture that calls itself a table."""
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + io.BytesIO(bytes(range(256))).getvalue())
    return path


def some_numbers() -> tuple[Any, Any, Any]:
    """Cycles, true and predicted values, as a test that was cut off has written them."""
    cycles = np.arange(1, 21)
    return cycles, np.full(20, np.nan), np.linspace(0.0, 0.1, 20)
