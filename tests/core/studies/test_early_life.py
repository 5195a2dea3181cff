"""Cycle life from early cycles: published numbers, nothing learned from test batteries."""

import numpy as np
import pandas as pd
import pytest

from core.base.errors import InvalidInput
from core.studies import early_life_fit, early_life_models
from core.studies.battery_table import BatteryTable, check_table
from core.studies.early_life import EarlyLifeResult, parse_result
from core.studies.early_life_features import early_features
from core.studies.early_life_fit import compute
from core.studies.early_life_models import Fitting, Preparation
from core.studies.early_life_table import make_table, propose_columns, read_battery_table
from tests.core.studies.early_tables import fading_table
from tests.paths import SHARED_DATA, needs_shared_data

DELTA_Q = SHARED_DATA / "severson" / "severson_delta_q_100_10.csv"


def study(table: BatteryTable, variance: str | None) -> EarlyLifeResult:
    return parse_result(
        compute(
            table,
            source="table",
            k=None,
            variance=variance,
            left_out=[],
            report=lambda _stage, _share: None,
        )
    )


@pytest.fixture(scope="module")
def severson() -> EarlyLifeResult:
    raw = read_battery_table(DELTA_Q.name, DELTA_Q.read_bytes())
    columns = propose_columns(raw)
    table, left_out = make_table(raw, columns)
    assert left_out == []
    return study(table, columns.variance)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One repetition and few resamples, where neither matters."""
    monkeypatch.setattr(early_life_models, "REPEATS", 1)
    monkeypatch.setattr(early_life_fit, "RESAMPLES", 1000)


@needs_shared_data
def test_the_published_variance_model(severson: EarlyLifeResult) -> None:
    """Severson et al. 2019, table 1: 103 / 138 / 196 cycles and 14.1 / 14.7 / 11.4 %."""
    found = {group: severson.score("VARIANCE", group) for group in severson.counts}
    assert severson.counts == {"train": 41, "primary": 43, "secondary": 40}
    for group, rmse, mape in (
        ("train", 103.6, 14.1),
        ("primary", 137.9, 14.7),
        ("secondary", 195.9, 11.4),
    ):
        assert found[group]["rmse"] == pytest.approx(rmse, abs=0.1)
        assert found[group]["mape"] == pytest.approx(mape, abs=0.1)
        assert found[group]["rmse_low"] < found[group]["rmse"] < found[group]["rmse_high"]


@needs_shared_data
def test_the_shorted_cell_is_in_and_named(severson: EarlyLifeResult) -> None:
    """The paper's figures without it, in brackets there: 138 cycles and 13.2 %."""
    assert severson.is_severson
    assert severson.shorted == "043"
    primary = severson.score("VARIANCE", "primary")
    assert primary["rmse_without"] == pytest.approx(138.3, abs=0.1)
    assert primary["mape_without"] == pytest.approx(13.2, abs=0.1)
    assert any("043" in note for note in severson.notes)


@needs_shared_data
def test_more_features_beat_one_where_batteries_are_alike(severson: EarlyLifeResult) -> None:
    for model in ("RIDGE", "PCR", "PLSR"):
        for group in ("primary", "secondary"):
            error = severson.score(model, group)["rmse"]
            assert error < 0.5 * severson.score("MEAN", group)["rmse"]
        assert severson.score(model, "primary")["rmse"] < 110
        assert severson.cv_rmse[model] < severson.cv_rmse["VARIANCE"]
    assert severson.score("RIDGE", "primary")["rmse"] < 97  # the published best


@pytest.mark.usefixtures("quick")
def test_a_known_law_is_found() -> None:
    table = fading_table()
    result = study(table, "delta_q_variance")
    assert result.score("RIDGE", "primary")["rmse"] < 0.1 * result.score("MEAN", "primary")["rmse"]
    ridge = result.weights[result.weights["model"] == "RIDGE"].set_index("feature")
    train = table.features[table.rows_of("train")]
    # By the law: -0.4 for a decade of the variance, 10 for an Ah of capacity, in log10 of life.
    by_variance = 10 ** (-0.4 * np.log10(train[:, 0]).std()) - 1
    by_capacity = 10 ** (10 * train[:, 1].std()) - 1
    assert ridge["effect_percent"]["delta_q_variance"] == pytest.approx(100 * by_variance, abs=1)
    assert ridge["effect_percent"]["first_capacity"] == pytest.approx(100 * by_capacity, abs=1)
    assert abs(ridge["effect_percent"]["noise"]) < 2


