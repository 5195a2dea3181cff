"""Evidence through the real jobs: intervals, floors, applicability, errors by horizon, in files."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from sqlalchemy import func, select

from core.access.actor import CurrentUser
from core.base.database import get_engine, read_scope, session_scope
from core.base.errors import InvalidInput
from core.datasets.datasets import load_dataset
from core.datasets.uploads import get_upload_info
from core.evaluation.evaluations import test_log
from core.evaluation.exports import latest_exports, open_export
from core.evaluation.request import TestRequest
from core.evaluation.results import get_result, load_predictions, prediction_curves
from core.evaluation.start import start_test
from core.measures.coverage import battery_coverage, chance_range, overall_coverage
from core.model_versions.evidence import add_evidence
from core.model_versions.versions import compare_configs, get_model_info, list_models
from core.removal.marking import delete_test
from core.removal.sweeping import sweep
from core.training.duration import SECONDS_AROUND_A_TRAINING, estimate_duration_s
from core.training.request import TrainingRequest
from core.training.start import start_training
from core.training.views import get_run_info
from db.tables import TestJobHorizonMetric
from models.uncertainty.intervals import battery_quantile, design_effect
from tests.conftest import settings_of
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import add_account, queue_upload, work_off, write_csv
from tests.models.fleet import make_battery
from tests.models.model.test_fitting import run_fit

N_BATTERIES = 18
ROLES = ["train"] * 5 + ["val"] * 9 + ["test"] * 4
HORIZON = 4


@dataclass(frozen=True)
class Tested:
    """Ids of a forecaster, calibrated on nine batteries, and of its test."""

    __test__ = False
    user: CurrentUser
    dataset_id: int
    model_id: int
    test_id: int


@pytest.fixture(scope="module")
def tested_folder(
    migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Tested, Path]:
    folder = tmp_path_factory.mktemp("evidence")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        made = _make(folder)
        get_engine().dispose()
    return made, folder / "data"


@pytest.fixture
def tested(tested_folder: tuple[Tested, Path], data_dir: Path) -> Iterator[Tested]:
    made, folder = tested_folder
    shutil.copytree(folder, data_dir)
    yield made
    get_engine().dispose()


def _make(folder: Path) -> Tested:
    user = add_account("ann@example.org")
    upload_id = queue_upload(user, _write_fleet(folder / "fleet.csv"))
    work_off()
    with session_scope() as session:
        dataset_id = get_upload_info(session, user, upload_id).dataset_id
        assert dataset_id is not None
        roles = {f"b{i}": role for i, role in enumerate(ROLES)}
        request = TrainingRequest(dataset_id, "PCL", ("LINEAR",), roles, {"max_horizon": 10})
    start_training(user, request)
    work_off()
    codes = [f"b{i}" for i in (0, 14, 15, 16, 17)]
    with session_scope() as session:
        model = list_models(session, user)[0]
    test_id = start_test(user, TestRequest(model.id, dataset_id, codes, HORIZON))
    work_off()
    return Tested(user, dataset_id, model.id, test_id)


def _write_fleet(path: Path) -> Path:
    """Batteries whose resistance tells their age roughly, not exactly."""
    frame = pd.read_csv(write_csv(path, batteries=N_BATTERIES))
    frame["resistance"] += np.random.default_rng(0).normal(0.0, 5e-4, len(frame))
    frame.to_csv(path, index=False)
    return path


def test_training_keeps_floors_batteries_and_coverage(tested: Tested) -> None:
    with read_scope() as session:
        model = get_model_info(session, tested.user, tested.model_id)
        frame = compare_configs(session, tested.user, [tested.model_id])
        run = get_run_info(session, tested.user, model.run_id)
    assert run.status == "SUCCEEDED"
    metrics = model.metrics.content()
    assert set(metrics) == {"val", "test", "batteries", "floors"}
    for role, n in (("val", 9), ("test", 4)):
        assert metrics[role]["PCL"]["n_batteries"] == n
        assert len(metrics["batteries"][role]) == n
        floors = metrics["floors"][role]
        assert set(floors) == {"LAST_VALUE", "LAST_SLOPE", "MEAN"}
        cycles = metrics[role]["PCL"]["n"]
        assert {floor["PCL"]["n"] for floor in floors.values()} == {cycles}
    assert set(metrics["batteries"]["test"]["b14"]["PCL"]) == {"n", "mae", "rmse"}
    assert "interval" not in metrics["val"]["PCL"]
    interval = metrics["test"]["PCL"]["interval"]
    assert (interval["method"], interval["n_calibration"]) == ("split", 9)
    assert model.config.interval_of("PCL") == "90 %, calibrated on 9 validation batteries"
    assert "interval_of_PCL" in set(frame["setting"])


def test_the_estimate_counts_the_models_that_only_serve_the_interval(tested: Tested) -> None:
    def seconds(n_val: int) -> float:
        roles = {f"b{i}": "train" if i < 9 else "val" for i in range(9 + n_val)}
        request = TrainingRequest(tested.dataset_id, "PCL", ("LINEAR",), roles)
        found = estimate_duration_s(request, dataset)["LINEAR"]
        return found - SECONDS_AROUND_A_TRAINING

    with read_scope() as session:
        dataset = load_dataset(session, tested.user, tested.dataset_id)
    assert seconds(8) == pytest.approx(5.0 * seconds(9))


def test_stored_intervals_give_the_coverage_that_is_shown(tested: Tested) -> None:
    with read_scope() as session:
        result = get_result(session, tested.user, tested.test_id)
        frame = load_predictions(session, tested.user, tested.test_id)
        curves = prediction_curves(session, tested.user, tested.test_id, "PCL", ["b14"])
        lines = test_log(session, tested.user, tested.test_id)
    assert (frame["y_lower"] < frame["y_pred"]).all() and (frame["y_pred"] < frame["y_upper"]).all()
    assert {"y_lower", "y_upper"} <= set(curves.columns)
    known = frame[frame["y_true"].notna()]
    inside = known["y_true"].between(known["y_lower"], known["y_upper"])
    shares = inside.groupby(known["battery_code"]).mean()
    table = result.batteries.set_index("battery_code")
    for code, share in shares.items():
        assert table.loc[code, "coverage"] == pytest.approx(share)
        assert np.isfinite(table.loc[code, ["mean_width", "distance_ratio"]].to_numpy(float)).all()
    interval = result.overall["PCL"].interval or {}
    # The battery that was seen in training counts in no coverage.
    assert interval["n_batteries"] == 4
    assert interval["observed"] == pytest.approx(shares.drop("b0").mean())
    assert interval["observed_low"] <= interval["observed"] <= interval["observed_high"]
    assert any("90% intervals contain" in line.message for line in lines)


def test_errors_by_horizon_stand_beside_the_floors(tested: Tested) -> None:
    with read_scope() as session:
        rows = session.scalars(
            select(TestJobHorizonMetric).where(TestJobHorizonMetric.test_job_id == tested.test_id)
        ).all()
        overall = get_result(session, tested.user, tested.test_id).overall["PCL"]
    found = {(row.method, row.horizon): row.metrics for row in rows}
    assert {method for method, _ in found} == {"MODEL", "LAST_VALUE", "LAST_SLOPE", "MEAN"}
    assert {horizon for _, horizon in found} == {1, 2, HORIZON, 5, 10}
    assert found["MODEL", HORIZON]["rmse"] == pytest.approx(overall.rmse, rel=1e-12)
    assert found["LAST_VALUE", 10]["rmse"] > found["LAST_VALUE", 1]["rmse"]
    for horizon in (1, 10):
        assert len({found[m, horizon]["n"] for m, h in found if h == horizon}) == 1


def test_files_hold_what_the_screen_shows(tested: Tested, tmp_path: Path) -> None:
    with read_scope() as session:
        result = get_result(session, tested.user, tested.test_id)
        shown = load_predictions(session, tested.user, tested.test_id)
        exports = latest_exports(session, tested.user, tested.test_id)
        paths = {
            name: on_disk(open_export(session, tested.user, e.id)) for name, e in exports.items()
        }
    columns = ["y_true", "y_pred", "y_lower", "y_upper"]
    csv = pd.read_csv(paths["CSV"])
    np.testing.assert_allclose(csv[columns], shown[columns], rtol=1e-12)
    book = openpyxl.load_workbook(paths["XLSX"], read_only=True)
    header, *rows = book["Per-battery metrics"].iter_rows(values_only=True)
    table = pd.DataFrame(rows, columns=header)
    for name in ("coverage", "mean_width", "distance_ratio"):
        np.testing.assert_allclose(table[name].astype(float), result.batteries[name], rtol=1e-12)
    header, row = book["Overall metrics"].iter_rows(values_only=True)
    overall = dict(zip(header, row, strict=True))
    assert overall["interval_observed"] == (result.overall["PCL"].interval or {})["observed"]


def test_a_horizon_beyond_training_is_refused(tested: Tested) -> None:
    with pytest.raises(InvalidInput, match="1 to 10 cycles ahead; 11"):
        start_test(tested.user, TestRequest(tested.model_id, tested.dataset_id, None, 11))


def test_deleting_a_test_takes_its_horizons_along(tested: Tested) -> None:
    with session_scope() as session:
        delete_test(session, tested.user, tested.test_id)
    sweep()
    with read_scope() as session:
        assert session.scalar(select(func.count()).select_from(TestJobHorizonMetric)) == 0


def test_calibrating_over_folds_is_told_and_its_progress_grows() -> None:
    fleet = [make_battery(f"{i:03d}", 30 + 3 * i) for i in range(11)]
    model = run_fit("LINEAR", fleet[:9], fleet[9:]).model
    told: list[tuple[str, float]] = []
    add_evidence(model, fleet[:9], fleet[9:], threads=1, report=lambda *what: told.append(what))
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == [
        "Fitting intervals",
        *(f"Fitting intervals: model {n} of 5" for n in range(1, 6)),
    ]
    shares = [share for _, share in told]
    assert shares == sorted(shares) and shares[0] == 0.2 and shares[-1] <= 0.98


def test_coverage_counts_labelled_cycles_with_an_interval() -> None:
    nan = np.nan
    true = np.array([1.0, 2.0, nan, 4.0, 5.0])
    found = battery_coverage(true, np.array([0.0, 3, 0, nan, 5]), np.array([2.0, 4, 1, nan, 6]))
    assert found == {"coverage": pytest.approx(2 / 3), "mean_width": pytest.approx(4 / 3)}
    assert battery_coverage(true, np.full(5, nan), np.full(5, nan)) is None


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.6, "too low"), (0.9, "as expected"), (1.0, "too high")]
)
def test_the_verdict_compares_with_chance(share: float, verdict: str) -> None:
    batteries = [{"coverage": share, "mean_width": 1.0}] * 40
    found = overall_coverage(
        batteries, nominal=0.9, method="split", n_calibration=43, design_effect=0.3
    )
    assert found is not None and found["verdict"] == verdict


def test_chance_rarely_leaves_its_range() -> None:
    """Exchangeable batteries, each as hard as it happens to be: no more than 5 % of verdicts."""
    rng = np.random.default_rng(3)

    def draw() -> np.ndarray:
        hardness = np.exp(rng.normal(0.0, 0.5))
        return np.abs(rng.normal(rng.normal(0.0, hardness), hardness, 40))

    outside = 0
    for _ in range(150):
        known, new = [draw() for _ in range(20)], [draw() for _ in range(12)]
        limit = battery_quantile(known)
        low, high = chance_range(0.9, 20, 12, design_effect(known))
        outside += not low <= np.mean([np.mean(part <= limit) for part in new]) <= high
    assert outside / 150 < 0.09
