"""Hidden physics: derivatives in physical units, for every choice of G's inputs."""

from dataclasses import replace
from itertools import combinations

import pytest
import torch
from torch import Tensor

from models.algorithms.deephpm import DeepHPM
from models.algorithms.physics import PhysicsTerms
from models.inputs.samples import Batch
from models.inputs.scaling import Scaler, fit_scaler
from models.inputs.series import Task, make_task
from models.settings.resolving import resolve
from tests.models.fleet import FEATURES, make_fleet

NAMES = ("s", "t", "u", "u_s")
CHOICES = [c for n in range(1, 5) for c in combinations(NAMES, n)]
STEP_CYCLES = 1e-4


class Field:
    """A DeepHPM network as a function of raw state, cycle and the state's own cycle."""

    def __init__(self, inputs: tuple[str, ...], *, forecast: bool, scaled: bool) -> None:
        horizon = {"max_horizon": 20, "use_capacity_history": True} if forecast else {}
        values = {"physics_inputs": inputs, "hidden_size": 6, "dropout": 0.0, **horizon}
        hp = resolve("DEEPHPM", values)
        self.task: Task = make_task(("PCL", "RUL"), FEATURES, hp)
        fleet = make_fleet(3)
        self.scaler: Scaler = fit_scaler(fleet, self.task, scale_targets=scaled)
        torch.manual_seed(0)
        self.network = DeepHPM(hp, self.task, self.scaler).double().eval()
        for parameter in self.network.parameters():
            torch.nn.init.normal_(parameter, std=0.5)
        rows = torch.tensor([5, 20, 40])
        battery = fleet[0]
        self.state = torch.tensor(battery.features)[rows]
        if forecast:
            self.state = torch.cat([self.state, torch.tensor(battery.soh)[rows][:, None]], dim=1)
        self.source = torch.tensor(battery.cycle_num)[rows].double()
        self.cycle = self.source + (7.0 if forecast else 0.0)

    def batch(self, state: Tensor, cycle: Tensor) -> Batch:
        s = self.scaler
        parts = [(state[:, :2] - torch.tensor(s.feature_mean)) / torch.tensor(s.feature_std)]
        age = state.new_empty((len(state), 0))
        if self.task.is_forecast:
            parts += [(state[:, 2:] - s.soh_mean) / s.soh_std, torch.ones(len(state), 1).double()]
            age = ((cycle - self.source) / s.age_scale)[:, None]
        n_state = sum(part.shape[1] for part in parts)
        time = ((cycle - s.cycle_mean) / s.cycle_std)[:, None]
        return Batch(torch.cat([*parts, time, age], dim=1), n_state)

    def u(self, state: Tensor, cycle: Tensor) -> Tensor:
        scaled = self.network.predict(self.batch(state, cycle)).detach()
        return scaled * torch.tensor(self.scaler.target_unit) + torch.tensor(
            self.scaler.target_offset
        )

    def terms(self, cycle: Tensor) -> PhysicsTerms:
        return self.network.physics_terms(self.batch(self.state, cycle))

    def u_t(self) -> Tensor:
        after = self.u(self.state, self.cycle + STEP_CYCLES)
        before = self.u(self.state, self.cycle - STEP_CYCLES)
        return (after - before) / (2 * STEP_CYCLES)

    def u_s(self) -> Tensor:
        units = [*self.scaler.feature_std, self.scaler.soh_std][: self.state.shape[1]]
        slopes = []
        for column, unit in enumerate(units):
            step = torch.zeros_like(self.state)
            step[:, column] = 1e-5 * unit
            after, before = (
                self.u(self.state + step, self.cycle),
                self.u(self.state - step, self.cycle),
            )
            slopes.append((after - before) / (2e-5 * unit))
        return torch.stack(slopes, dim=-1)

    def law(self) -> Tensor:
        """G in physical units, from finite differences and the network's own layers."""
        s, batch = self.scaler, self.batch(self.state, self.cycle)
        std, unit = torch.tensor(s.target_std), torch.tensor(s.target_unit)
        state_unit = torch.tensor([*s.feature_std, s.soh_std][: self.state.shape[1]])
        slopes = self.u_s()
        if s.targets_scaled:
            slopes = slopes * state_unit / std[:, None]
        values = {
            "s": batch.state,
            "t": batch.clock,
            "u": (self.u(self.state, self.cycle) - torch.tensor(s.target_mean)) / std,
            "u_s": slopes.flatten(1),
        }
        inputs = torch.cat([values[name] for name in self.network.physics_inputs], dim=1)
        outputs: Tensor = self.network.physics(inputs).detach()
        return outputs * unit / (s.cycle_std if s.targets_scaled else 1.0)


