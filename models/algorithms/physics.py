"""Shared by the physics-informed networks: surrogate u(s, t), scales, and balance of losses.

After Raissi 2018 and Wen et al. 2024 (doi 10.1109/TIV.2023.3315548).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.fast.door import make_perceptron
from models.inputs.samples import Batch
from models.inputs.scaling import Scaler
from models.inputs.series import Task
from models.loop.network import Losses, Network, point_width, state_width
from models.settings.hyperparameters import PhysicsSettings


@dataclass(frozen=True)
class PhysicsTerms:
    """Values, derivatives and residuals in physical units; t is the cycle at a fixed state.

    Where log(1 + RUL) is learned, it replaces RUL, in the law, too.

    u (B, T); u_t (B, T) per cycle; u_s (B, T, D) per unit of each state input, None unless the
    law uses it; f = u_t - law (B, T) per cycle; f_t (B, T) per cycle squared.
    """

    u: Tensor
    u_t: Tensor
    u_s: Tensor | None
    f: Tensor
    f_t: Tensor


@dataclass(frozen=True)
class Residuals:
    """Values, derivatives and residuals in network units; t is counted in `time_unit` cycles.

    u (3, B, T): u, u_t and u_tt; law (2, B, T): f and f_t; u_s (B, T, D) or None.
    """

    u: Tensor
    law: Tensor
    u_s: Tensor | None = None


class PhysicsNetwork(Network):
    """A surrogate whose rate of change is held to a law.

    With scaled targets residuals are measured on the time scale of the training data
    (`time_unit`), so that data and physics losses are comparable. Without, everything is in
    physical units, as published: `time_unit` and `target_unit` are 1.
    """

    time_unit: Tensor
    time_rates: Tensor
    direction: Tensor
    state_unit: Tensor
    target_unit: Tensor
    target_offset: Tensor
    u_mean: Tensor
    u_std: Tensor
    loss_weights: Tensor

    def __init__(self, hp: PhysicsSettings, task: Task, scaler: Scaler) -> None:
        super().__init__()
        self.loss_mode = hp.loss_mode
        self.physics_weight = hp.physics_weight
        self.targets_scaled = scaler.targets_scaled
        self.surrogate = make_perceptron(
            point_width(task), len(task.targets), hp.hidden_size, hp.num_layers, hp.dropout
        )
        if hp.loss_mode == "ADPBAL":
            self.log_variances = nn.Parameter(torch.randn(3))
        self._keep_scales(task, scaler)

    def residuals(self, batch: Batch) -> Residuals:
        """Return u, its derivatives, and the residuals of the law."""
        raise NotImplementedError

    def physics_terms(self, batch: Batch) -> PhysicsTerms:
        """Return the residuals in physical units."""
        found, unit, time = self.residuals(batch), self.target_unit, self.time_unit
        return PhysicsTerms(
            u=found.u[0] * unit + self.target_offset,
            u_t=found.u[1] * (unit / time),
            u_s=None if found.u_s is None else found.u_s * unit[:, None] / self.state_unit,
            f=found.law[0] * (unit / time),
            f_t=found.law[1] * (unit / time**2),
        )

    def predict(self, batch: Batch) -> Tensor:
        """Return targets (B, T) in network units."""
        outputs: Tensor = self.surrogate(batch.points)
        return outputs

    def losses(self, batch: Batch, target: Tensor, known: Tensor | None) -> Losses:
        """Return the data loss and the squared residuals f and f_t, summed or balanced."""
        if self.physics_weight == 0.0:
            return super().losses(batch, target, known)
        found = self.residuals(batch)
        squares = torch.cat([found.u[:1] - target, found.law]).square()
        if known is not None:
            squares = squares * self._shares(known)
        means = squares.mean(dim=(1, 2))
        total = self._balance(means)
        data, f, f_t = means.detach().unbind()
        return Losses(total, data, {"loss_f": f, "loss_f_t": f_t, "loss_total": total})

    @staticmethod
    def _shares(known: Tensor) -> Tensor:
        """Return the weights of squares (3, B, T) in a mean; those of u are as in `mean_square`."""
        labelled = known * (known.numel() / known.sum().clamp(min=1.0))
        return torch.stack([labelled, torch.ones_like(known), torch.ones_like(known)])

    def _keep_scales(self, task: Task, scaler: Scaler) -> None:
        """Store the factors from network units to physical ones; loading rebuilds them."""
        time_unit = scaler.cycle_std if scaler.targets_scaled else 1.0
        rates = [1.0 / scaler.cycle_std]
        if task.is_forecast:
            rates.append(1.0 / scaler.age_scale)
        soh = [scaler.soh_std] if task.use_capacity_history else []
        scales = {
            "time_unit": time_unit,
            "time_rates": [time_unit * rate for rate in rates],
            "direction": [0.0] * state_width(task) + [time_unit * rate for rate in rates],
            "state_unit": [*scaler.feature_std, *soh],
            "target_unit": scaler.target_unit.tolist(),
            "target_offset": scaler.target_offset.tolist(),
            "u_mean": scaler.target_mean.tolist(),
            "u_std": scaler.target_std.tolist(),
            "loss_weights": [1.0, self.physics_weight, self.physics_weight],
        }
        for name, values in scales.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    def _surrogate_streams(self, batch: Batch) -> Tensor:
        """Return u and its derivatives in t, (3, B, T); gradients can be taken once only."""
        return self.surrogate.forward_along(batch.points, self.direction)

    def _balance(self, losses: Tensor) -> Tensor:
        """Add the losses of data, f and f_t, with fixed weights or with learned log-variances."""
        weighted = self.loss_weights * losses
        if self.loss_mode == "SUM":
            return weighted.sum()
        return (torch.exp(-self.log_variances) * weighted + self.log_variances).sum()
