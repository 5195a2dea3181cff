"""Sixteen measured features of real cells: all kept, twelve trained on, tested and exported."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import func, select

from core.access.actor import CurrentUser
from core.base.database import get_engine, read_scope
from core.datasets.cycles import load_cycles
from core.datasets.datasets import get_dataset_summary
from core.evaluation.exports import latest_exports, open_export
from core.evaluation.request import TestRequest
from core.evaluation.results import get_result
from core.evaluation.start import start_test
from core.model_versions.versions import list_models
from core.training.request import TrainingRequest
from core.training.start import start_training
from core.training.views import get_job_info
from db.tables import CycleFeature
from tests.conftest import settings_of
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import add_account, work_off
from tests.core.wide import import_features
from tests.paths import SHARED_DATA, needs_shared_data

pytestmark = needs_shared_data
ALL_CELLS = SHARED_DATA / "mit_cells.zip"
# Every eighth cell: enough to tell a model from a constant, in a fraction of the time.
STEP = 8
CODE = "2017-05-12_battery-10"


@dataclass(frozen=True)
class Cells:
    """Ann, her dataset, the names of its features, and the rows of its file by cell."""

    user: CurrentUser
    dataset_id: int
    names: tuple[str, ...]
    rows: dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def cells(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cells]:
    """The cells of a smaller archive, read into a data folder of its own."""
    folder = tmp_path_factory.mktemp("cells")
    shutil.copytree(migrated_folder, folder / "data")
    rows = _fewer_cells(folder / "cells.zip")
    names = tuple(name for name in rows[CODE].columns if name != "capacity")
    with settings_of(folder / "data"):
        user = add_account("ann@example.org")
        dataset_id = import_features(user, folder / "cells.zip", names, "MIT cells")
        yield Cells(user, dataset_id, names, rows)
        get_engine().dispose()


def _fewer_cells(path: Path) -> dict[str, pd.DataFrame]:
    """Write an archive of every eighth cell; returns its rows by cell."""
    rows = {}
    with ZipFile(ALL_CELLS) as whole, ZipFile(path, "w", ZIP_DEFLATED) as archive:
        members = sorted(whole.namelist())
        first = members.index(f"{CODE}.csv") % STEP
        for member in members[first::STEP]:
            archive.writestr(member, whole.read(member))
            rows[Path(member).stem] = pd.read_csv(whole.open(member))
    return rows


def test_all_sixteen_are_kept_as_measured(cells: Cells) -> None:
    user, dataset_id, names = cells.user, cells.dataset_id, cells.names
    with read_scope() as session:
        summary = get_dataset_summary(session, user, dataset_id)
        stored = session.scalar(select(func.count()).select_from(CycleFeature))
        columns = [feature.column for feature in summary.features]
        frame = load_cycles(session, user, dataset_id, columns)
    assert len(names) == 16 and tuple(f.name for f in summary.features) == names
    n_cycles = sum(map(len, cells.rows.values()))
    assert (summary.n_batteries, summary.n_cycles, stored) == (len(cells.rows), n_cycles, n_cycles)
    own = frame[frame["battery_code"] == CODE]
    np.testing.assert_array_equal(own[columns], cells.rows[CODE][list(names)])


def test_a_training_on_twelve_of_them_is_tested_and_exported(cells: Cells) -> None:
    user, dataset_id, names = cells.user, cells.dataset_id, cells.names
    chosen = names[4:]
    request = TrainingRequest(
        dataset_id,
        "PCL",
        ["LINEAR", "TREES", "MEAN"],
        hyperparams={"overrides": {"TREES": {"boosting_rounds": 20}}},
        features=chosen,
    )
    job_id = start_training(user, request)
    work_off()
    with read_scope() as session:
        job = get_job_info(session, user, job_id)
        models = list_models(session, user)
    assert job.status == "SUCCEEDED" and len(models) == 3
    assert {model.config.features for model in models} == {chosen}
    rmse = {model.algorithm: model.metrics.test["PCL"].rmse for model in models}
    assert max(rmse["LINEAR"], rmse["TREES"]) < 0.7 * rmse["MEAN"], rmse
    linear = next(model for model in models if model.algorithm == "LINEAR")
    test_id = start_test(user, TestRequest(linear.id, dataset_id))
    work_off()
    with read_scope() as session:
        result = get_result(session, user, test_id)
        exports = latest_exports(session, user, test_id)
        paths = {kind: on_disk(open_export(session, user, e.id)) for kind, e in exports.items()}
    assert result.info.status == "SUCCEEDED"
    table = pd.read_csv(paths["CSV"])
    error = (table["y_pred"] - table["y_true"]).dropna()
    assert len(error) > 2_000
    assert np.sqrt(np.mean(error**2)) == pytest.approx(rmse["LINEAR"], rel=1e-6)
    assert paths["XLSX"].stat().st_size > 100_000