def assert_near(actual: Tensor, expected: Tensor) -> None:
    """Compare per column: the two targets' units differ by four orders of magnitude."""
    scale = expected.abs().amax(dim=0, keepdim=True)
    assert (((actual - expected).abs() / scale) < 2e-6).all()


@pytest.mark.parametrize("scaled", [True, False], ids=["scaled", "physical"])
@pytest.mark.parametrize("forecast", [False, True], ids=["estimate", "forecast"])
@pytest.mark.parametrize("inputs", CHOICES, ids="-".join)
def test_terms_match_finite_differences_in_physical_units(
    inputs: tuple[str, ...], forecast: bool, scaled: bool
) -> None:
    field = Field(inputs, forecast=forecast, scaled=scaled)
    terms = field.terms(field.cycle)
    assert_near(terms.u, field.u(field.state, field.cycle))
    assert_near(terms.u_t, field.u_t())
    assert_near(terms.f, field.u_t() - field.law())
    after, before = field.terms(field.cycle + STEP_CYCLES), field.terms(field.cycle - STEP_CYCLES)
    assert_near(terms.f_t, (after.f - before.f) / (2 * STEP_CYCLES))
    if "u_s" in inputs:
        assert terms.u_s is not None
        assert_near(terms.u_s, field.u_s())
    else:
        assert terms.u_s is None


@pytest.mark.parametrize("inputs", CHOICES, ids="-".join)
@pytest.mark.parametrize("loss_mode", ["SUM", "ADPBAL"])
def test_losses_are_what_they_say_and_reach_every_weight(
    loss_mode: str, inputs: tuple[str, ...]
) -> None:
    field = Field(inputs, forecast=False, scaled=True)
    values = {"loss_mode": loss_mode, "physics_weight": 0.5, "physics_inputs": inputs}
    network = DeepHPM(resolve("DEEPHPM", values), field.task, field.scaler).double().eval()
    batch = field.batch(field.state, field.cycle)
    target, known = torch.randn(3, 2).double(), torch.tensor([[1.0, 0], [1, 1], [0, 1]]).double()
    losses = network.losses(batch, target, known)
    terms = network.physics_terms(batch)
    unit, time = torch.tensor(field.scaler.target_std), field.scaler.cycle_std
    expected = [
        (((network.predict(batch) - target) ** 2) * known).sum() / known.sum(),
        ((terms.f * time / unit) ** 2).mean(),
        ((terms.f_t * time**2 / unit) ** 2).mean(),
    ]
    measured = [losses.data, losses.parts["loss_f"], losses.parts["loss_f_t"]]
    torch.testing.assert_close(torch.stack(measured), torch.stack(expected), rtol=1e-5, atol=0)
    weighted = torch.stack(measured) * torch.tensor([1.0, 0.5, 0.5])
    if loss_mode == "ADPBAL":
        weighted = torch.exp(-network.log_variances) * weighted + network.log_variances
    torch.testing.assert_close(losses.total, weighted.sum())
    losses.total.backward()
    # G's last offset and the surrogate's cannot be missed by a graph that is whole.
    gradients = [p.grad for p in network.parameters()]
    assert all(g is not None and torch.isfinite(g).all() for g in gradients)


def test_without_physics_weight_only_the_data_counts() -> None:
    field = Field(("s",), forecast=False, scaled=True)
    hp = replace(resolve("DEEPHPM", {}), physics_weight=0.0)
    network = DeepHPM(hp, field.task, field.scaler).double().eval()
    batch = field.batch(field.state, field.cycle)
    losses = network.losses(batch, torch.zeros(3, 2).double(), torch.ones(3, 2).double())
    assert losses.parts == {}
    torch.testing.assert_close(losses.total, losses.data)
