"""Which features a training learns from: chosen, recorded, compared and asked for by a test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import update

from core.access.actor import CurrentUser
from core.base.database import get_engine, read_scope, session_scope
from core.base.errors import InvalidInput
from core.datasets.cycles import fingerprint, load_cycles, with_further
from core.datasets.series import make_series
from core.evaluation.request import TestRequest
from core.evaluation.results import load_predictions
from core.evaluation.start import start_test
from core.model_versions.config import ModelConfig
from core.model_versions.provenance import get_job_roles
from core.model_versions.versions import (
    ModelInfo,
    describe_models,
    list_models,
    open_checkpoint,
)
from core.training.request import TrainingRequest
from core.training.start import start_training
from core.training.twin_plans import estimate_twins, start_twins
from core.training.twin_report import _alike
from core.training.twins import find_twins
from core.training.views import get_job_info
from db.tables import ModelVersion
from models.model.checkpoint import TrainedModel
from tests.conftest import settings_of
from tests.core.backups.stored_files import on_disk
from tests.core.finished import finish_training
from tests.core.seeding import add_account, work_off
from tests.core.wide import NAMES, import_features, write_wide

Wide = tuple[CurrentUser, int]
CHOSEN = ("temperature", "x4", "x10", "x11")


@pytest.fixture(scope="module")
def wide(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wide]:
    """Ann and her dataset of eleven features."""
    folder = tmp_path_factory.mktemp("wide")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        user = add_account("ann@example.org")
        write_wide(folder / "wide.csv")
        yield user, import_features(user, folder / "wide.csv")
        get_engine().dispose()


def trained(wide: Wide, features: tuple[str, ...] | None, algorithm: str = "LINEAR") -> ModelInfo:
    user, dataset_id = wide
    request = TrainingRequest(dataset_id, "PCL", [algorithm], features=features)
    start_training(user, request)
    work_off()
    with read_scope() as session:
        return list_models(session, user)[0]


def stored_choice(user: CurrentUser, job_id: int) -> tuple[str, ...] | None:
    with read_scope() as session:
        settings = get_job_info(session, user, job_id).hyperparams
    assert "features" not in settings.by_name()
    return settings.features


def fingerprint_of(wide: Wide, model: ModelInfo, columns: list[str]) -> str:
    user, dataset_id = wide
    with read_scope() as session:
        roles = get_job_roles(session, user, model.job_id)
        return fingerprint(
            load_cycles(session, user, dataset_id, with_further(columns), list(roles))
        )


@pytest.mark.parametrize("features", [None, NAMES[:8], NAMES[7::-1]])
def test_without_a_choice_it_is_the_first_eight(
    wide: Wide, features: tuple[str, ...] | None
) -> None:
    model = trained(wide, features)
    assert model.config.features == NAMES[:8]
    assert stored_choice(wide[0], model.job_id) is None
    assert model.config.dataset_fingerprint == fingerprint_of(wide, model, [])


def test_chosen_features_are_recorded_in_the_order_of_the_dataset(wide: Wide) -> None:
    model = trained(wide, ("X11", "temperature", "x10", "x4", "temperature"))
    assert stored_choice(wide[0], model.job_id) == model.config.features == CHOSEN
    assert model.config.feature_units == ("", "", "", "")
    seen = fingerprint_of(wide, model, ["feature_10", "feature_11"])
    assert model.config.dataset_fingerprint == seen != fingerprint_of(wide, model, [])


@pytest.mark.parametrize(
    ("features", "words"),
    [((), "at least one feature"), (("x11", "x12"), "no feature 'x12'. It has resistance, temp")],
)
def test_an_impossible_choice_is_refused(wide: Wide, features: tuple[str, ...], words: str) -> None:
    user, dataset_id = wide
    with pytest.raises(InvalidInput, match=words):
        start_training(user, TrainingRequest(dataset_id, "PCL", ["LINEAR"], features=features))


def test_a_test_finds_them_by_name_wherever_they_lie(wide: Wide, tmp_path: Path) -> None:
    user, dataset_id = wide
    model = trained(wide, CHOSEN)
    write_wide(tmp_path / "wide.csv")
    turned = import_features(user, tmp_path / "wide.csv", NAMES[::-1], "Turned around")
    found = []
    for tested in (dataset_id, turned):
        test_id = start_test(user, TestRequest(model.id, tested, ["b3", "b4"]))
        work_off()
        with read_scope() as session:
            found.append(load_predictions(session, user, test_id)["y_pred"].to_numpy())
            path, _ = open_checkpoint(session, user, model.id)
            frame = load_cycles(
                session, user, dataset_id, ["pcl", *(f"feature_{i}" for i in (2, 4, 10, 11))]
            )
    assert len(found[0]) == 80
    np.testing.assert_array_equal(found[0], found[1])
    checkpoint = TrainedModel.load(on_disk(path))
    assert checkpoint.task.feature_names == CHOSEN
    series = make_series(frame, ("PCL",), [f"feature_{i}" for i in (2, 4, 10, 11)])
    direct = [checkpoint.predict(series[code], 0).y_pred[:, 0] for code in ("b3", "b4")]
    np.testing.assert_allclose(found[0], np.concatenate(direct), rtol=1e-12)


def test_a_dataset_without_one_of_them_is_refused_by_name(wide: Wide, tmp_path: Path) -> None:
    user, _ = wide
    model = trained(wide, CHOSEN)
    write_wide(tmp_path / "wide.csv")
    narrow = import_features(user, tmp_path / "wide.csv", NAMES[:10], "Narrow")
    with pytest.raises(InvalidInput, match=r"'Narrow' lacks 1 of the features .* needs: x11\."):
        start_test(user, TestRequest(model.id, narrow))


def test_twins_learn_from_the_same_features_and_from_no_others(wide: Wide) -> None:
    user, dataset_id = wide
    request = TrainingRequest(
        dataset_id, "PCL", ["DEEPHPM"], hyperparams={"epochs": 1}, features=CHOSEN
    )
    job_id = start_training(user, request)
    model_id = finish_training(user, job_id, "Law", {"val": {}, "test": {}})
    change_features(model_id, CHOSEN)
    start_twins(user, model_id)
    with read_scope() as session:
        twins = find_twins(session, user, model_id).twins
        jobs = [get_job_info(session, user, twin.run.job_id) for twin in twins]
    model_job = {job.id for job in jobs if job.group_key is None}
    own = [job for job in jobs if job.id not in model_job]
    assert len(own) == 5 and {job.hyperparams.features for job in own} == {CHOSEN}
    batteries = {"val": {"b2": {"PCL": {"n": 40, "mae": 0.01, "rmse": 0.01}}}, "test": {}}
    ids = [finish_training(user, job.id, job.name, batteries) for job in own]
    for twin_id in ids:
        change_features(twin_id, CHOSEN)
    change_features(ids[0], NAMES[:8])
    with read_scope() as session:
        infos = describe_models(session, user, ids)
        alike = _alike({(True, info.id): info for info in infos})
        lacking, _ = estimate_twins(session, user, model_id)
    assert {key[1] for key in alike} == set(ids[1:])
    assert lacking == 1


def change_features(model_id: int, names: tuple[str, ...]) -> None:
    with session_scope() as session:
        row = session.get_one(ModelVersion, model_id)
        config = ModelConfig.from_json(row.config).changed(features=names)
        session.execute(
            update(ModelVersion).where(ModelVersion.id == model_id).values(config=config.to_json())
        )
