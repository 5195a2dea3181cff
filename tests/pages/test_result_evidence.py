"""Intervals, applicability, horizons and cycles seen on the Results page."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from streamlit.testing.v1 import AppTest

from core.access.actor import CurrentUser
from core.base.database import get_engine, read_scope, session_scope
from core.evaluation.cycles_seen import get_cycles_seen
from core.evaluation.drawable import list_peers
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.model_versions.versions import list_models
from core.training.request import TrainingRequest
from core.training.start import start_training
from db.tables import (
    BatteryUnit,
    ModelVersion,
    TestJob,
    TestJobBattery,
    TestJobBatteryMetric,
    TestJobHorizonMetric,
    TestJobMetricOverall,
    TestJobPrediction,
)
from tests.conftest import settings_of
from tests.core.seeding import add_account, add_dataset, work_off
from tests.pages.conftest import run_page, texts
from tests.pages.tested_models import work_off_one

INTERVAL = {
    "nominal": 0.9,
    "observed": 0.953,
    "observed_low": 0.91,
    "observed_high": 0.99,
    "expected_low": 0.8,
    "expected_high": 1.0,
    "mean_width": 0.0123,
    "n_batteries": 2,
    "method": "split",
    "n_calibration": 12,
    "verdict": "as expected",
}


@dataclass(frozen=True)
class Bench:
    """An account with estimates (Baseline, Linear, Mean) and a forecast (Baseline) of two targets.

    Each is tested on the two unseen batteries of the dataset.
    """

    user: CurrentUser
    dataset_id: int
    estimates: tuple[int, ...]
    forecasts: tuple[int, ...]


def train_and_test(
    user: CurrentUser, dataset_id: int, target: str, algorithms: list[str], max_horizon: int
) -> tuple[int, ...]:
    """Ids of the tests of one model per algorithm, in their order."""
    request = TrainingRequest(
        dataset_id, target, algorithms, hyperparams={"epochs": 1, "max_horizon": max_horizon}
    )
    job_id = start_training(user, request)
    work_off()
    with read_scope() as session:
        models = {m.algorithm: m.id for m in list_models(session, user) if m.job_id == job_id}
    ids = [start_test(user, TestRequest(models[a], dataset_id)) for a in algorithms]
    for _ in ids:
        work_off_one()
    return tuple(ids)


@pytest.fixture(scope="module")
def bench(migrated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("evidence")
    shutil.copytree(migrated_folder, folder / "data")
    with settings_of(folder / "data"):
        user = add_account("ann@example.org")
        _, dataset_id = add_dataset(user, folder)
        estimates = train_and_test(user, dataset_id, "BOTH", ["BASELINE", "LINEAR", "MEAN"], 0)
        forecasts = train_and_test(user, dataset_id, "PCL", ["BASELINE", "LINEAR"], 20)
        floor = {"LAST_VALUE": [0.01, 0.03, 0.09]}
        store_horizons(forecasts[0], MODEL=[0.02, 0.03, 0.04], **floor)
        store_horizons(forecasts[1], MODEL=[0.05, 0.05, 0.05], **floor)
        yield Bench(user, dataset_id, estimates, forecasts)
        get_engine().dispose()


def store_horizons(test_id: int, **lines: list[float]) -> None:
    """RMSE at 1, 5 and 20 cycles ahead by method, in place of what the test found."""
    with session_scope() as session:
        session.execute(
            delete(TestJobHorizonMetric).where(TestJobHorizonMetric.test_job_id == test_id)
        )
        session.add_all(
            TestJobHorizonMetric(
                test_job_id=test_id,
                target="PCL",
                method=method,
                horizon=horizon,
                metrics={"n": 80, "n_batteries": 2, "rmse": value, "mae": value / 2},
            )
            for method, values in lines.items()
            for horizon, value in zip((1, 5, 20), values, strict=True)
        )


def store_interval(test_id: int, target: str, interval: dict[str, Any] | None) -> None:
    """Coverage in the overall metrics, or none."""
    with session_scope() as session:
        row = session.scalars(
            select(TestJobMetricOverall).where(
                TestJobMetricOverall.test_job_id == test_id, TestJobMetricOverall.target == target
            )
        ).one()
        kept = {name: value for name, value in row.metrics.items() if name != "interval"}
        row.metrics = kept | ({"interval": interval} if interval else {})


def charts(page: AppTest) -> list[Any]:
    return [json.loads(chart.proto.spec) for chart in page.get("plotly_chart")]


def view(bench: Bench, test_id: int, name: str, **address: str) -> AppTest:
    return run_page("results", bench.user, {"test": test_id, "view": name, **address})


def test_the_headline_says_what_was_promised_and_what_held(bench: Bench) -> None:
    store_interval(bench.forecasts[0], "PCL", INTERVAL)
    words = texts(view(bench, bench.forecasts[0], "Horizon"))
    assert "**90 % intervals** contain **95.3 %**" in words
    assert "(91.0 to 99.0 %)" in words
    assert "2 unseen batteries" in words
    assert "mean width 1.23\u00a0%-points" in words
    assert "as promised (80 to 100 % by chance alone)" in words
    assert "outside what the model knows" not in words


def test_too_low_a_coverage_is_a_warning(bench: Bench) -> None:
    store_interval(bench.forecasts[0], "PCL", INTERVAL | {"observed": 0.31, "verdict": "too low"})
    page = view(bench, bench.forecasts[0], "Horizon")
    assert any("lie outside what the model knows" in box.value for box in page.warning)


def test_more_than_promised_is_named_so(bench: Bench) -> None:
    store_interval(bench.forecasts[0], "PCL", INTERVAL | {"observed": 0.999, "verdict": "too high"})
    words = texts(view(bench, bench.forecasts[0], "Horizon"))
    assert "wider than promised (80 to 100 % by chance alone)" in words
    assert "as promised" not in words


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        ("none: Two batteries are too few.", "Two batteries are too few."),
        ("90 %, calibrated on 12 validation batteries", "none could be calibrated this far ahead"),
        ("", "trained before intervals"),
    ],
)
def test_without_an_interval_the_model_says_why(bench: Bench, fact: str, reason: str) -> None:
    store_interval(bench.forecasts[0], "PCL", None)
    with session_scope() as session:
        test = session.get_one(TestJob, bench.forecasts[0])
        model = session.get_one(ModelVersion, test.model_version_id)
        model.config = {**model.config, "interval_of_PCL": fact}
    words = texts(view(bench, bench.forecasts[0], "Horizon"))
    assert f"No prediction interval: {reason}" in words.replace("the model was ", "")


def test_curves_show_the_band_and_who_is_unlike(bench: Bench) -> None:
    test_id = bench.estimates[0]
    with session_scope() as session:
        b3 = session.scalars(select(BatteryUnit.id).where(BatteryUnit.battery_code == "b3")).one()
        prediction, link = TestJobPrediction, TestJobBattery
        session.execute(
            update(prediction)
            .where(prediction.test_job_id == test_id, prediction.target == "PCL")
            .values(y_lower=prediction.y_pred - 0.01, y_upper=prediction.y_pred + 0.01)
        )
        session.execute(update(link).where(link.test_job_id == test_id).values(distance_ratio=0.5))
        session.execute(
            update(link)
            .where(link.test_job_id == test_id, link.battery_id == b3)
            .values(distance_ratio=1.7)
        )
    page = view(bench, test_id, "Curves", target="PCL")
    (figure,) = charts(page)
    assert "90 % interval" in {trace.get("name") for trace in figure["data"]}
    marked = [n["text"] for n in figure["layout"]["annotations"] if "unlike" in n["text"]]
    assert len(marked) == 1
    assert marked[0].startswith("Battery b3")
    assert "1 of 2 batteries is unlike the training batteries" in texts(page)
    page.toggle[0].set_value(False).run()
    assert "90 % interval" not in {trace.get("name") for trace in charts(page)[0]["data"]}


def test_the_battery_table_carries_coverage_and_distance(bench: Bench) -> None:
    test_id = bench.estimates[0]
    metric, link = TestJobBatteryMetric, TestJobBattery
    with session_scope() as session:
        for row in session.scalars(select(metric).where(metric.test_job_id == test_id)):
            row.metrics = {**row.metrics, "coverage": 0.875, "mean_width": 0.02}
        session.execute(update(link).where(link.test_job_id == test_id).values(distance_ratio=1.7))
    page = view(bench, test_id, "Batteries", target="PCL")
    frame = page.dataframe[0].value
    assert list(frame["coverage"]) == pytest.approx([87.5, 87.5])
    assert list(frame["mean_width"]) == pytest.approx([2, 2])
    assert list(frame["distance_ratio"]) == pytest.approx([1.7, 1.7])
    columns = json.loads(page.dataframe[0].proto.columns)
    assert columns["coverage"]["label"] == "Inside interval (%)"
    assert "first 100 cycles" in columns["distance_ratio"]["help"]


def test_error_by_horizon_with_floors_in_grey_and_a_verdict(bench: Bench) -> None:
    page = view(bench, bench.forecasts[0], "Horizon")
    (figure,) = charts(page)
    names = [trace["name"] for trace in figure["data"]]
    assert names[0] == "Last value"
    assert len(names) == 3
    words = texts(page)
    assert "Baseline v2 beats** *last value* at 20 cycles ahead." in words
    frame = page.dataframe[0].value
    assert list(frame["Last value"]) == pytest.approx([1, 3, 9])
    assert list(frame.iloc[:, 2]) == pytest.approx([2, 3, 4])
    assert frame["best"].iloc[0] == "Last value"
    next(g for g in page.get("button_group") if g.label == "Error").set_value("mae").run()
    assert not page.exception
    assert list(page.dataframe[0].value["Last value"]) == pytest.approx([0.5, 1.5, 4.5])


def test_an_estimate_has_no_horizon_and_says_so(bench: Bench) -> None:
    page = view(bench, bench.estimates[0], "Horizon")
    assert "estimates the measured cycle" in texts(page)
    assert not charts(page)


def test_a_forecast_without_stored_horizons_says_so(bench: Bench) -> None:
    store_horizons(bench.forecasts[1])
    assert "No error by horizon is stored" in texts(view(bench, bench.forecasts[1], "Horizon"))


def test_cycles_seen_overlays_the_models_of_the_job(bench: Bench) -> None:
    page = view(bench, bench.estimates[0], "Cycles seen", target="RUL")
    assert page.multiselect[0].value == [bench.estimates[1]]
    (figure,) = charts(page)
    names = [trace["name"] for trace in figure["data"]]
    assert names[0] == "Mean life of the training batteries"
    assert len(names) == 3
    assert "training batteries" in texts(page)
    frame = page.dataframe[0].value
    assert list(frame["cycles_seen"]) == [20, 30]
    assert list(frame["batteries"]) == [2, 2]
    with read_scope() as session:
        found = get_cycles_seen(session, bench.user, bench.estimates[:2])
    own = found.tests[found.tests["test_id"] == bench.estimates[0]]
    assert frame.iloc[:, 1].tolist() == pytest.approx(own["rmse"].tolist())


def test_the_stored_mean_curve_is_the_mean_life_floor(bench: Bench) -> None:
    """Two ways to the same number: the MEAN model's predictions and the training lives."""
    with read_scope() as session:
        found = get_cycles_seen(session, bench.user, [bench.estimates[2]])
    assert found.n_training == 2
    assert found.floor["rmse"].tolist() == pytest.approx(found.tests["rmse"].tolist(), abs=0.6)


