"""What recognition forbids can be overruled with a reason, which stands beside every number."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from core.access.actor import CurrentUser
from core.base import storage
from core.base.database import read_scope
from core.base.errors import InvalidInput
from core.cli.app import app
from core.datasets.overruled import Overruled
from core.evaluation.exports import latest_exports, open_export
from core.evaluation.leaderboard import Board, rank_models, standings_frame
from core.evaluation.request import TestRequest
from core.evaluation.results import get_result
from core.evaluation.start import start_test
from core.leakage.finding import Finding
from core.leakage.overruling import settle_findings
from core.model_versions.package import CARD_NAME, package_model
from core.model_versions.versions import get_model_info, list_models
from core.training.request import TrainingRequest
from core.training.start import start_training
from core.training.views import get_job_info
from tests.core.conftest import Dataset as OwnedDataset
from tests.core.leakage.test_findings import add_changed, turned_around, with_a_twin
from tests.core.seeding import World, work_off

REASON = "Measured on two channels of one cycler, see the lab book."
RECOGNISED = Finding("same battery", "block", "b0 = b9.", rests_on_recognition=True)
LABEL = Finding("column life", "block", "The feature is the label.")


def test_only_what_rests_on_recognition_can_be_overruled() -> None:
    found = settle_findings([RECOGNISED], f"  {REASON}\n")
    assert found == Overruled(reason=REASON, findings=("b0 = b9.",))
    assert settle_findings([], REASON) is None
    with pytest.raises(InvalidInput, match=r"b0 = b9.*--overrule-recognition"):
        settle_findings([RECOGNISED], None)
    with pytest.raises(InvalidInput, match="is the label") as refused:
        settle_findings([RECOGNISED, LABEL], REASON)
    assert "overrule" not in str(refused.value)


@pytest.mark.parametrize("reason", ["too short", "x" * 501, " " * 20])
def test_a_reason_has_ten_to_five_hundred_characters(reason: str) -> None:
    with pytest.raises(InvalidInput, match=r"10 to 500|b0 = b9"):
        settle_findings([RECOGNISED], reason)


def test_a_training_is_refused_without_a_reason_and_carries_it_to_every_number(
    dataset: OwnedDataset, tmp_path: Path
) -> None:
    user, _ = dataset
    dataset_id = add_changed(user, tmp_path, with_a_twin)
    algorithms = ["BASELINE", "MEAN"]
    request = TrainingRequest(dataset_id, "PCL", algorithms, hyperparams={"epochs": 1})
    with pytest.raises(InvalidInput, match="overrule the finding with a reason"):
        start_training(user, request)
    job_id = start_training(
        user,
        TrainingRequest(
            dataset_id,
            "PCL",
            algorithms,
            hyperparams={"epochs": 1},
            overrule_recognition=REASON,
        ),
    )
    work_off()
    with read_scope() as session:
        job = get_job_info(session, user, job_id)
        models = list(list_models(session, user))
        card = package_model(session, user, models[0].id)
    assert job.overruled is not None and job.overruled.reason == REASON
    assert "b0 (training) = b9 (test)" in job.overruled.findings[0]
    assert [model.overruled for model in models] == [job.overruled] * 2
    with zipfile.ZipFile(io.BytesIO(card)) as archive:
        text = archive.read(CARD_NAME).decode()
    errors = text[text.index("## Errors") : text.index("## Known limits")]
    assert REASON in errors and "Leakage finding overruled" in errors

    tests = [start_test(user, TestRequest(m.id, dataset_id, ["b3", "b4"])) for m in models]
    work_off()
    with read_scope() as session:
        result = get_result(session, user, tests[0])
        ranking = rank_models(session, user, Board(dataset_id, "Changed", "PCL", 0, 2))
    assert result.info.overruled == (job.overruled.note,)
    assert (standings_frame(ranking)["overruled_findings"] == job.overruled.note).all()
    check_files(user, tests[0], job.overruled.note)


def check_files(user: CurrentUser, test_id: int, note: str) -> None:
    """The files hold the sentence in every row of numbers."""
    contents = {}
    with read_scope() as session:
        for export in latest_exports(session, user, test_id).values():
            path = open_export(session, user, export.id)
            with storage.open_file(path) as stream:
                contents[export.format] = stream.read()
    predictions = pd.read_csv(io.BytesIO(contents["CSV"]))
    assert len(predictions) and (predictions["overruled_findings"] == note).all()
    workbook = load_workbook(io.BytesIO(contents["XLSX"]), read_only=True)
    information = dict(list(workbook["Information"].iter_rows(values_only=True)))
    assert information["Overruled finding"] == note
    for name in ("Overall metrics", "Per-battery metrics", "Predictions"):
        head, *rows = workbook[name].iter_rows(values_only=True)
        place = head.index("overruled_findings")
        assert rows and {row[place] for row in rows} == {note}


def test_files_without_an_overruled_finding_stay_as_they_were(world: World) -> None:
    with read_scope() as session:
        export = latest_exports(session, world.user, world.test_id)["CSV"]
        path = open_export(session, world.user, export.id)
        with storage.open_file(path) as stream:
            assert b"overruled" not in stream.read()


def test_recognised_batteries_of_a_test_count_as_unseen_if_overruled(
    world: World, tmp_path: Path
) -> None:
    user = world.user
    dataset_id = add_changed(user, tmp_path, turned_around, "Renamed fleet")
    plain, overruled = (
        start_test(user, TestRequest(world.model_id, dataset_id, ["c4", "c0"], None, reason))
        for reason in (None, REASON)
    )
    work_off()
    with read_scope() as session:
        results = [get_result(session, user, test_id) for test_id in (plain, overruled)]
        model = get_model_info(session, user, world.model_id)
    exposures = [
        dict(zip(found.batteries["battery_code"], found.batteries["exposure"], strict=False))
        for found in results
    ]
    assert exposures == [{"c4": "train", "c0": "unseen"}, {"c4": "unseen", "c0": "unseen"}]
    assert model.overruled is None and results[0].info.overruled == ()
    assert len(results[1].info.overruled) == 1
    assert REASON in results[1].info.overruled[0] and "b0 = c4" in results[1].info.overruled[0]


def test_the_same_battery_by_its_own_id_stays_known_whatever_the_reason(world: World) -> None:
    test_id = start_test(
        world.user, TestRequest(world.model_id, world.dataset_id, ["b0", "b3"], None, REASON)
    )
    work_off()
    with read_scope() as session:
        found = get_result(session, world.user, test_id)
    exposures = found.batteries.groupby("battery_code")["exposure"].first()
    assert dict(exposures) == {"b0": "train", "b3": "unseen"}
    assert found.info.overruled == ()


def test_twins_in_a_dataset_may_train_without_a_reason(
    dataset: OwnedDataset, tmp_path: Path
) -> None:
    """b9 fades as b0 does, with noise of its own: the honest case that was once refused."""
    user, _ = dataset

    def add_twin(frame: pd.DataFrame) -> pd.DataFrame:
        noise = np.random.default_rng(3).normal(0, 1e-4, len(frame))
        frame = frame.assign(capacity=frame["capacity"] + noise)
        twin = frame[frame["battery"] == "b0"].assign(battery="b9", split="test")
        own = np.random.default_rng(4).normal(0, 1e-4, len(twin))
        return pd.concat([frame, twin.assign(capacity=twin["capacity"] + own)])

    dataset_id = add_changed(user, tmp_path, add_twin)
    assert start_training(user, TrainingRequest(dataset_id, "PCL", ["MEAN"]))


def test_the_command_line_takes_the_reason(dataset: OwnedDataset, tmp_path: Path) -> None:
    user, _ = dataset
    dataset_id = add_changed(user, tmp_path, with_a_twin)
    command = ["train", "--as", user.email, "--dataset", str(dataset_id)]
    command += ["--algorithms", "MEAN", "--no-wait", "--json"]
    refused = CliRunner().invoke(app, command)
    assert refused.exit_code == 1 and "--overrule-recognition" in refused.stderr
    taken = CliRunner().invoke(app, [*command, "--overrule-recognition", REASON])
    assert taken.exit_code == 0, taken.output
    (note,) = json.loads(taken.stdout)["overruled"]
    assert REASON in note and "b0 (training) = b9 (test)" in note
    work_off()
    with read_scope() as session:
        model = list_models(session, user)[0]
    command = ["test", "--as", user.email, "--dataset", str(dataset_id), "--no-wait", "--json"]
    tested = CliRunner().invoke(app, [*command, "--model", str(model.id), "--batteries", "b3"])
    assert json.loads(tested.stdout)["overruled"] == [note]
