"""What the physics-informed networks share: surrogate u(s, t), scales, and the balance of losses.

After Raissi 2018 and Wen et al. 2024 (doi 10.1109/TIV.2023.3315548).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.config import Hyperparameters
from models.network import Losses, Network, masked_mean_square, point_inputs, point_width
from models.perceptron import Jet, Perceptron
from models.samples import Batch
from models.scaling import Scaler
from models.series import Task


@dataclass(frozen=True)
class PhysicsTerms:
    """All in physical units; t is the cycle number, with the state held fixed.

    Where RUL is learned in logarithms, log(1 + RUL) takes the place of RUL, in the law too.

    u (B, T); u_t (B, T) per cycle; u_s (B, T, D) per unit of each state input, None unless the
    law uses it; f = u_t - law (B, T) per cycle; f_t (B, T) per cycle squared.
    """

    u: Tensor
    u_t: Tensor
    u_s: Tensor | None
    f: Tensor
    f_t: Tensor


class PhysicsNetwork(Network):
    """A surrogate whose rate of change must obey a law; derivatives in t are carried forward.

    With scaled targets residuals are measured on the time scale of the training data
    (`time_unit`), so that data and physics losses are comparable. Without, everything is in
    physical units, as published.
    """

    time_unit: Tensor
    time_rates: Tensor
    state_unit: Tensor
    target_unit: Tensor
    target_offset: Tensor
    u_mean: Tensor
    u_std: Tensor

    def __init__(self, hp: Hyperparameters, task: Task, scaler: Scaler) -> None:
        super().__init__()
        self.loss_mode = hp.loss_mode
        self.physics_weight = hp.physics_weight
        self.targets_scaled = scaler.targets_scaled
        self.surrogate = Perceptron(
            point_width(task), len(task.targets), hp.hidden_size, hp.num_layers, hp.dropout
        )
        if hp.loss_mode == "ADPBAL":
            self.log_variances = nn.Parameter(torch.randn(3))
        self._keep_scales(task, scaler)

    def physics_terms(self, batch: Batch) -> PhysicsTerms:
        """Return u, its derivatives, and how far the law is from being obeyed."""
        raise NotImplementedError

    def predict(self, batch: Batch) -> Tensor:
        """Return targets (B, T) in network units."""
        outputs: Tensor = self.surrogate(point_inputs(batch))
        return outputs

    def losses(self, batch: Batch, target: Tensor, known: Tensor) -> Losses:
        """Return the data loss and the squared residuals f and f_t, summed or balanced."""
        if self.physics_weight == 0.0:
            return super().losses(batch, target, known)
        terms = self.physics_terms(batch)
        predicted = (terms.u - self.target_offset) / self.target_unit
        data = masked_mean_square(predicted - target, known)
        law = (terms.f * self.time_unit / self.target_unit).square().mean()
        law_t = (terms.f_t * self.time_unit**2 / self.target_unit).square().mean()
        total = self._balance(torch.stack([data, law, law_t]))
        return Losses(total, data, {"loss_f": law, "loss_f_t": law_t, "loss_total": total})

    def _keep_scales(self, task: Task, scaler: Scaler) -> None:
        """Keep what turns network units into physical ones; rebuilt from the scaler on loading."""
        rates = [1.0 / scaler.cycle_std]
        if task.is_forecast:
            rates.append(1.0 / scaler.age_scale)
        soh = [scaler.soh_std] if task.use_capacity_history else []
        scales = {
            "time_unit": scaler.cycle_std if scaler.targets_scaled else 1.0,
            "time_rates": rates,
            "state_unit": [*scaler.feature_std, *soh],
            "target_unit": scaler.target_unit.tolist(),
            "target_offset": scaler.target_offset.tolist(),
            "u_mean": scaler.target_mean.tolist(),
            "u_std": scaler.target_std.tolist(),
        }
        for name, values in scales.items():
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32), persistent=False)

    def _surrogate_jet(self, batch: Batch) -> Jet:
        """Return u and its derivatives in t, for gradients that are taken once."""
        return self.surrogate.forward_along(point_inputs(batch), self._rates(batch.state))

    def _inputs_jet(self, state: Tensor, batch: Batch) -> Jet:
        """Return state, time and age, moving in t: the state rests, time and age advance."""
        value = torch.cat([state, batch.time, batch.age], dim=1)
        return Jet(value, self._rates(state).expand_as(value), torch.zeros_like(value))

    def _rates(self, state: Tensor) -> Tensor:
        return torch.cat([state.new_zeros(state.shape[1]), self.time_rates])

    def _balance(self, losses: Tensor) -> Tensor:
        """Add data, f and f_t losses: by weight, or by learned log-variances l."""
        weights = losses.new_tensor([1.0, self.physics_weight, self.physics_weight])
        if self.loss_mode == "SUM":
            return (weights * losses).sum()
        return (torch.exp(-self.log_variances) * weights * losses + self.log_variances).sum()
