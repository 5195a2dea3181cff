"""Verhulst: a surrogate u(s, t) held to a logistic law of fade, whose limits it learns.

The law of Wen et al. 2024 (doi 10.1109/TIV.2023.3315548), for each target separately:
du/dt = d r (u - C) (1 - (u - C) / (K - C)), with d = 1 for PCL, which rises from C towards K, and
d = -1 for RUL, which falls from K towards C. r > 0 and K > C hold by construction.
"""

from dataclasses import dataclass
from math import expm1, log
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from models.algorithms.physics import PhysicsNetwork, Residuals
from models.inputs.samples import Batch
from models.inputs.scaling import Scaler
from models.inputs.series import Task
from models.loop.network import Network
from models.settings.hyperparameters import PhysicsSettings

DIRECTIONS = {"PCL": 1.0, "RUL": -1.0}
LAW_UNITS = {"PCL": "fraction", "RUL": "cycles"}
# Initial values: limits that enclose the labels, in standard deviations of the training labels from
# their mean, and a rate per standard deviation of the training cycles.
START_LOWER, START_WIDTH, START_RATE = -2.0, 7.0, 1.0


@dataclass(frozen=True)
class Law:
    """Parameters of the logistic law, (T,) each."""

    rate: Tensor
    upper: Tensor
    lower: Tensor


class Verhulst(PhysicsNetwork):
    """A surrogate whose rate of change is logistic in its value."""

    signs: Tensor

    def __init__(self, hp: PhysicsSettings, task: Task, scaler: Scaler) -> None:
        super().__init__(hp, task, scaler)
        self.targets = task.targets
        count = len(task.targets)
        self.rate_before_softplus = nn.Parameter(torch.full((count,), _before(START_RATE)))
        self.lower = nn.Parameter(torch.full((count,), START_LOWER))
        self.width_before_softplus = nn.Parameter(torch.full((count,), _before(START_WIDTH)))
        signs = torch.tensor([DIRECTIONS[name] for name in task.targets])
        self.register_buffer("signs", signs, persistent=False)

    def law(self) -> Law:
        """Return r, K and C in physical units."""
        law = self._scaled_law()
        unit, offset = self.target_unit, self.target_offset
        upper, lower = (limit * unit + offset for limit in (law.upper, law.lower))
        return Law(law.rate / self.time_unit, upper, lower)

    def residuals(self, batch: Batch) -> Residuals:
        """Return u, its derivatives, and the residuals of the logistic law."""
        streams, law = self._surrogate_streams(batch), self._scaled_law()
        u, u_t, u_tt = streams.unbind()
        rate = self.signs * law.rate
        share = (u - law.lower) / (law.upper - law.lower)
        f = u_t - rate * (u - law.lower) * (1.0 - share)
        f_t = u_tt - rate * u_t * (1.0 - 2.0 * share)
        return Residuals(streams, torch.stack([f, f_t]))

    def _scaled_law(self) -> Law:
        """Return r, K and C in the network units of `Residuals`."""
        rate = functional.softplus(self.rate_before_softplus) * self.time_rates[0]
        lower = self.u_mean + self.u_std * self.lower
        width = self.u_std * functional.softplus(self.width_before_softplus)
        lower, width = (lower - self.target_offset) / self.target_unit, width / self.target_unit
        return Law(rate, lower + width, lower)

    @torch.no_grad()
    def facts(self) -> dict[str, Any]:
        """Return the parameters of the learned law, with units."""
        if self.physics_weight == 0.0:
            return {}
        law = self.law()
        rows = []
        for column, target in enumerate(self.targets):
            unit = LAW_UNITS[target]
            rows += [
                _row(target, "r", law.rate[column], "1/cycle"),
                _row(target, "K", law.upper[column], unit),
                _row(target, "C", law.lower[column], unit),
            ]
        return {"law": rows}


def _row(target: str, name: str, value: Tensor, unit: str) -> dict[str, Any]:
    return {"target": target, "name": name, "value": float(value), "unit": unit}


def _before(value: float) -> float:
    """Return the number whose softplus is `value`."""
    return log(expm1(value))


def build(hp: PhysicsSettings, task: Task, scaler: Scaler) -> Network:
    """Return a new network of this algorithm."""
    return Verhulst(hp, task, scaler)
