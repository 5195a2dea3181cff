"""The loop of all networks: the learning rate's course, and the same work on a GPU."""

from typing import Any

import numpy as np
import pytest
import torch

from models.inputs.predictor import EpochReport
from models.settings.errors import FitError
from tests.models.fleet import make_fleet
from tests.models.model.test_fitting import run_fit

EPOCHS, FIRST_RATE = 60, 8e-3


def _rates(schedule: str, unlabelled_from: int | None = None) -> list[float]:
    fleet = make_fleet(3, ("PCL",))
    for series in fleet[:2] if unlabelled_from else []:
        series.targets[unlabelled_from:] = np.nan
    reports: list[EpochReport] = []
    settings: dict[str, Any] = {"schedule": schedule, "learning_rate": FIRST_RATE, "patience": 0}
    run_fit("BASELINE", fleet[:2], fleet[2:], reports.append, ("PCL",), epochs=EPOCHS, **settings)
    return [report.learning_rate for report in reports]


def test_a_constant_rate_stays() -> None:
    assert _rates("CONSTANT") == [FIRST_RATE] * EPOCHS


def test_a_cosine_rises_first_and_ends_at_a_hundredth() -> None:
    rates = _rates("COSINE")
    top = rates.index(max(rates))
    assert 0 < top <= EPOCHS // 5 and rates[0] < 0.3 * FIRST_RATE
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert max(rates) == pytest.approx(FIRST_RATE, rel=0.05)
    assert rates[-1] == pytest.approx(0.01 * FIRST_RATE, rel=0.3)


@pytest.mark.parametrize("schedule", ["COSINE", "STEP"])
def test_rates_end_low_where_most_rows_are_unlabelled(schedule: str) -> None:
    """An epoch takes fewer steps then; the course is over when the epochs are."""
    some, all_labelled = _rates(schedule, unlabelled_from=12), _rates(schedule)
    assert some[-1] == pytest.approx(all_labelled[-1], rel=0.3)


def test_steps_halve_five_times_at_equal_distances() -> None:
    rates = _rates("STEP")
    settled = rates[EPOCHS // 10 :]
    steps = sorted(set(settled), reverse=True)
    assert steps == pytest.approx([FIRST_RATE / 2**n for n in range(6)])
    assert [settled.count(rate) for rate in steps] == pytest.approx([EPOCHS * 0.9 / 6] * 6, abs=1)


def test_a_loss_that_becomes_no_number_ends_the_run_with_a_hint() -> None:
    fleet = make_fleet(3, ("PCL",))
    settings: dict[str, Any] = {"learning_rate": 1.0, "gradient_clip": 0.0, "epochs": 20}
    settings |= {"hidden_size": 512, "batch_size": 1, "loss_mode": "ADPBAL"}
    with pytest.raises(FitError, match=r"exploded in epoch \d+\. Lower the learning rate"):
        run_fit("DEEPHPM", fleet[:2], fleet[2:], targets=("PCL",), **settings)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("algorithm", ["BASELINE", "BILSTM", "DEEPHPM", "VERHULST"])
def test_a_gpu_does_the_same_work(algorithm: str) -> None:
    fleet = make_fleet(4)
    losses = {}
    for device in ("cpu", "cuda"):
        reports: list[EpochReport] = []
        settings: dict[str, Any] = {"device": device, "epochs": 3, "dropout": 0.0}
        result = run_fit(algorithm, fleet[:3], fleet[3:], reports.append, **settings)
        losses[device] = [report.val_loss for report in reports]
        assert result.model.predict(fleet[3], 0).y_pred.shape == (len(fleet[3]), 2)
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=1e-2)
    dropped: list[EpochReport] = []
    settings = {"device": "cuda", "epochs": 15, "dropout": 0.2}
    run_fit(algorithm, fleet[:3], fleet[3:], dropped.append, **settings)
    assert dropped[-1].train_loss < dropped[0].train_loss
