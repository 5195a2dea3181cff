"""DeepHPM: a surrogate u(s, t) and a hidden law G with u_t = G(s, t, u, u_s), learned together.

After Raissi 2018 and Wen et al. 2024 (doi 10.1109/TIV.2023.3315548).
"""

import torch
from torch import Tensor

from models.config import Hyperparameters
from models.network import Network, point_width, state_width
from models.perceptron import Jet, Perceptron
from models.physics import PhysicsNetwork, PhysicsTerms
from models.samples import Batch
from models.scaling import Scaler
from models.series import Task


class DeepHPM(PhysicsNetwork):
    """Surrogate and hidden physics; derivatives in t are carried forward by hand.

    With scaled targets G sees u and u_s in network units; without, everything is in physical
    units, as published.
    """

    slope_unit: Tensor

    def __init__(self, hp: Hyperparameters, task: Task, scaler: Scaler) -> None:
        super().__init__(hp, task, scaler)
        self.physics_inputs = hp.physics_inputs
        targets = len(task.targets)
        self.differentiable = len(task.feature_names) + int(task.use_capacity_history)
        widths = {"s": state_width(task), "t": point_width(task) - state_width(task), "u": targets}
        widths["u_s"] = targets * self.differentiable
        inputs = sum(widths[name] for name in hp.physics_inputs)
        self.physics = Perceptron(inputs, targets, hp.hidden_size, hp.num_layers, hp.dropout)
        # Network units of u_s in one unit of what G sees.
        unit = self.state_unit[: self.differentiable].expand(targets, -1).clone()
        unit = torch.ones_like(unit) if self.targets_scaled else unit
        self.register_buffer("slope_unit", unit, persistent=False)

    def physics_terms(self, batch: Batch) -> PhysicsTerms:
        """Return u, its derivatives, and how far the hidden law is from being obeyed."""
        state, needs_slopes = batch.state, "u_s" in self.physics_inputs
        if needs_slopes:
            # Not a leaf of the caller: validation without gradients must not be disturbed.
            state = state.detach().requires_grad_()
            u = self.surrogate.forward_jet(self._inputs_jet(state, batch), twice=True)
        else:
            u = self._surrogate_jet(batch)
        if u.second is None:
            raise RuntimeError("The surrogate must carry second derivatives.")
        u_s = self._slopes(u, state) if needs_slopes else None
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
        return (u_s.value / self.slope_unit).flatten(1), (u_s.first / self.slope_unit).flatten(1)


def build(hp: Hyperparameters, task: Task, scaler: Scaler) -> Network:
    """Return a new network of this algorithm."""
    return DeepHPM(hp, task, scaler)
