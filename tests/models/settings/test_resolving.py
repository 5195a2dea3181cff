"""Settings: complete, checked, and free of torch."""

import subprocess
import sys
from dataclasses import dataclass, replace

import pytest

from models.settings.catalogue import ALGORITHMS
from models.settings.errors import HyperparameterError
from models.settings.hyperparameters import LinearSettings
from models.settings.resolving import (
    HYPERPARAMETERS,
    algorithms_with,
    check_question,
    estimate_seconds,
    parse_value,
    resolve,
    restore_settings,
    total_rounds,
)
from models.settings.specs import setting, specs_of
from tests.paths import ROOT


def test_importing_the_configuration_does_not_import_torch() -> None:
    modules = "sys, models, models.settings.resolving, models.inputs.series"
    code = f"import {modules}; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_defaults_resolve_and_survive_json(algorithm: str) -> None:
    hp = resolve(algorithm, {})
    restored = restore_settings(algorithm, hp.to_json(), format_version=4, made_by="0.1.0")
    assert restored == hp and type(restored) is ALGORITHMS[algorithm].settings
    assert all(getattr(hp, spec.name) == spec.default for spec in ALGORITHMS[algorithm].specs)


def test_every_setting_has_words_and_bounds() -> None:
    for spec in HYPERPARAMETERS:
        assert spec.label and spec.help.endswith(".") and algorithms_with(spec.name)
        assert (spec.kind in ("int", "float")) == (spec.minimum is not None)
        assert (spec.kind in ("choice", "multichoice")) == bool(spec.choices)
        assert set(spec.choice_labels or spec.choices) == set(spec.choices)


def test_defaults_of_an_algorithm_are_settings_that_it_has() -> None:
    for info in ALGORITHMS.values():
        assert set(info.defaults) <= {spec.name for spec in info.specs}
        assert info.rounds is None or info.rounds in {spec.name for spec in info.specs}
        assert info.physics == ("physics_weight" in {spec.name for spec in info.specs})


def test_settings_belong_to_the_algorithms_that_use_them() -> None:
    owners = {spec.name: algorithms_with(spec.name) for spec in HYPERPARAMETERS}
    networks = tuple(key for key, info in ALGORITHMS.items() if info.family == "network")
    assert owners["window_length"] == ("BILSTM",)
    assert owners["physics_inputs"] == ("DEEPHPM",)
    assert owners["loss_mode"] == owners["physics_weight"] == ("DEEPHPM", "VERHULST")
    assert owners["epochs"] == networks
    assert owners["boosting_rounds"] == ("TREES",) and owners["ridge_alpha"] == ("TREES", "LINEAR")
    assert owners["max_horizon"] == tuple(ALGORITHMS)
    assert not hasattr(resolve("BASELINE", {}), "tree_l2")


def test_what_an_algorithm_cannot_answer_is_refused() -> None:
    with pytest.raises(HyperparameterError, match="floor of forecasts only"):
        check_question("LAST_VALUE", ("PCL",), resolve("LAST_VALUE", {}))
    forecast = {"max_horizon": 5}
    with pytest.raises(HyperparameterError, match="not RUL"):
        check_question("LAST_SLOPE", ("PCL", "RUL"), resolve("LAST_SLOPE", forecast))
    check_question("LAST_SLOPE", ("PCL",), resolve("LAST_SLOPE", forecast))
    check_question("MEAN", ("PCL", "RUL"), resolve("MEAN", {}))


def test_overrides_win_over_shared_settings_for_their_algorithm_only() -> None:
    values = {"epochs": 7, "overrides": {"BILSTM": {"epochs": 3, "window_length": 12}}}
    assert resolve("BASELINE", values).epochs == 7
    bilstm = resolve("BILSTM", values)
    assert (bilstm.epochs, bilstm.window_length) == (3, 12)


