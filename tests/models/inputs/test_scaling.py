"""Scales: fitted on training batteries, robust to glitches, reversible."""

from dataclasses import replace

import numpy as np
import pytest

from models.inputs.scaling import Scaler, fit_scaler
from models.inputs.series import Task
from models.settings.errors import FitError
from tests.models.fleet import FEATURES, make_battery, make_fleet

TASK = Task(("PCL", "RUL"), FEATURES)


def test_a_glitch_a_thousand_times_the_range_does_not_squash_the_rest() -> None:
    clean = make_fleet(4)
    glitch = clean[0].features.copy()
    glitch[5, 0] = 1000.0
    spoiled = [replace(clean[0], features=glitch), *clean[1:]]
    with_glitch, without = fit_scaler(spoiled, TASK), fit_scaler(clean, TASK)
    assert with_glitch.feature_std[0] < 1.5 * without.feature_std[0]
    scaled = with_glitch.scale_features(glitch)
    assert np.abs(scaled).max() < 20
    # Inside the 1-99 % range nothing is clipped.
    kept = clean[1].features[10:20]
    expected = (kept - with_glitch.feature_mean) / with_glitch.feature_std
    np.testing.assert_allclose(with_glitch.scale_features(kept), expected)


def test_training_rows_come_out_standardised_and_targets_come_back() -> None:
    fleet = make_fleet(4)
    scaler = fit_scaler(fleet, TASK)
    features = np.concatenate([scaler.scale_features(s.features) for s in fleet])
    np.testing.assert_allclose(features.mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(features.std(axis=0), 1.0, atol=1e-9)
    targets = fleet[0].targets
    np.testing.assert_allclose(scaler.restore_targets(scaler.scale_targets(targets)), targets)


def test_rul_learned_as_a_logarithm_comes_back_and_is_capped() -> None:
    fleet = make_fleet(4)
    scaler = fit_scaler(fleet, TASK, log_rul=True)
    targets = fleet[0].targets
    scaled = scaler.scale_targets(targets)
    np.testing.assert_allclose(scaler.restore_targets(scaled), targets, atol=1e-9)
    # Halving a long RUL and halving a short one are the same error; PCL stays linear.
    steps = scaler.scale_targets(np.array([[0.1, 199.0], [0.2, 99.0], [0.3, 49.0]]))
    np.testing.assert_allclose(*np.diff(steps, axis=0))
    longest = max(s.targets[:, 1].max() for s in fleet)
    assert scaler.restore_targets(np.array([[0.0, 50.0]]))[0, 1] == pytest.approx(longest)
    again = Scaler.from_json(scaler.to_json())
    np.testing.assert_array_equal(again.scale_targets(targets), scaled)


def test_unscaled_targets_stay_in_physical_units() -> None:
    fleet = make_fleet(3)
    scaler = fit_scaler(fleet, TASK, scale_targets=False)
    np.testing.assert_array_equal(scaler.scale_targets(fleet[0].targets), fleet[0].targets)


def test_constant_and_nearly_constant_features_are_harmless() -> None:
    battery = make_battery("a", 500)
    features = battery.features.copy()
    features[:, 0] = 5.0
    features[:, 1] = 0.0
    features[7, 1] = 1.0
    scaler = fit_scaler([replace(battery, features=features)], TASK)
    scaled = scaler.scale_features(features)
    assert np.isfinite(scaled).all()
    assert (scaled[:, 0] == 0).all()


def test_unknown_soh_is_flagged_not_invented() -> None:
    task = Task(("PCL",), FEATURES, 5, True)
    battery = make_battery("a", 50, ("PCL",))
    soh = battery.soh.copy()
    soh[3] = np.nan
    scaler = fit_scaler([replace(battery, soh=soh)], task)
    scaled = scaler.scale_soh(soh)
    assert scaled[3].tolist() == [0.0, 0.0]
    assert scaled[4, 1] == 1.0
    with pytest.raises(FitError, match="use_capacity_history"):
        fit_scaler([replace(battery, soh=np.full(50, np.nan))], task)


def test_a_target_without_labels_is_refused() -> None:
    with pytest.raises(FitError, match="No training battery carries PCL"):
        fit_scaler([make_battery("a", 30, labelled=False)], TASK)
    battery = make_battery("a", 30)
    absurd = replace(battery, targets=battery.targets * [1.0, 1e300])
    with pytest.raises(FitError, match="RUL labels are far too large"):
        fit_scaler([absurd], TASK)


def test_scales_survive_json() -> None:
    scaler = fit_scaler(make_fleet(2), TASK)
    again = Scaler.from_json(scaler.to_json())
    assert again.to_json() == scaler.to_json()
    with pytest.raises(KeyError):
        Scaler.from_json({})