def test_a_forecast_and_a_model_of_loss_have_no_cycles_seen(bench: Bench) -> None:
    page = view(bench, bench.forecasts[0], "Cycles seen")
    assert "predicts capacity loss (PCL) only" in texts(page)


def test_only_tests_that_mean_the_same_are_offered(bench: Bench) -> None:
    estimate, forecast = bench.estimates[0], bench.forecasts[0]
    with read_scope() as session:
        peers = list_peers(session, bench.user, estimate, "RUL")
        assert {peer.info.id for peer in peers} == set(bench.estimates[1:])
        assert all(peer.same_job and peer.same_batteries for peer in peers)
        (peer,) = list_peers(session, bench.user, forecast, "PCL")
        assert peer.info.id == bench.forecasts[1]
        model_id = peers[0].info.model_version_id
    other = start_test(bench.user, TestRequest(model_id, bench.dataset_id, ["b3"]))
    with read_scope() as session:
        before = list_peers(session, bench.user, estimate, "RUL")
    assert other not in {peer.info.id for peer in before}
    with session_scope() as session:
        session.get_one(TestJob, other).status = "SUCCEEDED"
    with read_scope() as session:
        after = list_peers(session, bench.user, estimate, "RUL")
    assert {peer.info.id: peer.same_batteries for peer in after}[other] is False
    page = view(bench, estimate, "Cycles seen", target="RUL")
    assert "1 test of other models on this dataset had other unseen batteries" in texts(page)
