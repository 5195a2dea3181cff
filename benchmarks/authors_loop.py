"""The loop of the DeepHPM study, written anew from its description (Wen et al. 2024).

Rows are collated one by one; inputs are standardised in every pass; the rate u_t is built for the
Baseline too; six series are kept per step; every epoch ends with a validation pass that builds all
derivatives. Losses are taken in the product's units, so that the three loops can be compared.
"""

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.loop_cases import Prepared
from benchmarks.textbook import SharedOrder, _perceptron, slope, stock_layers

SERIES = ("loss", "loss_u", "loss_f", "loss_f_t", "weight_u", "weight_f")


class RowDataset(Dataset[tuple[Tensor, Tensor]]):
    """One row at a time: raw inputs (1, S + 1) with the cycle last, and target (1, 1)."""

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        self.inputs, self.targets = inputs, targets

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        return self.inputs[index], self.targets[index]

    def __len__(self) -> int:
        return len(self.inputs)


class PublishedModel(nn.Module):
    """u, f and f_t of raw inputs (B, 1, S + 1); without physics f and f_t are zero."""

    def __init__(self, prepared: Prepared) -> None:
        super().__init__()
        ours, scaler, hp = prepared.initial_network(), prepared.scaler, prepared.hp
        self.physics = None
        if prepared.algorithm == "BASELINE":
            self.surrogate = stock_layers(_perceptron(ours, "perceptron"), hp)
        else:
            self.surrogate = stock_layers(_perceptron(ours, "surrogate"), hp)
            self.physics = stock_layers(_perceptron(ours, "physics"), hp)
        self.mean = torch.tensor([*scaler.feature_mean, scaler.cycle_mean], dtype=torch.float32)
        self.std = torch.tensor([*scaler.feature_std, scaler.cycle_std], dtype=torch.float32)
        self.target_mean = torch.tensor(scaler.target_mean, dtype=torch.float32)
        self.target_std = torch.tensor(scaler.target_std, dtype=torch.float32)

    def forward(self, inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return u (physical), and f and f_t on the time scale of the data."""
        s, t = inputs[:, :, :-1].requires_grad_(), inputs[:, :, -1:].requires_grad_()
        s_norm = (s - self.mean[:-1]) / self.std[:-1]
        t_norm = (t - self.mean[-1:]) / self.std[-1:]
        u_norm = self.surrogate(torch.cat([s_norm, t_norm], dim=2))
        u = u_norm * self.target_std + self.target_mean
        self.u_t = slope(u, t)
        if self.physics is None:
            return u, torch.zeros_like(u), torch.zeros_like(u)
        self.u_s = slope(u, s)
        rate = self.target_std / self.std[-1]
        f = self.u_t - rate * self.physics(torch.cat([s_norm, t_norm, u_norm], dim=2))
        f_t = slope(f, t)
        return u, f / rate, f_t / rate * self.std[-1]


class Criterion:
    """The three losses, balanced by learned log-variances where there is physics."""

    def __init__(self, model: PublishedModel, prepared: Prepared) -> None:
        self.model = model
        self.logs = torch.zeros(3)
        if model.physics is not None:
            start = prepared.initial_network().get_parameter("log_variances")
            self.logs = start.detach().clone()
        self.log_u, self.log_f, self.log_f_t = (
            value.clone().requires_grad_() for value in self.logs
        )

    def __call__(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return what is kept of every step."""
        u, f, f_t = self.model(inputs)
        loss_u = ((u - targets) / self.model.target_std).square().mean()
        loss_f, loss_f_t = f.square().mean(), f_t.square().mean()
        weight_u, weight_f = torch.exp(-self.log_u), torch.exp(-self.log_f)
        loss = loss_u
        if self.model.physics is not None:
            balanced = weight_u * loss_u + weight_f * loss_f + torch.exp(-self.log_f_t) * loss_f_t
            loss = balanced + self.log_u + self.log_f + self.log_f_t
        values = (loss, loss_u, loss_f, loss_f_t, weight_u, weight_f)
        return dict(zip(SERIES, values, strict=True))


def train_authors(prepared: Prepared) -> list[float]:
    """Take `epochs` passes, validating after each; return each epoch's mean loss."""
    hp = prepared.hp
    data = RowDataset(*_raw(prepared, prepared.train))
    val_inputs, val_targets = _raw(prepared, prepared.val)
    loader = DataLoader(data, hp.batch_size, sampler=SharedOrder(len(data), hp.seed))
    model = PublishedModel(prepared)
    criterion = Criterion(model, prepared)
    logs = [criterion.log_u, criterion.log_f, criterion.log_f_t]
    optimiser = torch.optim.Adam([*model.parameters(), *logs], lr=hp.learning_rate)
    history = {name: torch.zeros(hp.epochs) for name in SERIES}
    val_history = torch.zeros(hp.epochs)
    for epoch in range(hp.epochs):
        model.train()
        steps = {name: torch.zeros(len(loader)) for name in SERIES}
        for step, (inputs, targets) in enumerate(loader):
            optimiser.zero_grad()
            values = criterion(inputs, targets)
            values["loss"].backward()
            optimiser.step()
            for name, value in values.items():
                steps[name][step] = value.detach()
        for name, series in steps.items():
            history[name][epoch] = series.mean()
        model.eval()
        val_history[epoch] = criterion(val_inputs.clone(), val_targets)["loss_u"].detach()
    return [float(value) for value in history["loss"]]


def _raw(prepared: Prepared, batteries: list) -> tuple[Tensor, Tensor]:
    """Return inputs (N, 1, S + 1) and targets (N, 1, 1) in physical units."""
    scaler = prepared.scaler
    state, time, target = (values.double().numpy() for values in prepared.tensors(batteries))
    features = state * scaler.feature_std + scaler.feature_mean
    cycle = time * scaler.cycle_std + scaler.cycle_mean
    inputs = torch.tensor(features, dtype=torch.float32), torch.tensor(cycle, dtype=torch.float32)
    targets = torch.tensor(scaler.restore_targets(target), dtype=torch.float32)
    return torch.cat(inputs, dim=1)[:, None], targets[:, None]