def test_numbers_take_their_setting_s_type() -> None:
    hp = resolve("DEEPHPM", {"epochs": 5.0, "dropout": 0, "physics_inputs": ["u", "t"]})
    assert (hp.epochs, type(hp.epochs), type(hp.dropout)) == (5, int, float)
    assert hp.physics_inputs == ("t", "u")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number from 1 to 10000, not 0"),
        ({"epochs": 1.5}, "epochs must be a whole number"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"epochs": "5"}, "epochs must be a whole number"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number from 1e-06 to 1"),
        ({"epochs": float("inf")}, "epochs must be"),
        ({"loss_mode": "sum"}, "loss_mode must be one of SUM, ADPBAL"),
        ({"device": ["cpu"]}, "device must be one of"),
        ({"physics_inputs": []}, "physics_inputs must be a list of at least one of"),
        ({"physics_inputs": [["s"]]}, "physics_inputs must be a list of at least one of"),
        ({"use_capacity_history": 1}, "use_capacity_history must be true or false"),
        ({"use_capacity_history": True}, "needs max_horizon above 0"),
        ({"epoch": 3}, "Unknown setting 'epoch'"),
        ({"overrides": {"LSTM": {}}}, "Unknown algorithm 'LSTM'"),
        ({"overrides": {"BASELINE": {"window_length": 3}}}, "not a setting of BASELINE"),
        ({"overrides": [1]}, "overrides must map"),
        ({"overrides": {"BILSTM": 3}}, "overrides of BILSTM must map"),
    ],
)
def test_bad_settings_are_refused_by_name(values: dict[str, object], message: str) -> None:
    with pytest.raises(HyperparameterError, match=message):
        resolve("BASELINE", values)


def test_incomplete_stored_settings_are_refused() -> None:
    stored = resolve("BASELINE", {}).to_json()
    del stored["seed"]
    with pytest.raises(HyperparameterError, match="lack seed"):
        restore_settings("BASELINE", stored, format_version=4, made_by="0.1.0")


def test_models_of_the_first_format_hold_the_settings_of_all_algorithms() -> None:
    stored = resolve("BASELINE", {"epochs": 7}).to_json()
    older = {"tree_l2": 1.0, "window_length": 20}
    restored = restore_settings("BASELINE", stored | older, format_version=3, made_by="0.1.0")
    assert restored == resolve("BASELINE", {"epochs": 7})
    with pytest.raises(HyperparameterError, match="does not know"):
        restore_settings("BASELINE", stored | older, format_version=4, made_by="0.1.0")


def test_a_setting_unknown_now_names_the_version_that_made_the_model() -> None:
    stored = resolve("BASELINE", {}).to_json() | {"momentum": 0.9}
    for format_version in (3, 4):
        with pytest.raises(HyperparameterError, match=r"FadeBench 0\.9\.2 .*'momentum'"):
            restore_settings("BASELINE", stored, format_version=format_version, made_by="0.9.2")


def test_a_setting_added_later_loads_with_what_older_models_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @dataclass(frozen=True)
    class LaterSettings(LinearSettings):
        sharpness: float = setting(
            2.0, "Sharpness", "Made up.", minimum=0.0, maximum=9.0, added_in=5, value_before=1.0
        )

    stored = resolve("LINEAR", {}).to_json()
    later = replace(ALGORITHMS["LINEAR"], settings=LaterSettings)
    monkeypatch.setitem(ALGORITHMS, "LINEAR", later)
    assert resolve("LINEAR", {}).sharpness == 2.0
    restored = restore_settings("LINEAR", stored, format_version=4, made_by="0.1.0")
    assert restored.sharpness == 1.0
    with pytest.raises(HyperparameterError, match="lack sharpness"):
        restore_settings("LINEAR", stored, format_version=5, made_by="0.2.0")


def test_a_field_that_is_no_setting_is_refused() -> None:
    @dataclass(frozen=True)
    class Odd:
        size: int = 3

    @dataclass(frozen=True)
    class Untyped:
        name: str = setting("a", "Name", "Free text is no setting.")

    for wrong in (Odd, Untyped):
        with pytest.raises(TypeError):
            specs_of(wrong)


def test_text_becomes_the_setting_s_own_type() -> None:
    assert parse_value("epochs", "12") == 12
    assert parse_value("learning_rate", "1e-3") == 1e-3
    assert parse_value("physics_inputs", "u, s") == ("s", "u")
    assert parse_value("use_capacity_history", "True") is True
    for name, text in (("epochs", "many"), ("use_capacity_history", "maybe"), ("x", "1")):
        with pytest.raises(HyperparameterError):
            parse_value(name, text)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_duration_grows_with_work_and_shrinks_with_threads(algorithm: str) -> None:
    rounds = ALGORITHMS[algorithm].rounds
    hp = resolve(algorithm, {rounds: 10} if rounds else {})
    base = estimate_seconds(algorithm, hp, 10_000, 1)
    assert 0 < estimate_seconds(algorithm, hp, 10_000, 2) < base
    assert base < estimate_seconds(algorithm, hp, 20_000, 1)
    assert total_rounds(algorithm, hp) == (10 if rounds else 1)
    if rounds:
        longer = resolve(algorithm, {rounds: 20})
        assert base < estimate_seconds(algorithm, longer, 10_000, 1)
