"""Studies on the command line: started from a dataset or a table, waited for, listed, refused."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from core.access.actor import CurrentUser
from core.base.database import session_scope
from core.base.errors import InvalidInput
from core.cli import waiting
from core.cli.battery_tables import chosen_columns
from core.datasets.builtin import DEMO_NAME, ensure_demo_fleet
from core.jobs.kinds import settle_task
from core.jobs.supervisor import Supervisor
from core.studies import early_life_fit, early_life_models
from core.studies.early_life_table import TableColumns
from db.tables import BackgroundTask
from tests.core.cli.test_commands import ANN, BOB, answer, refusal, run
from tests.core.seeding import World, add_account, work_off
from tests.core.studies.test_early_life_table import csv, fleet_frame

EARLY = ("study", "early", "--as", ANN)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting does the work in this process, with one repetition and few resamples."""

    def work(_supervisor: Supervisor, enough: Callable[[], bool]) -> None:
        work_off()
        assert enough()

    monkeypatch.setattr(Supervisor, "run", work)
    monkeypatch.setattr(early_life_models, "REPEATS", 1)
    monkeypatch.setattr(early_life_fit, "RESAMPLES", 1000)


@pytest.fixture
def table_path(tmp_path: Path) -> Path:
    """A table whose last training battery has no cycle life."""
    frame = fleet_frame().astype({"Cycle life": object})
    frame.loc[23, "Cycle life"] = ""
    path = tmp_path / "cells.csv"
    path.write_bytes(csv(frame))
    return path


@pytest.mark.usefixtures("fresh_database", "in_process")
def test_a_study_of_a_dataset_looks_at_the_cycles_asked_for() -> None:
    add_account(ANN)
    dataset_id = ensure_demo_fleet()
    work_off()
    found = answer(*EARLY, "--dataset", dataset_id, "--cycles", 80)
    assert found["name"] == f"Life from 80 cycles: {DEMO_NAME}"
    assert (found["status"], found["source"]) == ("SUCCEEDED", DEMO_NAME)
    result = found["result"]
    assert result["cycles"] == 80
    assert {score["group"] for score in result["scores"]} == {"Train", "Validation", "Test"}
    named = answer(*EARLY, "--dataset", dataset_id, "--name", "Mine")
    assert (named["name"], named["result"]["cycles"]) == ("Mine", 100)
    (last, _) = answer("studies", "--as", ANN)["studies"]
    assert (last["study_id"], last["kind"]) == (named["study_id"], "EARLY_LIFE")
    assert (last["dataset_id"], last["status"]) == (dataset_id, "SUCCEEDED")


@pytest.mark.usefixtures("fresh_database", "in_process")
def test_a_study_of_a_table_says_what_its_files_say(table_path: Path) -> None:
    add_account(ANN)
    found = answer(*EARLY, "--table", table_path)
    assert (found["name"], found["source"]) == ("Life from early features: cells.csv", "cells.csv")
    result = found["result"]
    assert result["cycles"] is None
    assert result["left_out"] == [{"battery": "c23", "reason": "no cycle life"}]
    assert len(result["batteries"]) == 39
    assert {"battery", "group", "cycle_life", "predicted_ridge"} <= set(result["batteries"][0])
    labels = [s["label"] for s in result["scores"] if s["group"] == "Primary test"]
    assert labels == ["Variance model", "Ridge", "PCR", "PLSR", "Mean"]
    assert {"rmse_cycles", "rmse_low_cycles", "mape_percent"} <= set(result["scores"][0])
    assert answer("study", "show", found["study_id"], "--as", ANN) == found
    lines = run(*EARLY, "--table", table_path).stdout.splitlines()
    assert lines[0] == "Study 2: Life from early features: cells.csv (SUCCEEDED)"
    assert lines[1].split() == ["model", "cross_validated", "train", "primary_test"]
    assert lines[-1].startswith("RMSE in cycles. Chosen by cross-validation: ")


@pytest.mark.usefixtures("fresh_database", "in_process")
def test_columns_of_a_table_can_be_said(table_path: Path, tmp_path: Path) -> None:
    add_account(ANN)
    columns = tmp_path / "map.json"
    given = {
        "features": ["First capacity"],
        "split_values": {"test1": "secondary"},
    }
    columns.write_text(json.dumps(given))
    result = answer(*EARLY, "--table", table_path, "--columns", columns)["result"]
    assert {weight["feature"] for weight in result["weights"]} == {"First capacity"}
    assert {score["group"] for score in result["scores"]} == {"Train", "Secondary test"}
    for slip, words in (
        ({"split_values": {"test9": "primary"}}, "No battery has the split 'test9'"),
        ({"split_values": {"test1": "tset"}}, "to train, primary, secondary, left out"),
        ({"features": "First capacity"}, "a list of column names"),
        ({"life": "Cycle life"}, "unknown key 'life'; use battery_column, life_column"),
        ({"split_column": "Part"}, "The table has no column 'Part'"),
    ):
        columns.write_text(json.dumps(slip))
        assert words in refusal(*EARLY, "--table", table_path, "--columns", columns)
    assert len(answer("studies", "--as", ANN)["studies"]) == 1


