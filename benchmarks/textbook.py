"""The loops that a textbook would write: a DataLoader, autograd for every derivative."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from models.config import Hyperparameters


def textbook_mlp(inputs: int, outputs: int, hp: Hyperparameters) -> nn.Sequential:
    """Return the same perceptron as ours from stock layers."""
    layers: list[nn.Module] = []
    for _ in range(hp.num_layers):
        layers += [nn.Linear(inputs, hp.hidden_size), nn.Tanh(), nn.Dropout(hp.dropout)]
        inputs = hp.hidden_size
    return nn.Sequential(*layers, nn.Linear(inputs, outputs))


def train_baseline(
    state: Tensor, time: Tensor, target: Tensor, val: tuple[Tensor, ...], hp: Hyperparameters
) -> None:
    """Train a perceptron on state (N, S), time (N, 1) and target (N, T)."""
    network = textbook_mlp(state.shape[1] + 1, target.shape[1], hp)

    def loss(s: Tensor, t: Tensor, y: Tensor) -> Tensor:
        return (network(torch.cat([s, t], dim=1)) - y).square().mean()

    _train(network, loss, (state, time, target), val, hp)


def train_deephpm(
    state: Tensor, time: Tensor, target: Tensor, val: tuple[Tensor, ...], hp: Hyperparameters
) -> None:
    """Train a surrogate and G(s, t, u), with f and f_t from `torch.autograd.grad`."""
    width, targets = state.shape[1], target.shape[1]
    surrogate = textbook_mlp(width + 1, targets, hp)
    physics = textbook_mlp(width + 1 + targets, targets, hp)
    balance = nn.ParameterDict({"l": nn.Parameter(torch.randn(3))})

    def slope(outputs: Tensor, t: Tensor) -> Tensor:
        columns = [
            torch.autograd.grad(outputs[:, i].sum(), t, create_graph=True)[0]
            for i in range(outputs.shape[1])
        ]
        return torch.cat(columns, dim=1)

    def loss(s: Tensor, t: Tensor, y: Tensor) -> Tensor:
        t = t.clone().requires_grad_()
        u = surrogate(torch.cat([s, t], dim=1))
        f = slope(u, t) - physics(torch.cat([s, t, u], dim=1))
        f_t = slope(f, t)
        terms = torch.stack([(u - y).square().mean(), f.square().mean(), f_t.square().mean()])
        logs = balance["l"]
        return (torch.exp(-logs) * terms + logs).sum()

    _train(nn.ModuleList([surrogate, physics, balance]), loss, (state, time, target), val, hp)


def _train(
    network: nn.Module,
    loss: Callable[[Tensor, Tensor, Tensor], Tensor],
    data: tuple[Tensor, ...],
    val: tuple[Tensor, ...],
    hp: Hyperparameters,
) -> None:
    """Take `hp.epochs` passes, validating after each."""
    loader = DataLoader(TensorDataset(*data), batch_size=hp.batch_size, shuffle=True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=hp.learning_rate)
    for _ in range(hp.epochs):
        network.train()
        running = 0.0
        for s, t, y in loader:
            optimiser.zero_grad()
            value = loss(s, t, y)
            value.backward()
            nn.utils.clip_grad_norm_(network.parameters(), hp.gradient_clip)
            optimiser.step()
            running += value.item()
        network.eval()
        loss(*val).item()
