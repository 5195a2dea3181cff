"""Models of every format so far, committed when it was the newest, load and predict the same."""

import gzip
import io
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.inputs.series import BatterySeries
from models.model.checkpoint import FORMAT_VERSION, TrainedModel
from models.settings.catalogue import ALGORITHMS
from tests.golden.make_checkpoints import answers, facts
from tests.paths import ROOT

FOLDER = ROOT / "tests" / "golden" / "checkpoints"
CHECKPOINTS = sorted(FOLDER.glob("*.pt.gz"))
# Shares of the largest number of a column. Networks answer in float32, and another processor adds
# up in another order; an interval over folds is found by bisection, which stops at a thousandth.
OF_PREDICTIONS, OF_BOUNDS = 1e-5, 2e-3
# What later versions would have to convert on purpose; anything else is compared as a number.
EXACT = ("algorithm", "targets", "feature_names", "max_horizon", "use_capacity_history", "folds")


@cache
def stored(format_name: str) -> dict[str, Any]:
    """The batteries and the expected answers of one format."""
    found: dict[str, Any] = json.loads((FOLDER / f"{format_name}.json").read_text())
    return found


def load(path: Path) -> TrainedModel:
    return TrainedModel.load(io.BytesIO(gzip.decompress(path.read_bytes())))


def expected_of(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = stored(path.name.partition("_")[0])["models"][path.name]
    return found


def batteries_of(path: Path) -> list[BatterySeries]:
    return [
        BatterySeries(
            code=plain["code"],
            cycle_num=np.array(plain["cycle_num"], np.int64),
            **{n: np.array(plain[n], np.float64) for n in ("features", "targets", "soh")},
        )
        for plain in stored(path.name.partition("_")[0])["batteries"]
    ]


def assert_alike(found: Any, expected: Any, share: float = OF_PREDICTIONS) -> None:
    """The same names, texts and unknowns, and numbers that differ by rounding at most."""
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for name, part in expected.items():
            bound = OF_BOUNDS if name in ("y_lower", "y_upper") else share
            assert_alike(found[name], part, bound)
    elif isinstance(expected, list) and expected and isinstance(expected[0], dict):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other, share)
    elif expected is None or isinstance(expected, str):
        assert found == expected
    else:
        actual, wanted = np.array(found, np.float64), np.array(expected, np.float64)
        assert actual.shape == wanted.shape
        np.testing.assert_array_equal(np.isnan(actual), np.isnan(wanted))
        largest = np.abs(np.nan_to_num(wanted)).max(axis=0, initial=0.0)
        assert (np.nan_to_num(np.abs(actual - wanted)) <= share * largest).all()


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.name.partition(".")[0])
def test_a_stored_model_predicts_what_it_predicted_when_it_was_made(path: Path) -> None:
    model, expected = load(path), expected_of(path)
    for battery in batteries_of(path):
        assert_alike(answers(model, battery), expected["answers"][battery.code])


@pytest.mark.parametrize("path", CHECKPOINTS, ids=lambda path: path.name.partition(".")[0])
def test_a_stored_model_keeps_its_question_its_settings_and_what_it_learned(path: Path) -> None:
    found, expected = facts(load(path)), expected_of(path)
    assert {name: found[name] for name in EXACT} == {name: expected[name] for name in EXACT}
    assert found["intervals"] == expected["intervals"]
    # A later version may know more settings; those of then keep their values.
    assert found["settings"] | expected["settings"] == found["settings"]
    assert_alike(found["learned"], expected["learned"])


def test_every_algorithm_has_one_of_each_question_in_the_newest_format() -> None:
    wanted = {
        f"format{FORMAT_VERSION}_{key.lower()}_{question}.pt.gz"
        for key, info in ALGORITHMS.items()
        for question in ("estimate", "forecast")
        if question == "forecast" or not info.forecasts_only
    }
    assert wanted <= {path.name for path in CHECKPOINTS}


def test_no_expected_answer_is_without_its_model() -> None:
    for path in FOLDER.glob("*.json"):
        names = {model.name for model in FOLDER.glob(f"{path.stem}_*.pt.gz")}
        assert names and set(stored(path.stem)["models"]) == names


def test_between_them_they_hold_everything_that_a_model_can_hold() -> None:
    models = {path.name.partition(".")[0]: load(path) for path in CHECKPOINTS}
    newest = {name: m for name, m in models.items() if name.startswith(f"format{FORMAT_VERSION}_")}
    methods = {
        band.method for m in newest.values() if m.calibration for band in m.calibration.bands
    }
    assert methods == {"split", "cv+", "none"}
    assert any(model.folds and model.applicability and model.floors for model in newest.values())
    assert {"MEAN", "LAST_VALUE", "LAST_SLOPE"} <= {f for m in newest.values() for f in m.floors}
    physics = newest[f"format{FORMAT_VERSION}_deephpm_estimate"].hp
    assert (physics.loss_mode, physics.physics_inputs) == ("ADPBAL", ("s", "t", "u", "u_s"))
    ensemble = newest[f"format{FORMAT_VERSION}_ensemble_estimate"]
    assert ensemble.task.targets == ("PCL", "RUL") and len(ensemble.folds) == 5
