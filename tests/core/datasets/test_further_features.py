"""The features of a cycle beyond the eighth: stored, read, explored, checked and removed."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import delete, func, select, update

from core.access.actor import CurrentUser
from core.base.database import get_engine, migrate, read_scope, session_scope
from core.base.errors import DamagedData, InvalidInput
from core.datasets import explore
from core.datasets.cycles import ALL_COLUMNS, load_cycles, with_further
from core.datasets.datasets import battery_ids, describe_dataset
from core.datasets.relabel import apply_relabel
from core.ingest.build import build_dataset
from core.ingest.checks import UnusableRows
from core.ingest.formats.readers import preview
from core.ingest.mapping import ColumnMapping, EolRule
from core.leakage.findings import dataset_findings
from core.removal import sweeping
from core.removal.marking import delete_dataset
from core.training.request import TrainingRequest
from core.training.start import start_training
from db.tables import BatteryUnit, CycleData, CycleFeature, Dataset
from tests.conftest import settings_of
from tests.core.backups.installations import installation
from tests.core.removal.test_deletion import filled_tables
from tests.core.seeding import add_account, add_dataset
from tests.core.statements import counted_statements
from tests.core.wide import NAMES, import_features, write_wide

COLUMNS = [f"feature_{i}" for i in range(1, len(NAMES) + 1)]
Wide = tuple[CurrentUser, int, pd.DataFrame]


@pytest.fixture(scope="module")
def wide_folder(
    migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Wide, Path]:
    folder = tmp_path_factory.mktemp("wide")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        user = add_account("ann@example.org")
        file = write_wide(folder / "wide.csv")
        dataset_id = import_features(user, folder / "wide.csv")
        get_engine().dispose()
    return (user, dataset_id, file), folder / "data"


@pytest.fixture
def wide(wide_folder: tuple[Wide, Path], data_dir: Path) -> Iterator[Wide]:
    """Ann, the id of a dataset with eleven features, and what its file holds."""
    made, folder = wide_folder
    shutil.copytree(folder, data_dir)
    yield made
    get_engine().dispose()


def read(user: CurrentUser, dataset_id: int, columns: list[str] | None = None) -> pd.DataFrame:
    with read_scope() as session:
        if columns is None:
            return load_cycles(session, user, dataset_id)
        return load_cycles(session, user, dataset_id, columns)


def count(table: type[CycleData] | type[CycleFeature]) -> int:
    with read_scope() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("server", ["sqlite", "mysql", "mariadb", "postgresql"])
def test_every_number_comes_back_on_every_database(server: str, tmp_path: Path) -> None:
    file = write_wide(tmp_path / "wide.csv")
    with installation(server, tmp_path / server):
        migrate()
        user = add_account("ann@example.org")
        dataset_id = import_features(user, tmp_path / "wide.csv")
        frame = read(user, dataset_id, ["feature_11", "pcl", *COLUMNS[:10]])
        with session_scope() as session:
            delete_dataset(session, user, dataset_id)
        sweeping.sweep()
        assert filled_tables() == {"user"}
    expected = ["battery_code", "cycle_num", "feature_11", "pcl", *COLUMNS[:10]]
    assert list(frame.columns) == expected
    assert frame["battery_code"].astype(str).tolist() == file["battery"].tolist()
    assert frame["cycle_num"].tolist() == file["cycle"].tolist()
    for column, name in zip(COLUMNS, NAMES, strict=True):
        np.testing.assert_array_equal(frame[column], file[name], err_msg=name)


def test_they_are_read_only_where_they_are_named(wide: Wide) -> None:
    user, dataset_id, _ = wide
    assert (count(CycleData), count(CycleFeature)) == (200, 200)
    with counted_statements() as without:
        assert list(read(user, dataset_id).columns) == ["battery_code", "cycle_num", *ALL_COLUMNS]
    assert not [text for text in without if "cycle_feature" in text]
    with counted_statements() as with_them:
        read(user, dataset_id, list(with_further(COLUMNS)))
    assert len(with_them) == len(without)


def test_many_chunks_and_single_batteries_keep_the_order(
    wide: Wide, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, dataset_id, _ = wide
    whole = read(user, dataset_id, ["feature_9", "rul"])
    monkeypatch.setattr("core.datasets.cycles.CHUNK_ROWS", 7)
    pd.testing.assert_frame_equal(read(user, dataset_id, ["feature_9", "rul"]), whole)
    with read_scope() as session:
        ids = battery_ids(session, user, dataset_id, ["b3", "b1"])
        some = load_cycles(session, user, dataset_id, ["feature_9"], list(ids.values()))
        none = load_cycles(session, user, dataset_id, ["feature_9"], [-1])
    expected = whole[whole["battery_code"].isin(["b1", "b3"])]
    assert some["feature_9"].tolist() == expected["feature_9"].tolist()
    assert list(none.columns) == ["battery_code", "cycle_num", "feature_9"] and none.empty


def test_datasets_with_up_to_eight_features_have_no_rows_there(
    fresh_database: Path, tmp_path: Path
) -> None:
    user = add_account("ann@example.org")
    add_dataset(user, tmp_path)
    assert (count(CycleData), count(CycleFeature)) == (200, 0)


def test_a_lost_row_is_an_error_and_no_number(wide: Wide) -> None:
    user, dataset_id, _ = wide
    with session_scope() as session:
        session.execute(delete(CycleFeature).where(CycleFeature.cycle_num == 17))
    with pytest.raises(DamagedData, match="features of a cycle"):
        read(user, dataset_id, ["feature_9"])
    assert np.isfinite(read(user, dataset_id)["feature_8"]).all()


def test_a_feature_that_no_row_has_is_an_error(wide: Wide) -> None:
    with pytest.raises(DamagedData, match="feature_12 is missing"):
        read(*wide[:2], ["feature_9", "feature_12"])


@pytest.mark.parametrize("value", ["", "inf", "nan"])
def test_what_is_no_number_is_a_problem_of_its_row(tmp_path: Path, value: str) -> None:
    path = tmp_path / "wide.csv"
    frame = write_wide(path).astype(object)
    frame.loc[57, "x10"] = value
    frame.to_csv(path, index=False)
    features = [{"source_column": name} for name in NAMES]
    mapping = preview(path, path.name).mapping.to_json() | {
        "features": features,
        "nominal_capacity_ah": 1.1,
    }
    with pytest.raises(UnusableRows, match=r"battery b1, row 59: feature is blank or infinite \(x"):
        build_dataset(path, path.name, ColumnMapping.from_json(mapping))
    found = build_dataset(path, path.name, ColumnMapping.from_json(mapping | {"bad_rows": "drop"}))
    assert len(found.cycles) == 199 and np.isfinite(found.cycles["feature_10"]).all()
    assert list(found.cycles.filter(like="feature_")) == COLUMNS


def test_new_labels_leave_them_alone(wide: Wide) -> None:
    user, dataset_id, _ = wide
    before = read(user, dataset_id, COLUMNS)
    with session_scope() as session:
        assert apply_relabel(session, user, dataset_id, 1.2, EolRule(0.85)).cycles == 200
    pd.testing.assert_frame_equal(read(user, dataset_id, COLUMNS), before)


def test_an_abandoned_reading_is_swept_with_them(wide: Wide) -> None:
    with session_scope() as session:
        session.execute(update(Dataset).values(loading=True))
    sweeping.sweep()
    assert (count(CycleData), count(CycleFeature)) == (0, 0)
    with read_scope() as session:
        assert session.scalar(select(func.count()).select_from(BatteryUnit)) == 0


def test_explore_has_them(wide: Wide) -> None:
    user, dataset_id, file = wide
    with read_scope() as session:
        quantities = explore.list_quantities(session, user, dataset_id)
        battery = explore.battery_cycles(session, user, dataset_id, "b2")
        curves = explore.fleet_curves(session, user, dataset_id, "feature_11", 1000)
        values = explore.feature_values(session, user, dataset_id, "feature_9")
        matrix = explore.correlations(session, user, dataset_id)
        features = describe_dataset(session, user, dataset_id).summary.features
    assert [q.label for q in quantities[4:]] == [f.name for f in features] == list(NAMES)
    own = file[file["battery"] == "b2"]
    assert battery["feature_11"].tolist() == own["x11"].tolist()
    assert curves["value"].tolist() == file["x11"].tolist()
    assert values["value"].tolist() == file["x9"].tolist()
    assert list(matrix) == [*NAMES, "PCL", "RUL"]
    assert matrix.loc["x11", "PCL"] > 0.9


def test_the_leakage_check_looks_at_them_where_they_are_used(
    fresh_database: Path, tmp_path: Path
) -> None:
    user = add_account("ann@example.org")
    path = tmp_path / "wide.csv"
    frame = write_wide(path)
    frame.assign(x10=frame["capacity"] * 3).to_csv(path, index=False)
    dataset_id = import_features(user, path)
    with read_scope() as session:
        found = dataset_findings(session, user, dataset_id)
    # Fading along one curve, the batteries show the share of life by their capacity, too.
    assert {(f.kind, f.columns) for f in found} == {
        ("column capacity", ("x10",)),
        ("column life", ("x10",)),
    }
    request = TrainingRequest(dataset_id, "PCL", ["LINEAR"], features=["resistance", "x10"])
    with pytest.raises(InvalidInput, match="The feature 'x10' is the capacity in another form"):
        start_training(user, request)
    assert start_training(user, TrainingRequest(dataset_id, "PCL", ["LINEAR"]))
