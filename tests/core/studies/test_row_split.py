"""Random rows flatter a model that recognises batteries; whole batteries do not."""

import numpy as np
import pandas as pd
import pytest

from core.base.errors import TaskFailed
from core.studies import row_split_fit
from core.studies.row_split import RowSplitResult, parse_result
from core.studies.row_split_fit import compute


def fleet(batteries: int = 10, cycles: int = 60) -> pd.DataFrame:
    """Each battery has a fade rate of its own, which its one feature gives away only as a name."""
    generator = np.random.default_rng(0)
    names = generator.permutation(batteries)
    parts = []
    for number in range(batteries):
        cycle = np.arange(1, cycles + 1)
        pcl = 0.002 * cycle * (1 + generator.uniform(0, 3))
        parts.append(
            pd.DataFrame(
                {
                    "battery_code": f"b{number:02d}",
                    "cycle_num": cycle,
                    "feature_1": names[number] + 0.01 * generator.normal(size=cycles),
                    "pcl": pcl,
                    "rul": np.nan,
                }
            )
        )
    return pd.concat(parts, ignore_index=True).astype({"battery_code": "category"})


def quiet(_stage: str, _share: float) -> None:
    """Progress that nobody looks at."""


@pytest.fixture(scope="module")
def result() -> RowSplitResult:
    return parse_result(compute(fleet(), ["feature_1"], quiet))


def test_trees_look_their_neighbours_up_and_a_line_cannot(result: RowSplitResult) -> None:
    scores = result.scores.set_index("model")
    assert result.targets == ("PCL",)
    assert scores["ratio"]["TREES"] > 3
    assert scores["ratio_low"]["TREES"] > 1
    assert scores["ratio"]["LINEAR"] < 1.5
    assert result.rows_used == result.rows_total == 600


def test_the_example_shows_both_predictions_of_one_battery(result: RowSplitResult) -> None:
    own = result.example
    assert len(own) == 60
    assert own["cycle_num"].is_monotonic_increasing
    error = (own[["rows", "batteries"]].sub(own["y_true"], axis=0) ** 2).mean()
    assert error["batteries"] > error["rows"]


def test_large_datasets_are_thinned_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_split_fit, "MAX_ROWS", 200)
    result = parse_result(compute(fleet(), ["feature_1"], quiet))
    assert (result.rows_used, result.rows_total) == (200, 600)


def test_without_labels_it_ends_with_a_reason() -> None:
    with pytest.raises(TaskFailed, match="PCL or RUL"):
        compute(fleet().assign(pcl=np.nan), ["feature_1"], quiet)
