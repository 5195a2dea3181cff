"""The loop that a textbook would write: a DataLoader, stock layers, autograd for derivatives."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Sampler, TensorDataset

from benchmarks.loop_cases import Prepared
from models.algorithms.bilstm import BiLSTM
from models.inputs.samples import Batch
from models.inputs.series import BatterySeries
from models.settings.hyperparameters import Hyperparameters


class SharedOrder(Sampler[int]):
    """Every epoch's permutation as the product draws it."""

    def __init__(self, n_rows: int, seed: int) -> None:
        self.n_rows = n_rows
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return self.n_rows

    def __iter__(self) -> Iterator[int]:
        return iter(torch.randperm(self.n_rows, generator=self.generator).tolist())


def stock_layers(ours: nn.ModuleList, hp: Hyperparameters) -> nn.Sequential:
    """Return the same perceptron from stock layers, with the same weights."""
    layers: list[nn.Module] = []
    for number, linear in enumerate(ours):
        outputs, inputs = linear.get_parameter("weight").shape
        copy = nn.Linear(inputs, outputs)
        copy.load_state_dict(linear.state_dict())
        layers.append(copy)
        if number < hp.num_layers:
            layers += [nn.Tanh(), nn.Dropout(hp.dropout)]
    return nn.Sequential(*layers)


class PlainPerceptron(nn.Module):
    """The loss of the Baseline."""

    def __init__(self, prepared: Prepared) -> None:
        super().__init__()
        ours = prepared.initial_network()
        self.layers = stock_layers(_perceptron(ours, "perceptron"), prepared.hp)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the mean squared error."""
        return (self.layers(x) - y).square().mean()


class PlainBiLSTM(nn.Module):
    """The loss of the product's BiLSTM on windows made beforehand."""

    def __init__(self, prepared: Prepared) -> None:
        super().__init__()
        ours = prepared.initial_network()
        if not isinstance(ours, BiLSTM):
            raise TypeError("This loop needs a BiLSTM.")
        self.network = ours

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the mean squared error; the time asked for stands in each window's last column."""
        windows, t = x[:, :, :-1], x[:, -1, -1:]
        return (self.network.predict(Batch(t, 0, windows)) - y).square().mean()


class PlainDeepHPM(nn.Module):
    """The balanced loss of DeepHPM with G(s, t, u); u_t, u_s and f_t by `autograd.grad`."""

    def __init__(self, prepared: Prepared) -> None:
        super().__init__()
        ours = prepared.initial_network()
        self.surrogate = stock_layers(_perceptron(ours, "surrogate"), prepared.hp)
        self.physics = stock_layers(_perceptron(ours, "physics"), prepared.hp)
        self.log_variances = nn.Parameter(ours.get_parameter("log_variances").detach().clone())

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the sum of the three balanced losses."""
        s, t = x[:, :-1].requires_grad_(), x[:, -1:].requires_grad_()
        u = self.surrogate(torch.cat([s, t], dim=1))
        u_t = slope(u, t)
        self.u_s = slope(u, s)
        f = u_t - self.physics(torch.cat([s, t, u], dim=1))
        f_t = slope(f, t)
        terms = torch.stack([(u - y).square().mean(), f.square().mean(), f_t.square().mean()])
        return (torch.exp(-self.log_variances) * terms + self.log_variances).sum()


def slope(outputs: Tensor, inputs: Tensor) -> Tensor:
    """Return the derivative of each row's single output by that row's inputs."""
    (found,) = torch.autograd.grad(outputs.sum(), inputs, create_graph=True)
    return found


LOSSES = {"BASELINE": PlainPerceptron, "BILSTM": PlainBiLSTM, "DEEPHPM": PlainDeepHPM}


def train_textbook(prepared: Prepared) -> list[float]:
    """Take `epochs` passes, validating after each; return each epoch's mean loss."""
    hp = prepared.hp
    data = TensorDataset(*_inputs_and_targets(prepared, prepared.train))
    val = _inputs_and_targets(prepared, prepared.val)
    loader = DataLoader(data, hp.batch_size, sampler=SharedOrder(len(data), hp.seed))
    loss = LOSSES[prepared.algorithm](prepared)
    optimiser = torch.optim.Adam(loss.parameters(), lr=hp.learning_rate)
    history = []
    for _ in range(hp.epochs):
        loss.train()
        running = 0.0
        for x, y in loader:
            optimiser.zero_grad()
            value = loss(x, y)
            value.backward()
            optimiser.step()
            running += value.item()
        history.append(running / len(loader))
        loss.eval()
        # Derivatives need a graph even here.
        with torch.set_grad_enabled(prepared.algorithm == "DEEPHPM"):
            loss(*val).item()
    return history


def _inputs_and_targets(
    prepared: Prepared, batteries: list[BatterySeries]
) -> tuple[Tensor, Tensor]:
    """Return inputs (N, S + 1) or windows (N, L, S + 3), time last, and targets (N, T)."""
    state, time, target = prepared.tensors(batteries)
    if state.ndim == 3:
        time = time[:, None].expand(-1, state.shape[1], -1)
    return torch.cat([state, time], dim=-1), target


def _perceptron(network: nn.Module, name: str) -> nn.ModuleList:
    """Return the layers of one perceptron."""
    found = network.get_submodule(f"{name}.layers")
    if not isinstance(found, nn.ModuleList):
        raise TypeError(f"{name} is not a perceptron.")
    return found
