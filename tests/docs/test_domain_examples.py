"""The worked examples in docs/domain.md come out as written there."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.evaluation.cycles_seen import told_lives
from core.ingest import splits
from core.ingest.end_of_life import eol_cycle
from core.ingest.file_rul import life_from_rul
from core.ingest.isolated_readings import isolated_mask
from core.ingest.label_origins import LabelOrigins
from core.ingest.labels import relabel
from core.ingest.mapping import EolRule
from core.measures import coverage
from core.measures.metrics import score
from core.measures.paired import compare_means
from models.algorithms.last_slope import LastSlope
from models.algorithms.mean import fit_mean
from models.inputs.predictor import Asked
from models.inputs.series import BatterySeries, Floats, make_task
from models.model.checkpoint import TrainedModel
from models.settings.resolving import resolve
from models.uncertainty import intervals
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "domain.md").read_text(encoding="utf-8")
Example = Mapping[str, Any]


def _examples() -> list[Example]:
    blocks = re.findall(r"^```toml example\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [tomllib.loads(block) for block in blocks]


def _cycles(example: Example) -> np.ndarray:
    return np.array(example["cycle"], dtype=np.int64)


def _floats(values: Sequence[Any]) -> Floats:
    return np.array([np.nan if value == "none" else value for value in values], dtype=np.float64)


def _none(value: Any) -> Any:
    return None if value in ("none", "never") else value


def _series(code: str, cycle: Sequence[int], pcl: Sequence[float]) -> BatterySeries:
    column = _floats(pcl)
    n = len(column)
    return BatterySeries(code, np.array(cycle), np.ones((n, 1)), column[:, None], 1.0 - column)


def _check_end_of_life(example: Example) -> None:
    cycle, soh = _cycles(example), _floats(example["soh"])
    first = EolRule(example["threshold"])
    assert eol_cycle(cycle, soh, first) == example["first_crossing"]
    for count in (2, 3):
        rule = EolRule(example["threshold"], "consecutive", count)
        assert eol_cycle(cycle, soh, rule) == _none(example[f"consecutive_{count}"])


def _check_isolated(example: Example) -> None:
    found = np.flatnonzero(isolated_mask(_floats(example["soh"]))) + 1
    assert found.tolist() == example["isolated"]


def _check_rul(example: Example) -> None:
    n = len(example["cycle"])
    cycles = pd.DataFrame(
        {
            "battery_code": pd.Categorical(["001"] * n),
            "cycle_num": _cycles(example),
            "capacity_ah": example["capacity_ah"],
            "pcl": np.full(n, np.nan),
            "rul": np.full(n, np.nan),
        }
    )
    origins = LabelOrigins(pcl="computed", rul="computed", capacity="file")
    rule = EolRule(example["threshold"])
    labelled, batteries = relabel(cycles, {"001": example["nominal_ah"]}, rule, origins)
    life = batteries["cycle_life"].iloc[0]
    assert (None if pd.isna(life) else life) == _none(example["cycle_life"])
    assert bool(batteries["censored"].iloc[0]) == (example["cycle_life"] == "none")
    found = labelled["rul"].to_numpy(np.float64, na_value=np.nan)
    np.testing.assert_array_equal(found, _floats(example["rul"]))


def _check_life_from_rul(example: Example) -> None:
    assert life_from_rul(_cycles(example), _floats(example["rul"])) == example["cycle_life"]


@dataclass
class _Recorder:
    """A predictor that keeps what it was asked."""

    asked: Asked | None = None

    def predict(self, series: BatterySeries, asked: Asked) -> Floats:
        self.asked = asked
        return np.zeros((len(asked), 1))

    def content(self) -> dict[str, Any]:
        return {}


def _check_asked_cycles(example: Example) -> None:
    hp = resolve("LAST_VALUE", {"max_horizon": example["horizon"]})
    recorder = _Recorder()
    model = TrainedModel("LAST_VALUE", hp, make_task(["PCL"], ["f"], hp), recorder)
    cycle = _cycles(example)
    predicted = model.predict(_series("001", cycle, [0.0] * len(cycle)), example["horizon"])
    assert predicted.cycle_num.tolist() == example["asked"]
    assert recorder.asked is not None
    assert cycle[recorder.asked.source].tolist() == example["from"]


def _check_metrics(example: Example) -> None:
    found = score(example["target"], _floats(example["y_true"]), _floats(example["y_pred"]))
    assert found is not None
    told = {name: value for name, value in example.items() if name in found}
    assert len(told) >= 4
    for name, value in told.items():
        assert found[name] == pytest.approx(value, abs=1e-6), name


def _check_split(example: Example) -> None:
    n = len(example["cycle_life"])
    batteries = pd.DataFrame(
        {
            "battery_code": [f"{i:03d}" for i in range(n)],
            "cycle_life": pd.array(example["cycle_life"], dtype="Int64"),
            "first_capacity_ah": 1.1,
            "last_capacity_ah": 0.9,
        }
    )
    roles = list(splits.propose_split(batteries).values())
    assert {role: roles.count(role) for role in splits.ROLES} == {
        role: example[role] for role in splits.ROLES
    }


def _check_interval_method(example: Example) -> None:
    found = [intervals.choose_method(*counts) for counts in example["train_val"]]
    assert found == example["method"]


def _check_coverage(example: Example) -> None:
    parts = zip(example["y_true"], example["y_lower"], example["y_upper"], strict=True)
    batteries = [coverage.battery_coverage(*map(_floats, part)) for part in parts]
    found = coverage.overall_coverage(
        [battery for battery in batteries if battery],
        nominal=intervals.NOMINAL,
        method="split",
        n_calibration=20,
        design_effect=1.0,
    )
    assert found is not None
    assert found["observed"] == pytest.approx(example["coverage"])


def _check_mean_floor(example: Example) -> None:
    pairs = zip(example["cycle"], example["pcl"], strict=True)
    curve = fit_mean([_series(str(i), *pair) for i, pair in enumerate(pairs)])
    answer = curve.at(np.array(example["asked"]))[:, 0]
    assert answer.tolist() == pytest.approx(example["answer"])


def _check_last_slope(example: Example) -> None:
    series = _series("001", example["cycle"], example["pcl"])
    at_cycle = np.array([example["cycle"][-1] + example["horizon"]])
    assert at_cycle.tolist() == [example["at_cycle"]]
    asked = Asked(np.array([len(series) - 1]), at_cycle)
    found = LastSlope(fit_mean([series])).predict(series, asked)
    assert found[0, 0] == pytest.approx(example["answer"])


def _check_ranks(example: Example) -> None:
    ranks = compare_means(np.array(example["errors"])).ranks
    assert [best for best, _ in ranks] == example["best"]
    assert [worst for _, worst in ranks] == example["worst"]


def _check_life_told(example: Example) -> None:
    predictions = pd.DataFrame(
        {
            "battery_code": "001",
            "cycle_num": example["cycle"],
            "y_true": example["rul_true"],
            "y_pred": example["rul_pred"],
        }
    )
    row = told_lives(predictions, [example["cycles_seen"]]).iloc[0]
    assert (row["true_life"], row["told_life"]) == (example["life_true"], example["life_told"])


CHECKS: dict[str, Callable[[Example], None]] = {
    "end of life": _check_end_of_life,
    "isolated readings": _check_isolated,
    "rul": _check_rul,
    "life from rul": _check_life_from_rul,
    "asked cycles": _check_asked_cycles,
    "metrics": _check_metrics,
    "split": _check_split,
    "interval method": _check_interval_method,
    "coverage": _check_coverage,
    "mean floor": _check_mean_floor,
    "last slope": _check_last_slope,
    "ranks": _check_ranks,
    "life told": _check_life_told,
}


@pytest.mark.parametrize("example", _examples(), ids=lambda example: example["kind"])
def test_worked_examples_come_out_as_written(example: Example) -> None:
    CHECKS[example["kind"]](example)


def test_every_kind_of_example_is_on_the_page() -> None:
    assert {example["kind"] for example in _examples()} == set(CHECKS)
