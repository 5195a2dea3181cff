"""The command line: fixed forms, JSON alone, one line for every refusal."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from core.access.actor import CurrentUser
from core.base.database import is_current, read_scope, session_scope
from core.base.errors import InvalidInput
from core.base.settings import get_settings
from core.cli import edge
from core.cli.app import app
from core.cli.columns import chosen_mapping
from core.cli.settings_text import parse_settings
from core.ingest.mapping import ColumnMapping, FeatureColumn
from core.training.views import get_job_info
from db.tables import BackgroundTask, Dataset
from models.settings.errors import HyperparameterError
from tests.core.seeding import PASSWORD, World, add_account, write_csv
from tests.core.wide import NAMES, write_wide
from tests.paths import ROOT, SHARED_DATA, needs_shared_data

ANN = "ann@example.org"
BOB = "bob@example.org"


@pytest.fixture
def world(world: World) -> World:
    """Ann has everything; Bob has nothing."""
    add_account(BOB)
    return world


def run(*arguments: str | Path | int, typed: str | None = None) -> Result:
    """One command in this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=typed)


def refusal(*arguments: str | Path | int) -> str:
    """The one line with which a command fails."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return str(line.removeprefix("Error: "))


def answer(*arguments: str | Path | int, typed: str | None = None) -> Any:
    """What a command prints with --json, which must be nothing but JSON."""
    result = run(*arguments, "--json", typed=typed)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def add_user(email: str, *more: str) -> Any:
    name = email.partition("@")[0]
    fixed = ("user", "add", "--email", email, "--name", name, "--password-stdin")
    return answer(*fixed, *more, typed=f"{PASSWORD}\n")


def test_user_add_brings_the_database_up_to_date(data_dir: Path) -> None:
    first = add_user(ANN)
    assert is_current()
    assert first == {"user_id": 1, "email": ANN, "name": "ann", "is_admin": True}
    assert add_user(BOB)["is_admin"] is False
    assert add_user("cy@example.org", "--admin")["is_admin"] is True


def test_user_add_is_refused_in_one_line(data_dir: Path) -> None:
    add_user(ANN)
    fixed = ("user", "add", "--email", ANN.upper(), "--name", "x", "--password-stdin")
    taken = run(*fixed, typed=f"{PASSWORD}\n")
    assert (taken.exit_code, taken.stdout) == (1, "")
    assert "already has an account" in taken.stderr
    short = run(*fixed, typed="short\n")
    assert short.exit_code == 1 and len(short.stderr.splitlines()) == 1


def test_a_server_that_is_not_up_to_date_is_left_alone(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = SimpleNamespace(dialect=SimpleNamespace(name="postgresql"))
    monkeypatch.setattr(edge, "get_engine", lambda: server)
    monkeypatch.setattr(edge, "is_current", lambda: False)
    assert "python -m alembic upgrade head" in refusal("datasets", "--as", ANN)


def test_a_database_that_cannot_be_reached_is_one_line(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FADEBENCH_DATABASE_URL", "postgresql+psycopg://x@127.0.0.1:1/x")
    get_settings.cache_clear()
    assert "FADEBENCH_DATABASE_URL" in refusal("datasets", "--as", ANN)


@pytest.mark.parametrize("missing", [False, True])
def test_what_is_anothers_does_not_exist(world: World, tmp_path: Path, missing: bool) -> None:
    dataset, model, test, job = (
        (999, 999, 999, 999)
        if missing
        else (world.dataset_id, world.model_id, world.test_id, world.job_id)
    )
    out = tmp_path / "out.csv"
    lines = [
        refusal("train", "--as", BOB, "--dataset", dataset),
        refusal("test", "--as", BOB, "--model", model, "--dataset", dataset),
        refusal("export", "--as", BOB, "--test", test, "--format", "csv", "--out", out),
        refusal("runs", "--as", BOB, "--job", job),
    ]
    nouns = ("dataset", "model", "test", "training")
    ending = "It may have been deleted; pick one from the list."
    assert lines == [f"No such {noun}. {ending}" for noun in nouns]
    assert not out.exists()


def test_lists_show_what_is_ones_own(world: World) -> None:
    (dataset,) = answer("datasets", "--as", ANN)["datasets"]
    assert (dataset["dataset_id"], dataset["batteries"]) == (world.dataset_id, 5)
    (run_row,) = answer("runs", "--as", ANN)["runs"]
    assert (run_row["run_id"], run_row["model_version_id"]) == (world.run_id, world.model_id)
    assert answer("datasets", "--as", BOB) == {"datasets": []}
    assert answer("runs", "--as", BOB) == {"runs": []}
    assert "No datasets yet" in run("datasets", "--as", BOB).stdout
    assert "Small fleet" in run("datasets", "--as", ANN).stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("datasets", "--as", "nobody@example.org"), "No such user"),
        (("import", "nowhere.csv", "--as", ANN), "There is no file at nowhere.csv"),
        (("train", "--as", ANN, "--dataset", 1, "--set", "dropout"), "--set key=value"),
        (("train", "--as", ANN, "--dataset", 1, "--set", "dropout=2"), "dropout must be"),
        (("train", "--as", ANN, "--dataset", 1, "--set", "speed=2"), "Unknown setting 'speed'"),
        (("train", "--as", ANN, "--dataset", 1, "--algorithms", "MAGIC"), "no algorithm 'MAGIC'"),
        (("train", "--as", ANN, "--dataset", 1, "--target", "SOH"), "RUL, PCL or BOTH"),
        (("train", "--as", ANN, "--dataset", 1, "--epochs", 0), "epochs must be"),
        (("train", "--as", ANN, "--dataset", 1, "--roles", "no.json"), "no file at no.json"),
        (("train", "--as", ANN, "--dataset", 1, "--features", "cc q"), "no feature 'cc q'"),
        (("train", "--as", ANN, "--dataset", 1, "--features", ""), "at least one feature"),
        (("test", "--as", ANN, "--model", 1, "--dataset", 1, "--batteries", "zz"), "no battery"),
        (("test", "--as", ANN, "--model", 1, "--dataset", 1, "--horizon", 3), "horizon is 0"),
        (("export", "--as", ANN, "--test", 1, "--format", "pdf", "--out", "x"), "csv or xlsx"),
        (("export", "--as", ANN, "--test", 1, "--out", "nowhere/x.csv"), "no folder nowhere"),
        (("builtin", "add", "nowhere.mat"), "There is no file at nowhere.mat"),
        (("serve-jobs", "--until-idle", "--as", "no@example.org"), "No such user"),
    ],
)
def test_mistakes_end_in_one_line(
    world: World, arguments: tuple[str | int, ...], words: str
) -> None:
    assert words in refusal(*arguments)


def test_export_copies_and_replaces_only_when_told(world: World, tmp_path: Path) -> None:
    out = tmp_path / "result.csv"
    fixed = ("export", "--as", ANN, "--test", world.test_id, "--format", "csv", "--out", out)
    made = answer(*fixed)
    assert (made["export_id"], made["bytes"]) == (world.export_id, out.stat().st_size)
    out.write_text("mine")
    assert "add --force" in refusal(*fixed)
    assert out.read_text() == "mine"
    answer(*fixed, "--force")
    assert out.read_text().startswith("battery_code,cycle_num,target,y_true,y_pred")
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_bad_file_leaves_nothing_behind(fresh_database: Path, tmp_path: Path) -> None:
    add_account(ANN)
    bad = tmp_path / "bad.csv"
    bad.write_text("")
    assert "empty" in refusal("import", bad, "--as", ANN)
    columns = tmp_path / "map.json"
    columns.write_text('{"capacity_column": "nothing"}')
    good = write_csv(tmp_path / "good.csv")
    assert "no column 'nothing'" in refusal("import", good, "--as", ANN, "--columns", columns)
    columns.write_text("[1]")
    assert "JSON object" in refusal("import", good, "--as", ANN, "--columns", columns)
    columns.write_text("{")
    assert "not valid JSON" in refusal("import", good, "--as", ANN, "--columns", columns)
    with read_scope() as session:
        assert session.scalars(select(BackgroundTask)).all() == []
    assert not list((fresh_database / "1").rglob("raw_data*"))


@needs_shared_data
def test_what_only_the_user_knows_is_asked_by_naming_the_option(fresh_database: Path) -> None:
    add_account(ANN)
    field = SHARED_DATA / "field"
    coin = field / "coin_mAh_unnamed.csv"
    assert "is it Ah or mAh? Answer with --capacity-unit." in refusal("import", coin, "--as", ANN)
    reset = field / "counter_reset_single.csv"
    said = refusal("import", reset, "--as", ANN)
    assert "starts again at 1 after cycle 100" in said
    assert "--parts join" in said

    made = answer("import", coin, "--as", ANN, "--capacity-unit", "mAh")
    assert any("0.0045 Ah" in warning for warning in made["warnings"])
    joined = answer("import", reset, "--as", ANN, "--parts", "join")
    assert (joined["batteries"], joined["censored"]) == (1, 0)
    copied = answer("import", field / "capacity_only_copied.csv", "--as", ANN)
    assert copied["left_out"] == [{"column": "cap_copy", "reason": "is named like a label"}]


def test_import_waits_and_says_what_it_found(fresh_database: Path, tmp_path: Path) -> None:
    add_account(ANN)
    path = write_csv(tmp_path / "fleet.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines, "b4,,0.9,0.01,30.0,test"]))
    columns = tmp_path / "map.json"
    columns.write_text('{"features": [{"source_column": "resistance", "unit": "ohm"}]}')
    fixed = ("import", path, "--as", ANN, "--name", "Fleet", "--nominal-capacity-ah", 1.1)
    stopped = run(*fixed, "--columns", columns, "--json")
    assert (stopped.exit_code, stopped.stdout) == (1, "")
    found = answer(*fixed, "--columns", columns, "--eol-threshold", 0.85, "--drop-bad-rows")
    assert (found["batteries"], found["cycles"], found["dropped_rows"]) == (5, 200, 1)
    assert found["split"] == {"train": 2, "val": 1, "test": 2, "none": 0}
    assert found["labelled"]["PCL"] == 1.0 and found["labelled"]["RUL"] > 0.5
    assert found["status"] == "SUCCEEDED"
    assert not any("guess" in warning for warning in found["warnings"])
    guessed = answer(*fixed[:4], "--columns", columns, "--drop-bad-rows")
    assert any("nominal capacity of 1.1 Ah is a guess" in text for text in guessed["warnings"])
    with read_scope() as session:
        schema = session.get_one(Dataset, found["dataset_id"]).feature_schema or {}
    assert [feature["name"] for feature in schema["features"]] == ["resistance"]
    assert schema["eol"]["threshold"] == 0.85


def test_builtin_datasets_are_for_everybody(fresh_database: Path, tmp_path: Path) -> None:
    add_account(ANN)
    path = write_csv(tmp_path / "shared_fleet.csv")
    path.write_text(f"{path.read_text()}b4,,0.9,0.01,30.0,test\n")
    failed = run("builtin", "add", path, "--json")
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert "cycle" in failed.stderr.splitlines()[-1]
    assert answer("datasets", "--as", ANN) == {"datasets": []}
    write_csv(path)
    made = answer("builtin", "add", path, "--name", "Everybody's fleet")
    assert made["status"] == "SUCCEEDED"
    (seen,) = answer("datasets", "--as", ANN)["datasets"]
    assert (seen["dataset_id"], seen["builtin"]) == (made["dataset_id"], True)
    assert "already" in refusal("builtin", "add", path, "--name", "Everybody's fleet")


@pytest.fixture
def no_leftovers(dataset: tuple[CurrentUser, int]) -> Iterator[None]:
    """Whatever still runs at the end of the test is ended."""
    yield
    with read_scope() as session:
        running = session.scalars(select(BackgroundTask).where(BackgroundTask.pid.is_not(None)))
        for task in running.all():
            if task.status == "RUNNING" and task.pid is not None:
                os.kill(task.pid, signal.SIGKILL)


def command(*arguments: str | int) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "core", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until_done(user: CurrentUser, job_id: int) -> str:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        with read_scope() as session:
            job = get_job_info(session, user, job_id)
        if not job.is_active:
            return job.status
        time.sleep(0.1)
    raise AssertionError("the training did not end")


def test_no_wait_sees_to_it_that_the_work_is_done(dataset: tuple[CurrentUser, int]) -> None:
    user, dataset_id = dataset
    fixed = ("train", "--as", ANN, "--dataset", dataset_id, "--target", "PCL")
    found = answer(*fixed, "--algorithms", "BASELINE", "--epochs", 1, "--no-wait")
    assert found["status"] in ("PENDING", "RUNNING")
    assert found["runs"][0]["metrics"] is None
    assert wait_until_done(user, found["job_id"]) == "SUCCEEDED"


def test_features_are_chosen_by_name(fresh_database: Path, tmp_path: Path) -> None:
    user = add_account(ANN)
    path = tmp_path / "wide.csv"
    write_wide(path).rename(columns={"x10": "x10, raw"}).to_csv(path, index=False)
    names = [name.replace("x10", "x10, raw") for name in NAMES]
    columns = tmp_path / "map.json"
    columns.write_text(json.dumps({"features": [{"source_column": name} for name in names]}))
    found = answer("import", path, "--as", ANN, "--columns", columns, "--nominal-capacity-ah", 1.1)
    (dataset,) = answer("datasets", "--as", ANN)["datasets"]
    assert [feature["name"] for feature in dataset["features"]] == names
    fixed = ("train", "--as", ANN, "--dataset", found["dataset_id"], "--target", "PCL")
    usual = answer(*fixed, "--algorithms", "MEAN", "--no-wait")
    chosen = answer(
        *fixed, "--algorithms", "MEAN", "--no-wait", "--features", 'X11, temperature,"x10, raw"'
    )
    with read_scope() as session:
        jobs = [get_job_info(session, user, made["job_id"]) for made in (usual, chosen)]
    wanted = ("temperature", "x10, raw", "x11")
    assert [job.hyperparams.features for job in jobs] == [None, wanted]
    assert [wait_until_done(user, job.id) for job in jobs] == ["SUCCEEDED", "SUCCEEDED"]


@pytest.mark.usefixtures("no_leftovers")
def test_ctrl_c_leaves_the_training_running(dataset: tuple[CurrentUser, int]) -> None:
    user, dataset_id = dataset
    fixed = ("train", "--as", ANN, "--dataset", dataset_id, "--target", "PCL", "--json")
    more = ("--algorithms", "BASELINE", "--epochs", 300, "--set", "patience=0")
    process = command(*fixed, *more)
    deadline = time.monotonic() + 60
    started = False
    while not started and time.monotonic() < deadline:
        time.sleep(0.1)
        with read_scope() as session:
            tasks = session.scalars(select(BackgroundTask).where(BackgroundTask.kind == "TRAIN"))
            started = any(task.pid is not None for task in tasks)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    found = json.loads(stdout)
    assert found["status"] == "RUNNING"
    assert f"Training {found['job_id']} goes on in the background" in stderr
    assert "Traceback" not in stderr
    assert wait_until_done(user, found["job_id"]) == "SUCCEEDED"


def test_train_fails_when_no_run_succeeded(dataset: tuple[CurrentUser, int]) -> None:
    _, dataset_id = dataset
    fixed = ("train", "--as", ANN, "--dataset", dataset_id, "--target", "PCL", "--json")
    result = run(*fixed, "--algorithms", "BASELINE", "--set", "device=cuda")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["status"], found["runs"][0]["status"]) == ("FAILED", "FAILED")
    assert "No CUDA device" in result.stderr.splitlines()[-1]


def test_serve_jobs_ends_when_nothing_is_left(fresh_database: Path) -> None:
    assert answer("serve-jobs", "--until-idle")["status"] == "idle"


def test_settings_as_typed() -> None:
    texts = ["dropout=0.1", "bilstm.window_length=5", "DEEPHPM.physics_inputs=s,t"]
    assert parse_settings(texts, epochs=3, seed=7) == {
        "dropout": 0.1,
        "epochs": 3,
        "seed": 7,
        "overrides": {"BILSTM": {"window_length": 5}, "DEEPHPM": {"physics_inputs": ("s", "t")}},
    }
    assert parse_settings([]) == {}
    with pytest.raises(InvalidInput, match="no algorithm 'X'"):
        parse_settings(["X.dropout=0.1"])
    with pytest.raises(HyperparameterError):
        parse_settings(["dropout=much"])


def test_a_column_given_a_meaning_loses_the_proposed_one() -> None:
    proposed = ColumnMapping(
        battery_column="cell",
        cycle_column="n",
        capacity_column="q",
        features=(FeatureColumn("r", "ohm", "r"), FeatureColumn("t", "degC", "t")),
    )
    mapping = chosen_mapping(proposed, {"pcl_column": "q", "rul_column": "t"})
    assert (mapping.capacity_column, mapping.pcl_column, mapping.rul_column) == (None, "q", "t")
    assert [feature.source_column for feature in mapping.features] == ["r"]
    assert (mapping.battery_column, mapping.cycle_column) == ("cell", "n")
    with pytest.raises(InvalidInput, match="unknown key"):
        chosen_mapping(proposed, {"colour": "red"})


def test_relabel_shows_first_and_stores_on_demand(world: World) -> None:
    fixed = ("relabel", world.dataset_id, "--as", ANN)
    shown = answer(*fixed, "--eol-threshold", 0.9, "--eol-consecutive", 2)
    assert (shown["applied"], shown["corrects_rules"]) == (False, False)
    assert shown["cycles"] > 0
    done = answer(*fixed, "--eol-threshold", 0.9, "--eol-consecutive", 2, "--apply")
    assert done["cycles"] == shown["cycles"]
    with read_scope() as session:
        schema = session.get_one(Dataset, world.dataset_id).feature_schema or {}
    assert (schema["eol"]["threshold"], schema["eol"]["consecutive"]) == (0.9, 2)
    assert "Say what to change" in refusal(*fixed)
    assert "needs --eol-rule consecutive" in refusal(
        *fixed, "--eol-rule", "first", "--eol-consecutive", 3
    )
    assert "No such dataset" in refusal("relabel", world.dataset_id, "--as", BOB, "--nominal", 1.0)


def test_corrected_rules_are_accepted_from_the_shell(world: World) -> None:
    fixed = ("relabel", world.dataset_id, "--as", ANN, "--accept-corrected-rules")
    shown = answer(*fixed)
    assert (shown["applied"], shown["batteries"], shown["lives"]) == (False, 0, [])
    assert "follow the corrected rules already" in refusal(*fixed, "--apply")
    with session_scope() as session:
        row = session.get_one(Dataset, world.dataset_id)
        stored = dict(row.feature_schema or {})
        row.feature_schema = {**stored, "label_rules": 1}
    assert answer(*fixed, "--apply")["applied"] is True
    with read_scope() as session:
        assert (session.get_one(Dataset, world.dataset_id).feature_schema or {})["label_rules"] == 2


def test_import_takes_the_whole_end_of_life(fresh_database: Path, tmp_path: Path) -> None:
    add_account(ANN)
    path = write_csv(tmp_path / "fleet.csv")
    fixed = ("import", path, "--as", ANN, "--nominal-capacity-ah", 1.1)
    rule = ("--eol-rule", "consecutive", "--eol-consecutive", 3, "--count-isolated")
    found = answer(*fixed, *rule)
    with read_scope() as session:
        schema = session.get_one(Dataset, found["dataset_id"]).feature_schema or {}
    assert schema["eol"]["rule"] == "consecutive"
    assert (schema["eol"]["consecutive"], schema["eol"]["count_isolated"]) == (3, True)
    assert schema["label_rules"] == 2
    assert "must lie between 0.60 and 0.95" in refusal(*fixed, "--rul-eol-threshold", 0.2)
