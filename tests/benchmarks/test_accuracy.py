"""The accuracy table: who stops training, how errors are pooled, and what is picked."""

import numpy as np
import pytest

from benchmarks.accuracy import FOLDS, errors, score, score_parts, train_all, train_and_test
from benchmarks.accuracy_cases import Case, carve_val
from benchmarks.accuracy_table import markdown, picked_by_cv, picked_for_all
from tests.models.fleet import FEATURES, make_fleet

CASE = Case(
    "made up",
    FEATURES,
    ("PCL", "RUL"),
    make_fleet(15),
    {"test1": make_fleet(3, seed=1)},
    bars={("RUL", "rmse", "test1"): 9.0},
    references={"elsewhere": {("PCL", "rmse", "test1"): 0.5}},
)


def test_val_is_every_tenth_life_and_spares_the_extremes() -> None:
    fitted, val = carve_val(CASE.train[::-1])
    assert [s.code for s in val] == ["005"]
    assert len(fitted) == 14 and {"000", "014"} <= {s.code for s in fitted}


def test_the_table_holds_pooled_errors_beside_bars_and_says_what_was_picked() -> None:
    scores = []
    for folds in (range(FOLDS), [None]):
        parts = [train_and_test(CASE, ["LINEAR", "MEAN"], 0, fold) for fold in folds]
        scores += score_parts(CASE, 0, parts)
    rows = [vars(one) for one in scores]
    assert {one.split for one in scores} == {"cv", "test1"}
    assert picked_by_cv(rows) == {"PCL": "LINEAR", "RUL": "LINEAR"}
    text = markdown(CASE, rows)
    assert "| **target** |" in text and "9.0" in text and "0.50000" in text
    linear = next(one for one in scores if one.algorithm == "LINEAR" and one.split == "cv")
    assert linear.value == pytest.approx(0.0, abs=0.05)


def test_errors_are_kept_by_battery_over_labelled_cycles() -> None:
    model, _ = train_all(CASE, CASE.train, ["MEAN"], 0)["MEAN"]
    batteries = CASE.tests["test1"]
    found = errors(model, batteries, 0)
    assert [len(error) for error in found["PCL"]] == [len(s) for s in batteries]
    assert all(np.isfinite(error).all() for error in found["RUL"])


def test_one_battery_does_not_choose_for_all() -> None:
    by_battery = {
        "TREES": [np.full(900, 30.0), *[np.full(100, 1.0)] * 9],
        "LINEAR": [np.full(900, 29.0), *[np.full(100, 5.0)] * 9],
    }
    scores = [
        one
        for algorithm, found in by_battery.items()
        for one in score(CASE, algorithm, 0, "cv", {"RUL": found}, 1.0)
    ]
    pooled = {one.algorithm: one.value for one in scores if one.metric == "rmse"}
    assert pooled["LINEAR"] < pooled["TREES"]
    assert picked_by_cv([vars(one) for one in scores]) == {"RUL": "TREES"}


def test_one_algorithm_for_all_targets_is_the_best_by_their_ratios() -> None:
    wrong = {"TREES": (0.003, 70.0), "LINEAR": (0.004, 69.0), "ENSEMBLE": (0.002, 71.0)}
    scores = [
        vars(one)
        for algorithm, (pcl, rul) in wrong.items()
        for one in score(
            CASE, algorithm, 0, "cv", {"PCL": [np.full(9, pcl)], "RUL": [np.full(9, rul)]}, 1.0
        )
    ]
    assert picked_by_cv(scores) == {"PCL": "ENSEMBLE", "RUL": "LINEAR"}
    assert picked_for_all(scores) == "ENSEMBLE"
    assert "for all together: ENSEMBLE" in markdown(CASE, scores)
    assert picked_for_all([]) is None
