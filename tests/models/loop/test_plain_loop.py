"""The training loop does what a dozen plain lines of torch do, whatever is unknown."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from models.inputs.samples import ask_ahead, ask_current, gather, make_rows
from models.inputs.scaling import fit_scaler
from models.inputs.series import BatterySeries, make_task
from models.loop.build import load_build
from models.loop.network import mean_square
from models.settings.catalogue import ALGORITHMS
from models.settings.resolving import resolve
from tests.models.fleet import FEATURES, make_fleet
from tests.models.model.test_fitting import FORECAST, SMALL, run_fit

SETTINGS: dict[str, Any] = {
    "epochs": 4,
    "patience": 0,
    "dropout": 0.0,
    "num_layers": 2,
    "batch_size": 50,
    "schedule": "CONSTANT",
    "learning_rate": 1e-2,
    "weight_decay": 0.5,
    "gradient_clip": 0.05,
}


def partly_labelled() -> list[BatterySeries]:
    """Two batteries, one of which lacks every third RUL and all labels from cycle 41 on."""
    first, second = make_fleet(2)
    labels = first.targets.copy()
    labels[::3, 1] = np.nan
    labels[40:] = np.nan
    return [replace(first, targets=labels), second]


def trained_plainly(
    algorithm: str, train: list[BatterySeries], epochs: int, values: dict[str, Any]
) -> nn.Module:
    hp = resolve(algorithm, SMALL | values)
    task = make_task(("PCL", "RUL"), FEATURES, hp)
    scaler = fit_scaler(train, task, log_rul=ALGORITHMS[algorithm].log_rul)
    rows = make_rows(train, task, scaler, torch.device("cpu"))
    torch.manual_seed(hp.seed)
    network = load_build(algorithm)(hp, task, scaler)
    weights = [p for p in network.parameters() if p.ndim > 1]
    offsets = [p for p in network.parameters() if p.ndim == 1]
    groups = [{"params": weights, "weight_decay": 0.5}, {"params": offsets, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=1e-2)
    generator = torch.Generator().manual_seed(hp.seed)
    for _ in range(epochs):
        asked = ask_ahead(rows, 10, generator) if task.is_forecast else ask_current(rows)
        asked = asked.take((rows.known[asked.answer].sum(1) > 0).nonzero()[:, 0])
        for index in torch.randperm(len(asked), generator=generator).split(50):
            some = asked.take(index)
            batch = gather(rows, some, scaler, task, network.window_length)
            optimiser.zero_grad()
            predicted = network.predict(batch)
            mean_square(predicted, rows.target[some.answer], rows.known[some.answer]).backward()
            nn.utils.clip_grad_norm_(network.parameters(), 0.05)
            optimiser.step()
    return network


@pytest.mark.parametrize("mode", [{}, FORECAST], ids=["estimate", "forecast"])
@pytest.mark.parametrize("algorithm", ["BASELINE", "BILSTM"])
def test_the_loop_takes_the_steps_of_plain_torch(algorithm: str, mode: dict[str, Any]) -> None:
    train, values = partly_labelled(), SETTINGS | mode
    result = run_fit(algorithm, train, train, **values)
    assert result.best_epoch > 1
    expected = trained_plainly(algorithm, train, result.best_epoch, values).state_dict()
    for name, value in result.model.predictor.network.state_dict().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("algorithm", ["BASELINE", "BILSTM", "DEEPHPM", "VERHULST"])
def test_units_are_dropped_in_every_epoch(algorithm: str) -> None:
    """With steps too small to matter, dropout is all that can change the loss."""
    fleet, losses = make_fleet(3), []
    for dropout in (0.0, 0.5):
        values: dict[str, Any] = {"dropout": dropout, "epochs": 2, "learning_rate": 1e-6}
        reports: list[Any] = []
        run_fit(algorithm, fleet[:2], fleet[2:], reports.append, num_layers=2, **values)
        losses.append([report.train_loss for report in reports])
    for without, with_dropout in zip(*losses, strict=True):
        assert without != pytest.approx(with_dropout, rel=1e-3)
