"""The ensemble: shares that add up, the best of them, and nothing needed beside its file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models.algorithms.mean import fit_mean
from models.inputs.predictor import Asked, facts_of
from models.inputs.series import BatterySeries, Floats, make_task
from models.model.calibration import calibrate
from models.model.checkpoint import TrainedModel
from models.model.ensemble import combine, fit_weights, least_squares_shares, typical_shares
from models.settings.errors import CheckpointError, FitError
from models.settings.resolving import resolve
from tests.models.fleet import FEATURES, make_fleet
from tests.models.model.test_fitting import FORECAST, run_fit


class Offset:
    """A model that is wrong by the same amount everywhere."""

    def __init__(self, pcl: float, rul: float) -> None:
        self.by = np.array([pcl, rul])

    def predict(self, series: BatterySeries, asked: Asked) -> Floats:
        rows = np.searchsorted(series.cycle_num, asked.cycle)
        return series.targets[rows] + self.by

    def content(self) -> dict[str, object]:
        return {}


def models(**offsets: tuple[float, float]) -> dict[str, TrainedModel]:
    hp = resolve("BASELINE", {})
    task = make_task(("PCL", "RUL"), FEATURES, hp)
    return {name: TrainedModel("BASELINE", hp, task, Offset(*by)) for name, by in offsets.items()}


@pytest.mark.parametrize("seed", range(5))
def test_shares_are_the_best_of_all_that_add_up_to_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(3, 200)) * [[1.0], [0.6], [2.0]] + rng.normal(size=(1, 200))
    shares = least_squares_shares(errors @ errors.T)
    assert shares.min() >= 0 and shares.sum() == pytest.approx(1.0)
    found = ((shares @ errors) ** 2).mean()
    grid = rng.dirichlet([0.5, 0.5, 0.5], 3000)
    # The little that sharing costs is allowed.
    assert found <= 1.01 * ((grid @ errors) ** 2).mean(axis=1).min()


@pytest.mark.parametrize("seed", range(5))
def test_typical_shares_make_the_mean_of_the_batteries_norms_smallest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(6, 3, 40)) * rng.uniform(0.1, 3.0, (6, 3, 1))
    products = errors @ errors.transpose(0, 2, 1)
    shares = typical_shares(products)
    assert shares.min() >= 0 and shares.sum() == pytest.approx(1.0)

    def norms(weights: Floats) -> Floats:
        return np.sqrt(np.einsum("...i,bij,...j->...b", weights, products, weights)).sum(axis=-1)

    assert norms(shares) <= 1.01 * norms(rng.dirichlet([0.5, 0.5, 0.5], 3000)).min()


def test_members_that_err_alike_share_the_weight_and_bad_ones_get_little() -> None:
    alike = np.array([[1.0, 0.999], [0.999, 1.01]])
    assert least_squares_shares(alike).min() > 0.45
    # Whatever lets them share must not let a bad member in.
    assert least_squares_shares(np.diag([1.0, 1.0, 100.0]))[2] < 0.01


def test_one_odd_battery_does_not_decide_for_all() -> None:
    # Both are far off on one battery, the first a little more; on all others it is better.
    products = np.zeros((9, 2, 2))
    products[:, 0, 0], products[:, 1, 1] = 0.01, 1.0
    products[0] = np.outer([100.0, 95.0], [100.0, 95.0])
    assert least_squares_shares(products.sum(axis=0))[0] < 0.5
    assert typical_shares(products)[0] > 0.5


def test_errors_that_cancel_share_the_weight_and_each_target_has_its_own() -> None:
    val = make_fleet(3)
    hp = resolve("ENSEMBLE", {})
    task = make_task(("PCL", "RUL"), FEATURES, hp)
    members = models(low=(-0.01, 1.0), high=(0.01, 90.0))
    weights = fit_weights(members, [], [], val, task, hp)
    np.testing.assert_allclose(weights[:, 0], [0.5, 0.5])
    assert weights[0, 1] > 0.95
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)
    alike = fit_weights(models(a=(0.01, 5.0), b=(0.01, 5.0)), [], [], val, task, hp)
    np.testing.assert_allclose(alike, 0.5)


def test_a_long_life_does_not_decide_for_all() -> None:
    class Best(Offset):
        """Right about short lives or about long ones."""

        def __init__(self, long: bool) -> None:
            self.long = long

        def predict(self, series: BatterySeries, asked: Asked) -> Floats:
            wrong = 0.0 if (len(series) > 100) == self.long else 0.01
            return series.targets[np.searchsorted(series.cycle_num, asked.cycle)] + wrong

    hp = resolve("ENSEMBLE", {})
    task = make_task(("PCL",), FEATURES, hp)
    val = [
        replace(s, targets=s.targets[:, :1]) for s in (*make_fleet(1), make_fleet(1, first=900)[0])
    ]
    members = {
        name: replace(m, predictor=Best(name == "long"), task=task)
        for name, m in models(short=(0, 0), long=(0, 0)).items()
    }
    np.testing.assert_allclose(fit_weights(members, [], [], val, task, hp)[:, 0], 0.5, atol=1e-6)


@pytest.mark.parametrize("mode", [{}, FORECAST], ids=["estimate", "forecast"])
def test_its_file_alone_predicts_the_weighted_mean(mode: dict[str, object], tmp_path: Path) -> None:
    fleet = make_fleet(4)
    members = {
        f"{name} v1": run_fit(name, fleet[:2], fleet[2:3], epochs=2, **mode).model
        for name in ("BASELINE", "BILSTM")
    }
    hp = resolve("ENSEMBLE", mode)
    task = make_task(("PCL", "RUL"), FEATURES, hp)
    reports = []
    model = combine(
        members, fleet[:2], fleet[2:3], task, hp,
        threads=1, on_epoch=reports.append, on_stage=lambda stage: None,
    ).model  # fmt: skip
    model.save(tmp_path / "ensemble.pt")
    loaded = TrainedModel.load(tmp_path / "ensemble.pt")
    horizon = 3 if mode else 0
    parts = [m.predict(fleet[3], horizon).y_pred for m in members.values()]
    weights = facts_of(loaded.predictor)["ensemble"]
    expected = np.stack(
        [
            sum(weights[t][name] * part[:, c] for name, part in zip(members, parts, strict=True))
            for c, t in enumerate(("PCL", "RUL"))
        ],
        axis=1,
    )
    np.testing.assert_allclose(loaded.predict(fleet[3], horizon).y_pred, expected, rtol=1e-12)
    assert [r.total_epochs for r in reports] == [1] and reports[0].val_loss > 0


def test_with_few_validation_batteries_the_folds_of_its_members_weigh_and_bound_it() -> None:
    fleet = make_fleet(14)
    train, val = fleet[:10], fleet[10:12]
    quiet = {"threads": 1, "on_epoch": lambda report: None, "on_stage": lambda stage: None}
    members = {
        name: calibrate(
            run_fit(name, train, val, epochs=2).model,
            train, val, threads=1, on_fold=lambda fold, report: None,
        )
        for name in ("BASELINE", "LINEAR")
    }  # fmt: skip
    hp = resolve("ENSEMBLE", {})
    task = make_task(("PCL", "RUL"), FEATURES, hp)
    made = combine(members, train, val, task, hp, **quiet).model
    whole = calibrate(made, train, val, threads=1, on_fold=lambda fold, report: None)
    assert whole.calibration is not None
    assert [band.method for band in whole.calibration.bands] == ["cv+", "cv+"]
    found = whole.predict(fleet[13], 0)
    assert np.all(found.y_lower <= found.y_pred) and np.all(found.y_pred <= found.y_upper)
    assert np.isfinite(found.y_lower).all() and np.isfinite(found.y_upper).all()
    # What the folds say of batteries that they have not seen decides, not the two that are left.
    alone = combine({n: m.bare() for n, m in members.items()}, train, val, task, hp, **quiet)
    assert alone.model.folds == ()
    assert not np.array_equal(alone.model.predictor.weights, made.predictor.weights)
    others = {
        n: replace(m, hp=resolve("BASELINE", {"seed": 5})) if n == "BASELINE" else m
        for n, m in members.items()
    }
    assert combine(others, train, val, task, hp, **quiet).model.folds == ()


def test_what_cannot_be_combined_is_refused(tmp_path: Path) -> None:
    fleet = make_fleet(3)
    hp = resolve("ENSEMBLE", FORECAST)
    task = make_task(("PCL", "RUL"), FEATURES, hp)
    given = {"threads": 1, "on_epoch": lambda report: None, "on_stage": lambda stage: None}
    with pytest.raises(FitError, match="at least two"):
        combine(models(a=(0, 0)), fleet[:2], fleet[2:], task, hp, **given)
    with pytest.raises(FitError, match="a answers another question"):
        combine(models(a=(0, 0), b=(0, 0)), fleet[:2], fleet[2:], task, hp, **given)
    content = TrainedModel("MEAN", hp, task, fit_mean(fleet)).content()
    with pytest.raises(CheckpointError):
        TrainedModel.from_content(content | {"algorithm": "ENSEMBLE"})
