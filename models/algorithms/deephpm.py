"""DeepHPM: a surrogate u(s, t) and a law of fade u_t = G(s, t, u, u_s), learned together.

After Raissi 2018 and Wen et al. 2024 (doi 10.1109/TIV.2023.3315548).
"""

import torch
from torch import Tensor

from models.algorithms.physics import PhysicsNetwork, Residuals
from models.fast.door import make_perceptron
from models.inputs.samples import Batch
from models.inputs.scaling import Scaler
from models.inputs.series import Task
from models.loop.network import Network, point_width, state_width
from models.settings.hyperparameters import DeepHpmSettings


class DeepHPM(PhysicsNetwork):
    """The surrogate u and the law G; derivatives in t are computed along with the values.

    With scaled targets G gets u and u_s in network units; without, everything is in physical
    units, as published.
    """

    slope_unit: Tensor

    def __init__(self, hp: DeepHpmSettings, task: Task, scaler: Scaler) -> None:
        super().__init__(hp, task, scaler)
        self.physics_inputs = hp.physics_inputs
        targets = len(task.targets)
        self.differentiable = len(task.feature_names) + int(task.use_capacity_history)
        widths = {"s": state_width(task), "t": point_width(task) - state_width(task), "u": targets}
        widths["u_s"] = targets * self.differentiable
        inputs = sum(widths[name] for name in hp.physics_inputs)
        self.physics = make_perceptron(inputs, targets, hp.hidden_size, hp.num_layers, hp.dropout)
        # Number of network units of u_s in one unit of the input of G.
        unit = self.state_unit[: self.differentiable].expand(targets, -1).clone()
        unit = torch.ones_like(unit) if self.targets_scaled else unit
        self.register_buffer("slope_unit", unit, persistent=False)

    def residuals(self, batch: Batch) -> Residuals:
        """Return u, its derivatives, and the residuals of the law."""
        state, u_s = batch.state, None
        if "u_s" in self.physics_inputs:
            # A tensor of its own: asking for gradients must not change the caller's tensor.
            state = state.detach().requires_grad_()
            u = self.surrogate.forward_streams(self._moving_inputs(state, batch), twice=True)
            u_s = torch.stack([self._slopes(stream, state) for stream in u[:2]])
        else:
            u = self._surrogate_streams(batch)
        law = self.physics.forward_streams(self._physics_streams(state, batch, u, u_s))
        return Residuals(u, u[1:] - law, None if u_s is None else u_s[0])

    def _moving_inputs(self, state: Tensor, batch: Batch) -> Tensor:
        """Return (3, B, I): inputs and derivatives in t, with a constant state."""
        value = torch.cat([state, batch.clock], dim=1)
        return torch.stack([value, self.direction.expand_as(value), torch.zeros_like(value)])

    def _slopes(self, outputs: Tensor, state: Tensor) -> Tensor:
        """Return the slopes of outputs (B, T) in s, (B, T, D)."""
        found = []
        for column in outputs.unbind(dim=1):
            (slope,) = torch.autograd.grad(column.sum(), state, create_graph=True)
            found.append(slope[:, : self.differentiable])
        return torch.stack(found, dim=1)

    def _physics_streams(
        self, state: Tensor, batch: Batch, u: Tensor, u_s: Tensor | None
    ) -> Tensor:
        """Return the chosen inputs of G and their derivatives in t, (2, B, I)."""
        parts: list[Tensor] = []
        for name in self.physics_inputs:
            if name == "s":
                parts.append(torch.stack([state, torch.zeros_like(state)]))
            elif name == "t":
                clock = batch.clock
                parts.append(torch.stack([clock, self.time_rates.expand_as(clock)]))
            elif name == "u":
                parts.append(self._normalised(u[:2]))
            elif u_s is not None:
                parts.append((u_s / self.slope_unit).flatten(2))
        return torch.cat(parts, dim=2)

    def _normalised(self, u: Tensor) -> Tensor:
        """Return u and u_t, (2, B, T), in the units of the inputs of G."""
        if self.targets_scaled:
            return u
        return torch.stack([u[0] - self.u_mean, u[1]]) / self.u_std


def build(hp: DeepHpmSettings, task: Task, scaler: Scaler) -> Network:
    """Return a new network of this algorithm."""
    return DeepHPM(hp, task, scaler)
