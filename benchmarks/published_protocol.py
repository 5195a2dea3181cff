"""The published protocol of Wen et al. 2024 (doi 10.1109/TIV.2023.3315548), with our networks.

Rows of the training cells are split at random (20 % are held back and used for nothing); inputs
are standardised on the rest; losses are sums over the batch in physical units; Adam at 1e-3; the
last incomplete batch is dropped; the weights of the last epoch count.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.ingest.formats.mat5 import read_arrays
from core.ingest.limits import DEFAULT_LIMITS
from core.measures import metrics
from models.algorithms.deephpm import DeepHPM
from models.inputs.samples import Batch, ask_current, gather, make_rows
from models.inputs.scaling import Scaler, fit_scaler
from models.inputs.series import BatterySeries, Task
from models.loop.build import load_build
from models.loop.network import Network
from models.settings.resolving import resolve

FEATURES = ("slope", "intercept", "temperature_avg")
HELD_BACK = 0.2
EPOCHS, BATCH_SIZE, LEARNING_RATE, DROPOUT = 2000, 1024, 1e-3, 0.2
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Protocol:
    """One figure of the study: cells by 1-based position, target, and the networks' sizes."""

    train_cells: tuple[int, ...]
    test_cell: int
    target: str
    algorithm: str
    hidden_size: int = 128
    physics_inputs: tuple[str, ...] = ("s", "t")


@dataclass(frozen=True)
class Rows:
    """Inputs in network units and targets (N, 1) in physical ones."""

    batch: Batch
    target: Tensor


def run(protocol: Protocol, file: Path, seed: int, epochs: int = EPOCHS) -> float:
    """Train and return the test cell's error: RMSPE on SOH (fraction), or RMSE (cycles) of RUL."""
    torch.manual_seed(seed)
    cells = read_cells(file, protocol.target)
    train = _without_held_back([cells[number - 1] for number in protocol.train_cells])
    task = Task((protocol.target,), FEATURES)
    scaler = _plain_scaler(train, task)
    network = build_network(protocol, task, scaler)
    fit(network, rows_of(train, task, scaler), scaler, epochs)
    test = rows_of([cells[protocol.test_cell - 1]], task, scaler)
    return error(network, test, scaler, protocol.target)


@lru_cache(maxsize=2)
def read_cells(file: Path, target: str) -> list[BatterySeries]:
    """Return all cells of the study's file with one target, PCL as a fraction or RUL in cycles."""
    names = ("Features_mov_Flt", "Cycles_Flt", "Num_Cycles_Flt", f"{target}_Flt")
    arrays = read_arrays(file, names, DEFAULT_LIMITS)
    ends = np.cumsum(arrays["Num_Cycles_Flt"].ravel().astype(np.int64))
    cells = []
    for number, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True), start=1):
        cycle = arrays["Cycles_Flt"].ravel()[start:end].astype(np.int64)
        label = arrays[f"{target}_Flt"].ravel()[start:end, None]
        features = arrays["Features_mov_Flt"][start:end, : len(FEATURES)]
        unknown = np.full(len(cycle), np.nan)
        cells.append(BatterySeries(f"{number:03d}", cycle, features, label, unknown))
    return cells


def build_network(protocol: Protocol, task: Task, scaler: Scaler) -> Network:
    """Return the product's network; G's output and u_s are in physical units, as published."""
    settings = {"hidden_size": protocol.hidden_size, "num_layers": 2, "dropout": DROPOUT}
    physics = {"loss_mode": "ADPBAL", "physics_inputs": protocol.physics_inputs}
    physics = physics if protocol.algorithm == "DEEPHPM" else {}
    hp = resolve(protocol.algorithm, {**settings, **physics})
    network = load_build(protocol.algorithm)(hp, task, scaler)
    _draw_offsets(network)
    if isinstance(network, DeepHPM):
        # G's output is per cycle and not scaled: all that counts time must agree on that.
        faster = network.target_unit[0] / network.time_unit
        for counted in (network.time_unit, network.time_rates, network.direction):
            counted.mul_(faster)
        network.slope_unit.copy_(network.state_unit / network.target_unit[:, None])
    return network


def fit(network: Network, rows: Rows, scaler: Scaler, epochs: int) -> list[float]:
    """Train in place; return the loss of each epoch's last batch."""
    optimiser = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, fused=True)
    network.train()
    n_rows = len(rows.target)
    size = min(BATCH_SIZE, n_rows)
    history = []
    for _ in range(epochs):
        order = torch.randperm(n_rows)
        for start in range(0, n_rows - size + 1, size):
            index = order[start : start + size]
            loss = _loss(network, rows.batch.take(index), rows.target[index], scaler)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        history.append(float(loss.detach()))
    return history


def rows_of(cells: list[BatterySeries], task: Task, scaler: Scaler) -> Rows:
    """Return all rows of some cells."""
    rows = make_rows(cells, task, scaler, CPU)
    batch = gather(rows, ask_current(rows), scaler, task, None)
    labels = np.concatenate([cell.targets for cell in cells])
    return Rows(batch, torch.tensor(labels, dtype=torch.float32))


@torch.no_grad()
def error(network: Network, rows: Rows, scaler: Scaler, target: str) -> float:
    """Return the study's measure of a target on these rows."""
    network.eval()
    predicted = _physical(network.predict(rows.batch), scaler).double().numpy()[:, 0]
    found = metrics.score(target, rows.target.double().numpy()[:, 0], predicted)
    if found is None:
        raise ValueError("The test cell has no labels.")
    return float(found["rmspe" if target == "PCL" else "rmse"])


def _loss(network: Network, batch: Batch, target: Tensor, scaler: Scaler) -> Tensor:
    if not isinstance(network, DeepHPM):
        return (_physical(network.predict(batch), scaler) - target).square().sum()
    terms = network.physics_terms(batch)
    losses = torch.stack(
        [(terms.u - target).square().sum(), terms.f.square().sum(), terms.f_t.square().sum()]
    )
    return (torch.exp(-network.log_variances) * losses + network.log_variances).sum()


def _physical(outputs: Tensor, scaler: Scaler) -> Tensor:
    return outputs * float(scaler.target_unit[0]) + float(scaler.target_offset[0])


def _draw_offsets(network: Network) -> None:
    """Draw offsets as stock layers do; only the product starts from zero."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.Linear):
            bound = layer.in_features**-0.5
            torch.nn.init.uniform_(layer.bias, -bound, bound)


def _without_held_back(cells: list[BatterySeries]) -> list[BatterySeries]:
    """Return each cell without a random 20 % of its rows."""
    return [_drop_rows(cell) for cell in cells]


def _drop_rows(cell: BatterySeries) -> BatterySeries:
    keep = np.ones(len(cell), dtype=bool)
    keep[torch.randperm(len(cell))[: math.ceil(HELD_BACK * len(cell))].numpy()] = False
    return BatterySeries(
        cell.code, cell.cycle_num[keep], cell.features[keep], cell.targets[keep], cell.soh[keep]
    )


def _plain_scaler(train: list[BatterySeries], task: Task) -> Scaler:
    """Return standardisation without the product's clipping."""
    features = np.concatenate([cell.features for cell in train])
    wide = np.full(features.shape[1], np.inf)
    return replace(
        fit_scaler(train, task),
        feature_low=-wide,
        feature_high=wide,
        feature_mean=features.mean(axis=0),
        feature_std=features.std(axis=0),
    )
