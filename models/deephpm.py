"""DeepHPM: a surrogate u(s, t) and a hidden law G with u_t = G(s, t, u, u_s), learned together.

After Raissi 2018 and Wen et al. 2024 (doi 10.1109/TIV.2023.3315548).
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.config import Hyperparameters
from models.network import Losses, Network, masked_mean_square, point_width, state_width
from models.perceptron import Jet, Perceptron
from models.samples import Batch
from models.scaling import Scaler
from models.series import Task


@dataclass(frozen=True)
class PhysicsTerms:
    """All in physical units; t is the cycle number, with the state held fixed.

    u (B, T); u_t (B, T) per cycle; u_s (B, T, D) per unit of each state input, None unless G
    uses it; f = u_t - G (B, T) per cycle; f_t (B, T) per cycle squared.
    """

    u: Tensor
    u_t: Tensor
    u_s: Tensor | None
    f: Tensor
    f_t: Tensor


class DeepHPM(Network):
    """Surrogate and hidden physics; derivatives in t are carried forward by hand.

    With scaled targets G sees u and u_s in network units, and residuals are measured on the time
    scale of the training data (`time_unit`), so that data and physics losses are comparable.
    Without, everything is in physical units, as published.
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
        self.physics_inputs = hp.physics_inputs
        self.loss_mode = hp.loss_mode
        self.physics_weight = hp.physics_weight
        self.targets_scaled = scaler.targets_scaled
        targets = len(task.targets)
        self.differentiable = len(task.feature_names) + int(task.use_capacity_history)
        widths = {"s": state_width(task), "t": point_width(task) - state_width(task), "u": targets}
        widths["u_s"] = targets * self.differentiable
        inputs = sum(widths[name] for name in hp.physics_inputs)
        sizes = (hp.hidden_size, hp.num_layers, hp.dropout)
        self.surrogate = Perceptron(point_width(task), targets, *sizes)
        self.physics = Perceptron(inputs, targets, *sizes)
        if hp.loss_mode == "ADPBAL":
            self.log_variances = nn.Parameter(torch.randn(3))
        self._keep_scales(task, scaler)

    def predict(self, batch: Batch) -> Tensor:
        """Return targets (B, T) in network units."""
        outputs: Tensor = self.surrogate(torch.cat([batch.state, batch.time, batch.age], dim=1))
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

    def physics_terms(self, batch: Batch) -> PhysicsTerms:
        """Return u, its derivatives, and how far the hidden law is from being obeyed."""
        state = batch.state
        if "u_s" in self.physics_inputs:
            # Not a leaf of the caller: validation without gradients must not be disturbed.
            state = state.detach().requires_grad_()
        u = self.surrogate.forward_jet(self._inputs_jet(state, batch))
        if u.second is None:
            raise RuntimeError("The surrogate must carry second derivatives.")
        u_s = self._slopes(u, state) if "u_s" in self.physics_inputs else None
        law = self.physics.forward_jet(self._physics_jet(state, batch, u, u_s))
        scale = self.target_unit
        law_scale = scale / self.time_unit
        return PhysicsTerms(
            u=u.value * scale + self.target_offset,
            u_t=u.first * scale,
            u_s=None if u_s is None else u_s.value * scale[:, None] / self.state_unit,
            f=u.first * scale - law.value * law_scale,
            f_t=u.second * scale - law.first * law_scale,
        )

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
            self.register_buffer(name, torch.tensor(values), persistent=False)

    def _inputs_jet(self, state: Tensor, batch: Batch) -> Jet:
        """Return state, time and age, moving in t: the state rests, time and age advance."""
        value = torch.cat([state, batch.time, batch.age], dim=1)
        rates = torch.cat([state.new_zeros(state.shape[1]), self.time_rates])
        return Jet(value, rates.expand_as(value), torch.zeros_like(value))

    def _slopes(self, u: Jet, state: Tensor) -> Jet:
        """Return du/ds and its derivative in t, (B, T, D) in network units."""
        values, firsts = [], []
        for column in range(u.value.shape[1]):
            values.append(self._slope(u.value[:, column], state))
            firsts.append(self._slope(u.first[:, column], state))
        return Jet(torch.stack(values, dim=1), torch.stack(firsts, dim=1))

    def _slope(self, output: Tensor, state: Tensor) -> Tensor:
        (slope,) = torch.autograd.grad(output.sum(), state, create_graph=True)
        return slope[:, : self.differentiable]

    def _physics_jet(self, state: Tensor, batch: Batch, u: Jet, u_s: Jet | None) -> Jet:
        """Return the chosen inputs of G and their derivatives in t."""
        parts: list[tuple[Tensor, Tensor]] = []
        for name in self.physics_inputs:
            if name == "s":
                parts.append((state, torch.zeros_like(state)))
            elif name == "t":
                time = torch.cat([batch.time, batch.age], dim=1)
                parts.append((time, self.time_rates.expand_as(time)))
            elif name == "u":
                parts.append(self._normalised(u))
            elif u_s is not None:
                parts.append(self._physics_slopes(u_s))
        values, firsts = zip(*parts, strict=True)
        return Jet(torch.cat(values, dim=1), torch.cat(firsts, dim=1))

    def _normalised(self, u: Jet) -> tuple[Tensor, Tensor]:
        if self.targets_scaled:
            return u.value, u.first
        return (u.value - self.u_mean) / self.u_std, u.first / self.u_std

    def _physics_slopes(self, u_s: Jet) -> tuple[Tensor, Tensor]:
        unit = 1.0 if self.targets_scaled else self.state_unit
        return (u_s.value / unit).flatten(1), (u_s.first / unit).flatten(1)

    def _balance(self, losses: Tensor) -> Tensor:
        """Add data, f and f_t losses: by weight, or by learned log-variances l."""
        weights = losses.new_tensor([1.0, self.physics_weight, self.physics_weight])
        if self.loss_mode == "SUM":
            return (weights * losses).sum()
        return (torch.exp(-self.log_variances) * weights * losses + self.log_variances).sum()


def build(hp: Hyperparameters, task: Task, scaler: Scaler) -> Network:
    """Return a new network of this algorithm."""
    return DeepHPM(hp, task, scaler)