@pytest.mark.usefixtures("quick")
def test_the_best_single_feature_is_chosen_on_training_batteries() -> None:
    table = fading_table()
    result = study(table, None)
    assert result.score("SINGLE", "train")["setting"] == "delta_q_variance"
    wild = table.features.copy()
    wild[~table.rows_of("train"), 0] = 1.0
    changed = BatteryTable(table.codes, table.groups, table.cycle_life, table.names, wild)
    other = study(changed, None)
    assert other.cv_rmse == result.cv_rmse
    assert other.chosen == result.chosen


@pytest.mark.usefixtures("quick")
def test_the_floor_is_the_mean_of_training_batteries() -> None:
    table = fading_table()
    result = study(table, None)
    mean = table.cycle_life[table.rows_of("train")].mean()
    assert result.batteries["MEAN"].to_numpy() == pytest.approx(mean, abs=0.01)
    assert result.floors == {"MEAN"}


def test_preparation_clips_to_what_training_batteries_showed() -> None:
    x = np.column_stack([np.linspace(1, 3, 30), np.full(30, 5.0), np.logspace(-5, -3, 30)])
    prepared = Preparation.learn(x)
    assert prepared.log.tolist() == [False, False, True]
    wild = prepared.apply(np.array([[1e6, 9.0, 1e-4]]))
    assert abs(wild[0, 0]) < 6
    assert wild[0, 1] == 0.0
    assert wild[0, 2] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.filterwarnings("ignore:y residual is constant")
@pytest.mark.usefixtures("quick")
def test_equal_lives_are_no_reason_to_fail() -> None:
    x = np.random.default_rng(0).normal(size=(20, 2))
    fitting = Fitting(x, np.full(20, 500.0))
    for model in (fitting.single(("a", "b")), fitting.ridge(), fitting.pcr(), fitting.plsr()):
        assert model.predict(x) == pytest.approx(500.0)


@pytest.mark.usefixtures("quick")
def test_a_feature_that_is_the_answer_is_pointed_out() -> None:
    table = fading_table()
    features = np.column_stack([table.features, table.cycle_life - 3])
    names = (*table.names, "last cycle")
    leaky = BatteryTable(table.codes, table.groups, table.cycle_life, names, features)
    notes = study(leaky, None).notes
    assert any(note.startswith("last cycle follows cycle life almost exactly") for note in notes)
    assert not any("follows cycle life" in note for note in study(table, None).notes)


def test_too_few_training_batteries_are_refused() -> None:
    with pytest.raises(InvalidInput, match="at least 10"):
        check_table(fading_table(n_train=9))
    with pytest.raises(InvalidInput, match="nothing is left to test on"):
        check_table(fading_table(n_test=0))


def cycles_of(code: str, number: np.ndarray, value: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"battery_code": code, "cycle_num": number, "feature_1": value})


def test_features_of_the_first_cycles_see_nothing_later() -> None:
    number = np.arange(2, 301)
    value = 5.0 + 0.01 * number
    value[40] = 1e6  # a glitch of the instrument
    early, short = early_features(cycles_of("a", number, value), {"feature_1": "R"}, 100)
    assert short == []
    row = early.loc["a"]
    assert row["R: slope from 10 to 100"] == pytest.approx(0.01)
    assert row["R: at cycle 100"] == pytest.approx(5.98)
    assert row["R: change from 10 to 100"] == pytest.approx(0.88)
    assert row["R: scatter"] == pytest.approx(0.0, abs=1e-9)
    value[number > 100] = -7.0
    later, _ = early_features(cycles_of("a", number, value), {"feature_1": "R"}, 100)
    pd.testing.assert_frame_equal(early, later)


def test_batteries_with_too_few_early_cycles_are_named() -> None:
    full = cycles_of("full", np.arange(1, 120), np.ones(119))
    sparse = cycles_of("sparse", np.arange(1, 120, 20), np.ones(6))
    ends = cycles_of("ends", np.arange(1, 60), np.ones(59))
    late = cycles_of("late", np.arange(150, 200), np.ones(50))
    frame = pd.concat([full, sparse, ends, late])
    early, short = early_features(frame, {"feature_1": "R"}, 100)
    assert list(early.index) == ["full"]
    assert short == ["ends", "late", "sparse"]
