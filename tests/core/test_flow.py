"""The main job on the real Severson file, by the command line alone: import to exported files.

What makes the data and the models runs as `python -m core`; what reads them, in this process.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from core.base.database import get_engine
from core.cli.app import app
from tests.conftest import settings_of
from tests.paths import ROOT, SHARED_DATA, needs_shared_data

pytestmark = needs_shared_data

ANN = "ann@example.org"
ALGORITHMS = ("BASELINE", "BILSTM", "DEEPHPM", "ENSEMBLE", "MEAN")
ROLES = {"091": "train", "100": "train", "101": "val", "124": "test"}
UNSEEN = ("108", "116", "124")


def command(folder: Path, *arguments: str | int | Path, typed: str = "") -> Any:
    """Run `python -m core ... --json` in a process of its own; what it prints."""
    result = subprocess.run(
        [sys.executable, "-m", "core", *map(str, arguments), "--json"],
        cwd=ROOT,
        env=os.environ | {"FADEBENCH_DATA_DIR": str(folder / "data"), "FADEBENCH_DATABASE_URL": ""},
        input=typed,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


def answer(folder: Path, *arguments: str | int | Path) -> Any:
    """As `command`, in this process: the background work is still done by others."""
    with settings_of(folder / "data"):
        result = CliRunner().invoke(app, [*map(str, arguments), "--json"])
        get_engine().dispose()
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where this flow keeps its data."""
    return tmp_path_factory.mktemp("flow")


@pytest.fixture(scope="module")
def dataset(folder: Path) -> Any:
    """What importing the real file said."""
    add = ("user", "add", "--email", ANN, "--name", "ann", "--password-stdin")
    command(folder, *add, typed="correct horse battery\n")
    path = SHARED_DATA / "severson" / "SeversonBattery.mat"
    fixed = ("import", path, "--as", ANN, "--name", "Severson", "--nominal-capacity-ah", 1.1)
    return command(folder, *fixed)


@pytest.fixture(scope="module")
def training(folder: Path, dataset: Any) -> Any:
    """What training some algorithms, their ensemble and a floor on a few cells said."""
    roles = folder / "roles.json"
    roles.write_text(json.dumps(ROLES))
    fixed = ("train", "--as", ANN, "--dataset", dataset["dataset_id"], "--target", "BOTH")
    more = ("--epochs", 3, "--seed", 1, "--set", "BILSTM.window_length=5", "--roles", roles)
    return command(folder, *fixed, "--algorithms", ",".join(ALGORITHMS), *more)


@pytest.fixture(scope="module")
def tested(folder: Path, dataset: Any, training: Any) -> Any:
    """What testing the first model on cells that it never saw, and one that it saw, said."""
    model = training["runs"][0]["model_version_id"]
    batteries = ",".join([*UNSEEN, "091"])
    fixed = ("test", "--as", ANN, "--model", model, "--dataset", dataset["dataset_id"])
    return answer(folder, *fixed, "--batteries", batteries)


def test_the_real_file_is_imported_whole(dataset: Any) -> None:
    assert (dataset["batteries"], dataset["cycles"]) == (124, 99_281)
    assert dataset["split"] == {"train": 41, "val": 43, "test": 40, "none": 0}
    assert dataset["labelled"] == {"PCL": 1.0, "RUL": 1.0}


def test_algorithms_ensemble_and_floor_are_trained(training: Any) -> None:
    assert training["status"] == "SUCCEEDED"
    assert [run["algorithm"] for run in training["runs"]] == list(ALGORITHMS)
    for run in training["runs"]:
        assert run["status"] == "SUCCEEDED" and run["model_version_id"], run["message"]
        for role, target in (("val", "PCL"), ("val", "RUL"), ("test", "PCL"), ("test", "RUL")):
            assert run["metrics"][role][target]["rmse"] > 0
            assert run["metrics"][role][target]["n_batteries"] == 1


def test_only_unseen_cells_count_overall(tested: Any) -> None:
    assert tested["status"] == "SUCCEEDED"
    exposure = {row["battery_code"]: row["exposure"] for row in tested["batteries"]}
    assert exposure == {**dict.fromkeys(UNSEEN, "unseen"), "091": "train"}
    for target in ("PCL", "RUL"):
        rows = [row for row in tested["batteries"] if row["target"] == target]
        unseen = [row for row in rows if row["exposure"] == "unseen"]
        overall = tested["overall"][target]
        assert len(rows) == 4 and overall["n_batteries"] == 3
        assert overall["n"] == sum(row["n"] for row in unseen)
        mse = sum(row["mse"] * row["n"] for row in unseen) / overall["n"]
        assert overall["mse"] == pytest.approx(mse)
        assert overall["macro"]["rmse"] == pytest.approx(np.mean([row["rmse"] for row in unseen]))


def test_the_csv_holds_the_numbers_of_the_test(folder: Path, tested: Any) -> None:
    out = folder / "result.csv"
    fixed = ("export", "--as", ANN, "--test", tested["test_job_id"], "--format", "csv")
    assert answer(folder, *fixed, "--out", out)["bytes"] == out.stat().st_size
    frame = pd.read_csv(out, dtype={"battery_code": str})
    assert list(frame.columns[:5]) == ["battery_code", "cycle_num", "target", "y_true", "y_pred"]
    for row in tested["batteries"]:
        of_battery = frame["battery_code"] == row["battery_code"]
        part = frame[of_battery & (frame["target"] == row["target"])]
        error = part["y_pred"] - part["y_true"]
        assert len(part) == row["n"]
        assert np.sqrt(np.mean(error**2)) == pytest.approx(row["rmse"], rel=1e-9)
        assert np.mean(np.abs(error)) == pytest.approx(row["mae"], rel=1e-9)


def test_the_workbook_holds_them_too(folder: Path, tested: Any) -> None:
    out = folder / "result.xlsx"
    fixed = ("export", "--as", ANN, "--test", tested["test_job_id"], "--format", "xlsx")
    answer(folder, *fixed, "--out", out)
    names = ["Information", "Overall metrics", "Per-battery metrics", "Predictions"]
    assert openpyxl.load_workbook(out, read_only=True).sheetnames == names
    sheets = pd.read_excel(out, sheet_name=None, dtype={"battery_code": str})
    overall = sheets["Overall metrics"].set_index("target")
    for target, metrics in tested["overall"].items():
        for name in ("n", "rmse", "mae", "r2", "rmspe"):
            assert overall.loc[target, name] == pytest.approx(metrics[name], rel=1e-9)
    batteries = sheets["Per-battery metrics"].set_index(["battery_code", "target"])
    for row in tested["batteries"]:
        found = batteries.loc[(row["battery_code"], row["target"])]
        assert found["exposure"] == row["exposure"]
        assert found["rmse"] == pytest.approx(row["rmse"], rel=1e-9)
    assert len(sheets["Predictions"]) == sum(row["n"] for row in tested["batteries"])