def test_a_column_given_a_meaning_loses_the_proposed_one() -> None:
    proposed = TableColumns("Cell", "Life", "Set", ("dQ", "Q", "Last"), "dQ")
    chosen = chosen_columns(proposed, {"life_column": "dQ", "battery_column": "Set"})
    assert chosen == TableColumns("Set", "dQ", None, ("Q", "Last"), None)
    assert chosen_columns(proposed, {"features": ["Q"]}).variance is None
    assert chosen_columns(proposed, {}) == proposed
    with pytest.raises(InvalidInput, match="a column name or null"):
        chosen_columns(proposed, {"split_column": 3})


def test_a_study_of_random_rows_in_a_process_of_its_own(dataset: tuple[CurrentUser, int]) -> None:
    _, dataset_id = dataset
    found = answer("study", "rows", "--as", ANN, "--dataset", dataset_id)
    assert (found["name"], found["status"]) == (
        "Random split against split by battery: Small fleet",
        "SUCCEEDED",
    )
    result = found["result"]
    assert (result["batteries"], result["cycles_used"]) == (5, 200)
    assert {(s["target"], s["model"]) for s in result["scores"]} == {
        (target, model) for target in ("PCL", "RUL") for model in ("TREES", "LINEAR")
    }
    assert all(score["batteries_rmse"] > 0 for score in result["scores"])


def test_without_waiting_the_study_is_left_to_the_background(
    dataset: tuple[CurrentUser, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, dataset_id = dataset
    started: list[bool] = []
    monkeypatch.setattr(waiting, "work_detached", lambda: started.append(True))
    found = answer("study", "rows", "--as", ANN, "--dataset", dataset_id, "--no-wait")
    assert (found["status"], found["result"], started) == ("PENDING", None, [True])
    study_id = found["study_id"]
    assert answer("study", "show", study_id, "--as", ANN)["status"] == "PENDING"
    work_off()
    shown = answer("study", "show", study_id, "--as", ANN)
    assert shown["status"] == "SUCCEEDED" and shown["result"]["batteries"] == 5


def test_a_study_that_fails_ends_with_its_reason(
    dataset: tuple[CurrentUser, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, dataset_id = dataset

    def fail(supervisor: Supervisor, enough: Callable[[], bool]) -> None:
        task_id = supervisor._claim("short")
        with session_scope() as session:
            settle_task(session, session.get_one(BackgroundTask, task_id), "FAILED", "Disk full.")
        assert enough()

    monkeypatch.setattr(Supervisor, "run", fail)
    result = run("study", "rows", "--as", ANN, "--dataset", dataset_id, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1] == "Error: Disk full."
    (failed,) = answer("studies", "--as", ANN)["studies"]
    lines = run("study", "show", failed["study_id"], "--as", ANN).stdout.splitlines()
    assert lines[0].endswith("(FAILED)") and lines[1] == "Disk full."


def test_studies_are_ones_own(world: World) -> None:
    add_account(BOB)
    (study,) = answer("studies", "--as", ANN)["studies"]
    assert (study["study_id"], study["kind"]) == (world.study_id, "ROW_SPLIT")
    assert answer("studies", "--as", BOB) == {"studies": []}
    assert "No studies yet" in run("studies", "--as", BOB).stdout
    assert "No such study" in refusal("study", "show", world.study_id, "--as", BOB)
    missing = "No such dataset. It may have been deleted; pick one from the list."
    for dataset_id in (world.dataset_id, 999):
        fixed = ("--as", BOB, "--dataset", dataset_id)
        assert refusal("study", "early", *fixed) == missing
        assert refusal("study", "rows", *fixed) == missing


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "either --dataset ID"),
        (("--dataset", 1, "--table", "cells.csv"), "either --dataset ID"),
        (("--table", "cells.csv", "--cycles", 50), "either --dataset ID"),
        (("--dataset", 1, "--columns", "map.json"), "either --dataset ID"),
        (("--dataset", 1, "--cycles", 0), "first 20 to 1000 cycles, not 0"),
        (("--dataset", 1), "this needs at least 10 and 1"),
        (("--table", "nowhere.csv"), "There is no file at nowhere.csv"),
    ],
)
def test_mistakes_end_in_one_line(
    dataset: tuple[CurrentUser, int], arguments: tuple[str | int, ...], words: str
) -> None:
    assert words in refusal(*EARLY, *arguments)
