"""Saved models: the same numbers again, nothing executed, no look into the future."""

import io
import pickle
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models.inputs.series import BatterySeries
from models.model.checkpoint import TrainedModel
from models.settings.catalogue import ALGORITHMS
from models.settings.errors import CheckpointError, HorizonError, SeriesError
from tests.models.fleet import make_battery, make_fleet
from tests.models.model.test_fitting import FORECAST, QUESTIONS, answerable, run_fit

ESTIMATORS = [key for key, info in ALGORITHMS.items() if not info.forecasts_only]


@cache
def trained(algorithm: str, forecast: bool) -> TrainedModel:
    fleet, targets = answerable(algorithm, make_fleet(3)), ALGORITHMS[algorithm].targets
    settings: dict[str, Any] = {
        "epochs": 1,
        "boosting_rounds": 5,
        **(FORECAST if forecast else {}),
    }
    return run_fit(algorithm, fleet[:2], fleet[2:], targets=targets, **settings).model


def new_battery(algorithm: str) -> BatterySeries:
    return answerable(algorithm, [make_battery("new", 70, gap=9)])[0]


@pytest.mark.parametrize(("algorithm", "mode"), QUESTIONS)
def test_a_loaded_model_predicts_the_same(
    algorithm: str, mode: dict[str, Any], tmp_path: Path
) -> None:
    forecast = bool(mode)
    model, battery = trained(algorithm, forecast), new_battery(algorithm)
    model.save(tmp_path / "checkpoint.pt")
    before = torch.get_rng_state()
    loaded = TrainedModel.load(tmp_path / "checkpoint.pt")
    assert torch.equal(torch.get_rng_state(), before)
    assert (loaded.hp, loaded.task, loaded.algorithm) == (model.hp, model.task, algorithm)
    horizon = 4 if forecast else 0
    expected, actual = model.predict(battery, horizon), loaded.predict(battery, horizon)
    np.testing.assert_array_equal(actual.y_pred, expected.y_pred)
    np.testing.assert_array_equal(actual.cycle_num, expected.cycle_num)


@pytest.mark.parametrize("algorithm", ESTIMATORS)
def test_an_estimate_covers_every_row_and_never_sees_labels_capacity_or_future(
    algorithm: str,
) -> None:
    model, battery = trained(algorithm, False), new_battery(algorithm)
    prediction = model.predict(battery, 0)
    np.testing.assert_array_equal(prediction.cycle_num, battery.cycle_num)
    np.testing.assert_array_equal(prediction.y_true, battery.targets)
    features = battery.features.copy()
    features[30:] *= 1.1
    nothing = np.full_like(battery.soh, np.nan)
    changed = replace(
        battery, features=features, soh=nothing, targets=np.full_like(battery.targets, np.nan)
    )
    again = model.predict(changed, 0)
    np.testing.assert_array_equal(again.y_pred[:30], prediction.y_pred[:30])
    assert np.isnan(again.y_true).all()


@pytest.mark.parametrize("horizon", [1, 10])
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_forecast_covers_what_it_can_and_never_sees_after_its_source(
    algorithm: str, horizon: int
) -> None:
    model, battery = trained(algorithm, True), new_battery(algorithm)
    prediction = model.predict(battery, horizon)
    cycles = battery.cycle_num
    rows = cycles[cycles >= cycles[0] + horizon]
    beyond = cycles[-1] + np.arange(1, horizon + 1)
    np.testing.assert_array_equal(prediction.cycle_num, [*rows, *beyond])
    assert np.isnan(prediction.y_true[len(rows) :]).all()
    np.testing.assert_array_equal(prediction.y_true[: len(rows)], battery.targets[-len(rows) :])
    # Spoil everything after cycle 40: what is asked for up to 40 + horizon must not move.
    later = cycles > 40
    changed = replace(
        battery,
        features=np.where(later[:, None], 9.9, battery.features),
        soh=np.where(later, 0.1, battery.soh),
        targets=np.where(later[:, None], 0.0, battery.targets),
    )
    again = model.predict(changed, horizon)
    unmoved = prediction.cycle_num <= 40 + horizon
    np.testing.assert_array_equal(again.y_pred[unmoved], prediction.y_pred[unmoved])
    # The mean curve looks at no battery at all.
    if algorithm != "MEAN":
        assert (again.y_pred[~unmoved] != prediction.y_pred[~unmoved]).any()


