"""Trees and linear model: what they add to the contract that all algorithms keep."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.ensemble import HistGradientBoostingRegressor

from models.algorithms.boosting import INPUT_SHARE, Labelled, boost
from models.algorithms.linear import Linear
from models.algorithms.ridge import fit_ridge
from models.algorithms.trees import Trees, restore
from models.inputs.predictor import Asked, EpochReport
from models.inputs.series import BatterySeries, Task, make_task
from models.inputs.tabular import DRAWS, fit_answer_scale, make_table
from models.model.fitting import FitResult, fit
from models.settings.errors import FitError
from models.settings.resolving import resolve
from tests.models.fleet import FEATURES, make_battery, make_fleet

BOTH = Task(("PCL", "RUL"), FEATURES)
AHEAD = Task(("PCL", "RUL"), FEATURES, 10, True)


def train(
    algorithm: str, fleet: list[BatterySeries], **values: Any
) -> tuple[FitResult, list[EpochReport]]:
    """Fit on all batteries but the third, stop by that one."""
    hp = resolve(algorithm, values)
    reports: list[EpochReport] = []
    result = fit(
        algorithm,
        [*fleet[:2], *fleet[3:]],
        fleet[2:3],
        make_task(("PCL", "RUL"), FEATURES, hp),
        hp,
        threads=1,
        on_epoch=reports.append,
        on_stage=lambda stage: None,
    )
    return result, reports


def test_the_best_round_is_kept() -> None:
    generator = np.random.default_rng(0)
    inputs = generator.random((600, 4))
    rest = inputs[:, 0] + np.sin(5 * inputs[:, 1]) + generator.normal(0.0, 0.4, 600)
    parts = Labelled(inputs[:400], rest[:400]), Labelled(inputs[400:], rest[400:])
    hp = resolve("TREES", {"boosting_rounds": 200, "tree_patience": 15})
    boosted = boost(*parts, hp)
    assert 1 < boosted.rounds < boosted.model.n_iter_no_change + boosted.rounds < 200
    fresh = HistGradientBoostingRegressor(
        learning_rate=hp.tree_learning_rate,
        max_iter=boosted.rounds,
        max_leaf_nodes=hp.max_leaf_nodes,
        min_samples_leaf=hp.min_samples_leaf,
        l2_regularization=hp.tree_l2,
        max_features=INPUT_SHARE,
        early_stopping=False,
        random_state=hp.seed,
    ).fit(*(parts[0].inputs, parts[0].rest))
    np.testing.assert_array_equal(boosted.model.predict(inputs), fresh.predict(inputs))
    error = boosted.model.predict(parts[0].inputs) - parts[0].rest
    assert boosted.train_loss[-1] == pytest.approx(np.mean(error**2))
    *_, last = boosted.stages(inputs, boosted.rounds + 3)
    np.testing.assert_array_equal(last, fresh.predict(inputs))


def test_trees_are_stored_without_a_pickle() -> None:
    result, _ = train("TREES", make_fleet(5), boosting_rounds=20)
    predictor = result.model.predictor
    assert isinstance(predictor, Trees)
    content = predictor.content()
    packed = content["models"][0][0].numpy().tobytes()
    assert packed[:2] == b"PK" and b".pkl" not in packed
    series = make_battery("b", 80)
    asked = Asked(np.arange(80), series.cycle_num)
    again = restore(content, result.model.hp, result.model.task)
    np.testing.assert_array_equal(again.predict(series, asked), predictor.predict(series, asked))
    content["models"] = content["models"][:1]
    with pytest.raises(ValueError, match="do not match"):
        restore(content, result.model.hp, result.model.task)
    content["models"] = [[torch.zeros(10, dtype=torch.uint8)] * 2] * 2
    with pytest.raises(Exception, match="zip"):
        restore(content, result.model.hp, result.model.task)


def test_reported_errors_are_those_of_the_kept_model() -> None:
    fleet = make_fleet(5)
    result, reports = train("TREES", fleet, boosting_rounds=30)
    answers = result.model.predict(fleet[2], 0)
    rmse = np.sqrt(np.mean((answers.y_pred - answers.y_true) ** 2, axis=0))
    found = [reports[-1].metrics[f"val_rmse_{name}"] for name in ("PCL", "RUL")]
    np.testing.assert_allclose(found, rmse, rtol=1e-6)


def test_forecasts_of_rul_count_down_exactly() -> None:
    result, _ = train("LINEAR", make_fleet(5), max_horizon=10, use_capacity_history=True)
    series = make_battery("b", 80)
    near, far = (
        result.model.predictor.predict(series, Asked(np.array([50]), np.array([51 + ahead])))
        for ahead in (1, 6)
    )
    assert near[0, 1] - far[0, 1] == pytest.approx(5.0)
    assert far[0, 0] > near[0, 0]


def test_answers_stay_near_the_range_of_training() -> None:
    result, _ = train("LINEAR", make_fleet(5))
    model = result.model
    assert isinstance(model.predictor, Linear)
    odd = make_battery("b", 80)
    odd = replace(odd, features=odd.features * [40.0, -3.0])
    answers = model.predict(odd, 0).y_pred
    longest = max(s.targets[:, 1].max() for s in make_fleet(5))
    assert answers[:, 1].max() <= longest + 1e-6
    assert (np.abs(answers[:, 0]) < 0.25).all()


def test_a_battery_whose_capacity_was_never_measured_gets_a_forecast() -> None:
    result, _ = train("TREES", make_fleet(5), max_horizon=10, use_capacity_history=True)
    series = make_battery("b", 60)
    unknown = replace(series, soh=np.full(60, np.nan))
    answers = result.model.predict(unknown, 5).y_pred
    assert np.isfinite(answers).all()


def test_tables_hold_labelled_rows_and_learn_rul_at_the_source() -> None:
    fleet = make_fleet(3)
    unlabelled = replace(fleet[0], targets=fleet[0].targets * [np.nan, 1.0])
    scale = fit_answer_scale(fleet, BOTH, seed=0)
    table = make_table([unlabelled], BOTH, scale, seed=0)
    assert len(table.inputs) == len(unlabelled)
    assert np.isnan(table.learned[:, 0]).all()
    np.testing.assert_allclose(np.expm1(table.learned[:, 1]), unlabelled.targets[:, 1], atol=1e-6)
    ahead_scale = fit_answer_scale(fleet, AHEAD, seed=0)
    ahead = make_table(fleet, AHEAD, ahead_scale, seed=0)
    assert len(ahead.inputs) == DRAWS * sum(len(s) - 1 for s in fleet)
    restored = ahead_scale.restore(ahead.learned, ahead.offset)
    assert (restored[:, 1] >= -1e-6).all()


def test_capacity_as_an_input_needs_a_measured_capacity() -> None:
    fleet = [replace(s, soh=np.full(len(s), np.nan)) for s in make_fleet(3)]
    with pytest.raises(FitError, match="use_capacity_history"):
        fit_answer_scale(fleet, AHEAD, seed=0)


def test_copies_among_the_inputs_are_harmless_to_the_ridge() -> None:
    x = np.random.default_rng(0).random((50, 2))
    y = 3.0 * x[:, 0] - x[:, 1] + 2.0
    doubled = np.column_stack([x, x, np.ones(50)])
    ridge = fit_ridge(doubled, y, penalty=0.0)
    np.testing.assert_allclose(ridge.predict(doubled), y, atol=1e-5)
    strong = fit_ridge(doubled, y, penalty=1e6)
    np.testing.assert_allclose(strong.predict(doubled), y.mean(), atol=1e-3)
