"""What the three training loops are compared on: the same data, network, batches and epochs."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.inputs.samples import Rows, ask_current, gather, make_rows
from models.inputs.scaling import Scaler, fit_scaler
from models.inputs.series import BatterySeries, Task, make_task
from models.loop.build import load_build
from models.loop.network import Network
from models.settings.hyperparameters import Hyperparameters
from models.settings.resolving import resolve

FEATURES = ("slope", "intercept", "temperature_avg")
ROWS_PER_BATTERY = 800
# As published; everything that only one loop could have is switched off.
PLAIN = {
    "patience": 0,
    "device": "cpu",
    "schedule": "CONSTANT",
    "learning_rate": 1e-3,
    "weight_decay": 0.0,
    "gradient_clip": 0.0,
    "hidden_size": 128,
    "physics_weight": 1.0,
}


@dataclass(frozen=True)
class LoopCase:
    """One line of the table; `bars` are the least ratios of other loops' time to ours."""

    name: str
    algorithm: str
    n_rows: int
    epochs: int
    settings: dict[str, object]
    bars: dict[str, float]


CASES = (
    LoopCase(
        "Baseline, 2,777 rows, batch 1024, 2x128",
        "BASELINE",
        2_777,
        30,
        {"batch_size": 1024, "num_layers": 2, "dropout": 0.2},
        {"authors": 6.0, "textbook": 1.7},
    ),
    LoopCase(
        "DeepHPM AdpBal, 2,777 rows, batch 1024, 2x128",
        "DEEPHPM",
        2_777,
        15,
        {"batch_size": 1024, "num_layers": 2, "dropout": 0.2, "loss_mode": "ADPBAL"},
        {"authors": 3.0, "textbook": 1.3},
    ),
    LoopCase(
        "DeepHPM AdpBal, 24,000 rows, batch 8192, 4x128",
        "DEEPHPM",
        24_000,
        2,
        {"batch_size": 8192, "num_layers": 4, "dropout": 0.2, "loss_mode": "ADPBAL"},
        {"authors": 1.7, "textbook": 1.2},
    ),
    LoopCase(
        "BiLSTM, 25,000 windows of 30, batch 512, 48 units",
        "BILSTM",
        25_000,
        1,
        {"batch_size": 512, "num_layers": 1, "hidden_size": 48, "window_length": 30},
        {"textbook": 1.0},
    ),
)


@dataclass(frozen=True)
class Prepared:
    """A case's data, settings and scales; every loop starts from `initial_network`."""

    algorithm: str
    train: list[BatterySeries]
    val: list[BatterySeries]
    task: Task
    hp: Hyperparameters
    scaler: Scaler

    def initial_network(self) -> Network:
        """Return the network with the weights that the product starts from."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.hp.seed)
            return load_build(self.algorithm)(self.hp, self.task, self.scaler)

    def tensors(self, batteries: list[BatterySeries]) -> tuple[Tensor, Tensor, Tensor]:
        """Return state (N, S) or windows (N, L, S + 2), time (N, 1), target (N, T), scaled."""
        rows: Rows = make_rows(batteries, self.task, self.scaler, torch.device("cpu"))
        window = self.hp.window_length if self.algorithm == "BILSTM" else None
        batch = gather(rows, ask_current(rows), self.scaler, self.task, window)
        state = batch.state if batch.window is None else batch.window
        return state, batch.time, rows.target


def prepare(case: LoopCase, **changes: object) -> Prepared:
    """Return the case ready to run; `changes` replace settings."""
    train, val = simulate(case.n_rows, 0), simulate(case.n_rows // 4, 1)
    hp = resolve(case.algorithm, PLAIN | {"epochs": case.epochs} | case.settings | changes)
    task = make_task(("PCL",), FEATURES, hp)
    return Prepared(case.algorithm, train, val, task, hp, fit_scaler(train, task))


def simulate(n_rows: int, seed: int) -> list[BatterySeries]:
    """Return batteries of noise around a fade, `n_rows` together; for speed only size matters."""
    rng = np.random.default_rng(seed)
    batteries = []
    for start in range(0, n_rows, ROWS_PER_BATTERY):
        cycle = np.arange(1, min(ROWS_PER_BATTERY, n_rows - start) + 1, dtype=np.int64)
        loss = 0.2 * (cycle / ROWS_PER_BATTERY) ** 2
        features = loss[:, None] + rng.uniform(-0.05, 0.05, (len(cycle), len(FEATURES)))
        code = f"{start // ROWS_PER_BATTERY:03d}"
        batteries.append(BatterySeries(code, cycle, features, loss[:, None], 1.0 - loss))
    return batteries