def test_capacity_history_is_used_by_forecasters_that_have_it() -> None:
    model, battery = trained("BASELINE", True), make_battery("new", 70)
    worn = replace(battery, soh=battery.soh - 0.1)
    assert (model.predict(worn, 1).y_pred != model.predict(battery, 1).y_pred).any()


def test_a_short_battery_is_forecast_where_possible() -> None:
    model, battery = trained("BILSTM", True), make_battery("new", 4)
    assert model.predict(battery, 3).cycle_num.tolist() == [4, 5, 6, 7]
    assert model.predict(battery, 10).cycle_num.tolist() == [11, 12, 13, 14]
    empty = replace(
        battery,
        cycle_num=battery.cycle_num[:0],
        features=battery.features[:0],
        targets=battery.targets[:0],
        soh=battery.soh[:0],
    )
    assert model.predict(empty, 1).y_pred.shape == (0, 2)


def test_rul_is_never_negative_and_pcl_may_be() -> None:
    model = trained("BASELINE", False)
    with torch.no_grad():
        network = _shifted(model, -50.0)
    low = replace(model, predictor=replace(model.predictor, network=network))
    prediction = low.predict(make_battery("new", 70), 0)
    assert (prediction.y_pred[:, 1] == 0.0).all()
    assert (prediction.y_pred[:, 0] < 0.0).all()


def _shifted(model: TrainedModel, offset: float) -> Any:
    buffer = io.BytesIO()
    model.save(buffer)
    buffer.seek(0)
    network = TrainedModel.load(buffer).predictor.network
    network.get_submodule("perceptron.layers").get_submodule("2").get_parameter("bias").add_(offset)
    return network


def test_horizons_outside_training_are_refused() -> None:
    battery = make_battery("new", 30)
    with pytest.raises(HorizonError, match="horizon 0, not 1"):
        trained("BASELINE", False).predict(battery, 1)
    for horizon in (0, 11):
        with pytest.raises(HorizonError, match="1 to 10 cycles ahead"):
            trained("BASELINE", True).predict(battery, horizon)


def test_a_battery_of_other_columns_is_refused() -> None:
    battery = make_battery("new", 30)
    model = trained("BASELINE", False)
    with pytest.raises(SeriesError, match="needs the features resistance, temperature"):
        model.predict(replace(battery, features=battery.features[:, :1]), 0)
    with pytest.raises(SeriesError, match="one target column"):
        model.predict(replace(battery, targets=battery.targets[:, :1]), 0)


def _spoil(content: dict[str, Any], how: str) -> None:
    if how == "future":
        content["format_version"] = 99
    elif how == "weights":
        content["predictor"]["network"].popitem()
    elif how == "algorithm":
        content["algorithm"] = "OTHER"
    elif how == "settings":
        content["hyperparameters"]["epochs"] = 0
    elif how == "scaler":
        del content["predictor"]["scaler"]["cycle_std"]
    else:
        content["format"] = "something else"


@pytest.mark.parametrize("how", ["future", "weights", "algorithm", "settings", "scaler", "foreign"])
def test_spoiled_models_are_refused(how: str, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    trained("BASELINE", False).save(path)
    content = torch.load(path, weights_only=True)
    _spoil(content, how)
    torch.save(content, path)
    with pytest.raises(CheckpointError):
        TrainedModel.load(path)


def test_files_that_are_no_models_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(CheckpointError, match="missing"):
        TrainedModel.load(path)
    trained("BASELINE", False).save(path)
    whole = path.read_bytes()
    for content in (
        b"",
        b"hello",
        whole[: len(whole) // 2],
        pickle.dumps({"a": Path("x")}, protocol=2),
    ):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="not a model"):
            TrainedModel.load(path)


def test_loading_executes_nothing(tmp_path: Path) -> None:
    marker = tmp_path / "executed"

    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (marker,))

    path = tmp_path / "checkpoint.pt"
    torch.save({"format": "fadebench-model", "trap": Trap()}, path)
    with pytest.raises(CheckpointError):
        TrainedModel.load(path)
    assert not marker.exists()
