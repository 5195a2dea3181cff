"""After "Add an algorithm": MEDIAN on the pages, on the command line and in an export."""

from pathlib import Path

import openpyxl

from core.access.actor import CurrentUser
from tests.core.seeding import write_csv
from tests.docs.recipes.commands import ANN, add_ann, answer, help_of, import_file
from tests.pages.conftest import run_page, store_fleet, user

__all__ = ["user"]


def test_new_training_offers_it(user: CurrentUser) -> None:
    dataset_id = store_fleet(user, "Pouch cells")
    page = run_page("new_training", user, {"dataset": dataset_id})
    box = page.checkbox(key="algorithm_MEDIAN")
    assert "Median curve" in box.label and box.value


def test_it_is_trained_tested_and_exported(data_dir: Path, tmp_path: Path) -> None:
    assert "MEDIAN" in help_of("train")
    add_ann()
    dataset = import_file(write_csv(tmp_path / "cells.csv"))["dataset_id"]
    chosen = ("--target", "PCL", "--algorithms", "MEDIAN,LINEAR")
    trained = answer("train", "--as", ANN, "--dataset", dataset, *chosen)
    assert trained["status"] == "SUCCEEDED"
    (model,) = [run["model_version_id"] for run in trained["runs"] if run["algorithm"] == "MEDIAN"]
    tested = answer("test", "--as", ANN, "--model", model, "--dataset", dataset)
    assert tested["overall"]["PCL"]["n_batteries"] == 2
    out = tmp_path / "result.xlsx"
    answer("export", "--as", ANN, "--test", tested["test_job_id"], "--format", "xlsx", "--out", out)
    sheets = [sheet.iter_rows(values_only=True) for sheet in openpyxl.load_workbook(out)]
    cells = " ".join(str(cell) for rows in sheets for row in rows for cell in row)
    assert " Algorithm Median curve " in cells
