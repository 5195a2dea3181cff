"""The logistic law: derivatives in physical units, limits in their order, and known answers."""

import pytest
import torch
from torch import Tensor

from models.algorithms.verhulst import Verhulst
from models.inputs.predictor import facts_of
from models.inputs.samples import Batch
from models.inputs.scaling import Scaler, fit_scaler
from models.inputs.series import Task, make_task
from models.settings.resolving import resolve
from tests.models.fleet import FEATURES, make_fleet
from tests.models.model.test_fitting import run_fit

STEP_CYCLES = 1e-4


def scales(forecast: bool, scaled: bool) -> tuple[Task, Scaler]:
    hp = resolve("VERHULST", {"max_horizon": 20 if forecast else 0})
    task = make_task(("PCL", "RUL"), FEATURES, hp)
    return task, fit_scaler(make_fleet(3), task, scale_targets=scaled)


def make_network(task: Task, scaler: Scaler, **values: object) -> Verhulst:
    torch.manual_seed(0)
    horizon = {"max_horizon": task.max_horizon}
    hp = resolve("VERHULST", {"hidden_size": 6, "dropout": 0.0, **horizon, **values})
    return Verhulst(hp, task, scaler).double().eval()


def batch_at(cycle: Tensor, task: Task, scaler: Scaler) -> Batch:
    torch.manual_seed(1)
    state = torch.randn(len(cycle), len(FEATURES)).double()
    time = ((cycle - scaler.cycle_mean) / scaler.cycle_std)[:, None]
    age = cycle.new_empty((len(cycle), 0))
    if task.is_forecast:
        age = ((cycle - 3.0) / scaler.age_scale)[:, None]
    return Batch(torch.cat([state, time, age], dim=1), len(FEATURES))


def assert_near(actual: Tensor, expected: Tensor) -> None:
    """Compare per column: the two targets' units differ by four orders of magnitude."""
    scale = expected.abs().amax(dim=0, keepdim=True)
    assert (((actual - expected).abs() / scale) < 2e-6).all()


@pytest.mark.parametrize("scaled", [True, False], ids=["scaled", "physical"])
@pytest.mark.parametrize("forecast", [False, True], ids=["estimate", "forecast"])
def test_terms_match_finite_differences_in_physical_units(forecast: bool, scaled: bool) -> None:
    task, scaler = scales(forecast, scaled)
    network = make_network(task, scaler)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    cycle = torch.tensor([5.0, 20.0, 60.0]).double()

    def u(moved: Tensor) -> Tensor:
        network_units = network.predict(batch_at(moved, task, scaler)).detach()
        return torch.tensor(scaler.restore_targets(network_units.numpy()))

    def f(moved: Tensor) -> Tensor:
        return network.physics_terms(batch_at(moved, task, scaler)).f.detach()

    terms = network.physics_terms(batch_at(cycle, task, scaler))
    u_t = (u(cycle + STEP_CYCLES) - u(cycle - STEP_CYCLES)) / (2 * STEP_CYCLES)
    facts = {(row["target"], row["name"]): row["value"] for row in network.facts()["law"]}
    r, upper, lower = (
        torch.tensor([facts["PCL", name], facts["RUL", name]]) for name in ("r", "K", "C")
    )
    # PCL rises and RUL falls.
    rate = r * torch.tensor([1.0, -1.0])
    above = u(cycle) - lower
    assert_near(terms.u, u(cycle))
    assert_near(terms.u_t, u_t)
    assert_near(terms.f, u_t - rate * above * (1.0 - above / (upper - lower)))
    f_t = (f(cycle + STEP_CYCLES) - f(cycle - STEP_CYCLES)) / (2 * STEP_CYCLES)
    assert_near(terms.f_t, f_t)


@pytest.mark.parametrize("raw", [-30.0, 0.0, 30.0])
def test_rates_are_positive_and_limits_in_their_order_whatever_is_learned(raw: float) -> None:
    network = make_network(*scales(False, True))
    with torch.no_grad():
        for parameter in (network.rate_before_softplus, network.width_before_softplus):
            parameter.fill_(raw)
    law = network.law()
    assert (law.rate > 0).all() and (law.upper > law.lower).all()


@pytest.mark.parametrize("loss_mode", ["SUM", "ADPBAL"])
def test_losses_reach_the_law_and_every_weight(loss_mode: str) -> None:
    task, scaler = scales(False, True)
    network = make_network(task, scaler, loss_mode=loss_mode, physics_weight=0.5)
    batch = batch_at(torch.tensor([5.0, 20.0, 60.0]).double(), task, scaler)
    losses = network.losses(batch, torch.randn(3, 2).double(), torch.ones(3, 2).double())
    terms = network.physics_terms(batch)
    unit = torch.tensor(scaler.target_std)
    law = ((terms.f * scaler.cycle_std / unit) ** 2).mean()
    torch.testing.assert_close(losses.parts["loss_f"], law, rtol=1e-5, atol=0)
    losses.total.backward()
    gradients = [p.grad for p in network.parameters()]
    assert all(g is not None and torch.isfinite(g).all() and g.any() for g in gradients)


def test_the_law_that_data_obey_is_found() -> None:
    """Data on a logistic curve of known rate and limits."""
    task, scaler = scales(False, True)
    network = make_network(task, scaler)
    cycle = torch.linspace(1, 90, 60).double()
    r, upper, lower = 0.12, 0.21, -0.01
    pcl = lower + (upper - lower) / (1.0 + torch.exp(-r * (cycle - 55.0)))
    target = torch.tensor(scaler.scale_targets(torch.stack([pcl, 0 * pcl], dim=1).numpy()))
    known = torch.tensor([[1.0, 0.0]]).double().expand(60, 2)
    batch = batch_at(cycle, task, scaler)
    batch = Batch(torch.cat([0 * batch.state, batch.clock], dim=1), batch.n_state)
    optimiser = torch.optim.LBFGS(network.parameters(), max_iter=400, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        total = network.losses(batch, target, known).total
        total.backward()
        return total

    optimiser.step(closure)
    found = {row["name"]: row["value"] for row in network.facts()["law"] if row["target"] == "PCL"}
    assert found["r"] == pytest.approx(r, rel=0.1)
    assert found["K"] == pytest.approx(upper, abs=0.02)
    assert found["C"] == pytest.approx(lower, abs=0.01)


def test_the_learned_law_is_told_with_units_and_only_where_it_was_used() -> None:
    fleet = make_fleet(3)
    result = run_fit("VERHULST", fleet[:2], fleet[2:], epochs=2)
    rows = facts_of(result.model.predictor)["law"]
    assert [(row["target"], row["name"], row["unit"]) for row in rows] == [
        ("PCL", "r", "1/cycle"),
        ("PCL", "K", "fraction"),
        ("PCL", "C", "fraction"),
        ("RUL", "r", "1/cycle"),
        ("RUL", "K", "cycles"),
        ("RUL", "C", "cycles"),
    ]
    without = run_fit("VERHULST", fleet[:2], fleet[2:], epochs=2, physics_weight=0.0)
    assert facts_of(without.model.predictor) == {}
    assert facts_of(run_fit("BASELINE", fleet[:2], fleet[2:], epochs=1).model.predictor) == {}
