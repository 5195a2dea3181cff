"""The loss that stops training: what one battery can do to it, and what it cannot."""

import numpy as np
import pytest
import torch

from models.inputs.samples import Batch, Rows, ask_current, make_rows
from models.inputs.scaling import Scaler, fit_scaler
from models.inputs.series import make_task
from models.loop.network import Network
from models.loop.validation import prepare_validation, validate
from models.settings.resolving import resolve
from tests.models.fleet import FEATURES, make_fleet

HP = resolve("BASELINE", {"device": "cpu"})
TASK = make_task(("PCL", "RUL"), FEATURES, HP)
FLEET = make_fleet(3)


class Off(Network):
    """Answers the truth plus an error of its own for each battery and target."""

    def __init__(self, truth: torch.Tensor, error: torch.Tensor) -> None:
        super().__init__()
        self.answers = truth + error

    def predict(self, batch: Batch) -> torch.Tensor:
        return self.answers


def validated(rows: Rows, error: torch.Tensor, scaler: Scaler) -> float:
    """Validate a network that is wrong by error (rows, T) in network units."""
    val = prepare_validation(rows, ask_current(rows), scaler, TASK, None)
    return validate(Off(rows.target, error), val)[0]


def loss_of(errors: np.ndarray, scaler: Scaler) -> float:
    """Validate a network that is wrong by errors (batteries, T) in network units."""
    rows = make_rows(FLEET, TASK, scaler, torch.device("cpu"))
    lengths = [len(s) for s in FLEET]
    error = torch.tensor(np.repeat(errors, lengths, axis=0), dtype=torch.float32)
    return validated(rows, error, scaler)


def test_the_loss_is_the_geometric_mean_over_batteries_and_targets() -> None:
    scaler = fit_scaler(FLEET, TASK, log_rul=True)
    errors = np.array([[0.1, 0.2], [0.4, 0.8], [0.5, 0.05]])
    assert loss_of(errors, scaler) == pytest.approx(np.exp(np.log(errors**2).mean()), rel=1e-3)


def test_a_battery_unlike_the_others_does_not_hide_that_they_improve() -> None:
    scaler = fit_scaler(FLEET, TASK, log_rul=True)
    early = np.array([[3.0, 0.5], [0.4, 0.5], [0.4, 0.5]])
    late = np.array([[3.3, 0.5], [0.1, 0.5], [0.1, 0.5]])
    assert (late**2).mean() > (early**2).mean()
    assert loss_of(late, scaler) < loss_of(early, scaler)


def test_unlabelled_targets_of_a_battery_do_not_count() -> None:
    scaler = fit_scaler(FLEET, TASK, log_rul=True)
    rows = make_rows(FLEET, TASK, scaler, torch.device("cpu"))
    first = len(FLEET[0])
    rows.known[:first, 1] = 0.0
    error = torch.full_like(rows.target, 0.1)
    error[:first, 1] = 100.0
    assert validated(rows, error, scaler) == pytest.approx(0.01, rel=1e-3)
