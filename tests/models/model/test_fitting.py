"""Training: it learns, repeats itself bit by bit, stops, and refuses what cannot work."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from models.inputs.predictor import Asked
from models.inputs.series import BatterySeries, make_task
from models.model.ensemble import combine
from models.model.fitting import EpochReport, FitResult, fit
from models.settings.catalogue import ALGORITHMS
from models.settings.errors import FitError
from models.settings.resolving import resolve
from tests.models.fleet import FEATURES, make_battery, make_fleet

FORECAST = {"max_horizon": 10, "use_capacity_history": True}
SMALL = {
    "device": "cpu",
    "hidden_size": 16,
    "window_length": 8,
    "batch_size": 64,
    "boosting_rounds": 100,
}
QUESTIONS = [
    pytest.param(key, mode, id=f"{key}-{name}")
    for key, info in ALGORITHMS.items()
    for name, mode in (("estimate", {}), ("forecast", FORECAST))
    if mode or not info.forecasts_only
]
DRAWN_AT_RANDOM = ("BASELINE", "BILSTM", "DEEPHPM", "VERHULST", "ENSEMBLE")


def run_fit(
    algorithm: str,
    train: Sequence[BatterySeries],
    val: Sequence[BatterySeries],
    on_epoch: Callable[[EpochReport], None] = lambda report: None,
    targets: Sequence[str] = ("PCL", "RUL"),
    **values: Any,
) -> FitResult:
    """Train one algorithm; an ensemble combines two small networks that are trained first."""
    hp = resolve(algorithm, SMALL | values)
    task = make_task(targets, FEATURES, hp)
    if algorithm == "ENSEMBLE":
        members = {
            name: run_fit(name, train, val, targets=targets, **values).model
            for name in ("BASELINE", "BILSTM")
        }
        return combine(
            members, train, val, task, hp,
            threads=1, on_epoch=on_epoch, on_stage=lambda stage: None,
        )  # fmt: skip
    return fit(
        algorithm, train, val, task, hp, threads=1, on_epoch=on_epoch, on_stage=lambda stage: None
    )


def answerable(algorithm: str, fleet: Sequence[BatterySeries]) -> list[BatterySeries]:
    """The batteries with only those targets that the algorithm predicts."""
    count = len(ALGORITHMS[algorithm].targets)
    return [replace(series, targets=series.targets[:, :count]) for series in fleet]


@pytest.mark.slow
@pytest.mark.parametrize(("algorithm", "mode"), QUESTIONS)
def test_every_algorithm_learns_to_beat_one_number_for_all(
    algorithm: str, mode: dict[str, Any]
) -> None:
    fleet, targets = answerable(algorithm, make_fleet(6)), ALGORITHMS[algorithm].targets
    train, val, unseen = [*fleet[:2], *fleet[3:5]], [fleet[5]], fleet[2]
    reports: list[EpochReport] = []
    result = run_fit(algorithm, train, val, reports.append, targets, epochs=40, **mode)
    assert [r.epoch for r in reports] == list(range(1, result.epochs_run + 1))
    assert result.best_epoch == min(reports, key=lambda r: r.val_loss).epoch
    assert reports[-1].train_loss < reports[0].train_loss or result.epochs_run == 1
    assert {f"val_rmse_{name}" for name in targets} <= set(reports[-1].metrics)
    prediction = result.model.predict(unseen, 1 if mode else 0)
    known = np.isfinite(prediction.y_true).all(axis=1)
    error = (prediction.y_pred - prediction.y_true)[known]
    mean = np.concatenate([s.targets for s in train]).mean(axis=0)
    floor = (mean - prediction.y_true)[known]
    assert (np.sqrt((error**2).mean(axis=0)) < 0.5 * np.sqrt((floor**2).mean(axis=0))).all()


@pytest.mark.parametrize(("algorithm", "mode"), QUESTIONS)
def test_the_same_seed_gives_the_same_bits_and_another_does_not(
    algorithm: str, mode: dict[str, Any]
) -> None:
    fleet, targets = answerable(algorithm, make_fleet(3)), ALGORITHMS[algorithm].targets
    asked = Asked(np.arange(40), np.arange(40) + 2)
    runs = []
    for seed, noise in ((3, 0), (3, 1), (4, 0)):
        torch.manual_seed(noise)
        before = torch.get_rng_state()
        reports: list[EpochReport] = []
        settings: dict[str, Any] = {"epochs": 2, "boosting_rounds": 5, "seed": seed, **mode}
        result = run_fit(algorithm, fleet[:2], fleet[2:], reports.append, targets, **settings)
        assert torch.equal(torch.get_rng_state(), before)
        runs.append((reports, result.model.predictor.predict(fleet[2], asked)))
    (first, answers), (again, same), (other, _) = runs
    assert first == again
    np.testing.assert_array_equal(answers, same)
    if algorithm in DRAWN_AT_RANDOM:
        assert first != other


def test_val_metrics_are_those_of_the_kept_model() -> None:
    fleet = make_fleet(4)
    reports: list[EpochReport] = []
    result = run_fit("BASELINE", fleet[:3], fleet[3:], reports.append, epochs=5)
    prediction = result.model.predict(fleet[3], 0)
    rmse = np.sqrt(((prediction.y_pred - prediction.y_true) ** 2).mean(axis=0))
    metrics = reports[result.best_epoch - 1].metrics
    assert rmse[0] == pytest.approx(metrics["val_rmse_PCL"], rel=1e-4)
    assert rmse[1] == pytest.approx(metrics["val_rmse_RUL"], rel=1e-4)


def test_training_stops_when_validation_no_longer_improves() -> None:
    fleet = make_fleet(3)
    # Validation labels that training contradicts: the first epochs are the best.
    opposite = replace(fleet[2], targets=fleet[2].targets[::-1].copy())
    result = run_fit("BASELINE", fleet[:2], [opposite], epochs=60, patience=3)
    assert result.stopped_early
    assert result.epochs_run == result.best_epoch + 3
    never = run_fit("BASELINE", fleet[:2], [opposite], epochs=12, patience=0)
    assert (never.epochs_run, never.stopped_early) == (12, False)


def test_unlabelled_rows_teach_nothing_and_break_nothing() -> None:
    fleet = make_fleet(3)
    half = fleet[0].targets.copy()
    half[::2, 1] = np.nan
    train = [replace(fleet[0], targets=half), fleet[1], make_battery("u", 50, labelled=False)]
    result = run_fit("BASELINE", train, fleet[2:], epochs=2)
    assert np.isfinite(result.model.predict(train[2], 0).y_pred).all()


def test_hidden_physics_reports_its_losses() -> None:
    fleet = make_fleet(3)
    reports: list[EpochReport] = []
    for loss_mode in ("SUM", "ADPBAL"):
        settings: dict[str, Any] = {
            "epochs": 2,
            "loss_mode": loss_mode,
            "physics_inputs": ["s", "t", "u", "u_s"],
        }
        run_fit("DEEPHPM", fleet[:2], fleet[2:], reports.append, **settings)
    assert all({"loss_f", "loss_f_t", "loss_total"} <= set(r.metrics) for r in reports)


def test_a_callback_can_end_training() -> None:
    def cancel(report: EpochReport) -> None:
        raise InterruptedError

    fleet = make_fleet(3)
    with pytest.raises(InterruptedError):
        run_fit("BASELINE", fleet[:2], fleet[2:], cancel, epochs=3)


def test_what_cannot_be_trained_is_refused() -> None:
    fleet, bare = make_fleet(3), [make_battery("x", 40, labelled=False)]
    cases: list[tuple[Sequence[BatterySeries], Sequence[BatterySeries], str]] = [
        (bare, fleet, "No training battery carries PCL"),
        (fleet, bare, "No validation battery carries PCL"),
        ([], fleet, "no training battery"),
        (fleet, [], "no validation battery"),
        ([replace(fleet[0], features=fleet[0].features[:, :1])], fleet, "task's features"),
        (make_fleet(1, ("PCL",)), fleet, "task's targets"),
    ]
    for train, val, message in cases:
        with pytest.raises(FitError, match=message):
            run_fit("BASELINE", train, val, epochs=1)


def test_task_and_settings_must_agree() -> None:
    hp = resolve("BASELINE", SMALL)
    task = replace(make_task(("PCL",), FEATURES, hp), max_horizon=5)
    fleet = make_fleet(2, ("PCL",))
    with pytest.raises(FitError, match="differs from the settings"):
        fit(
            "BASELINE", fleet[:1], fleet[1:], task, hp,
            threads=1, on_epoch=lambda report: None, on_stage=lambda stage: None,
        )  # fmt: skip


def test_an_exploding_loss_names_the_epoch_and_a_way_out() -> None:
    fleet = make_fleet(3)
    settings: dict[str, Any] = {
        "learning_rate": 1.0,
        "gradient_clip": 0.0,
        "hidden_size": 512,
        "batch_size": 1,
        "epochs": 20,
    }
    with pytest.raises(FitError, match=r"exploded in epoch \d+\. Lower the learning rate"):
        run_fit("BASELINE", fleet[:2], fleet[2:], **settings)
    with pytest.raises(FitError, match="exploded in epoch 1"):
        run_fit("BASELINE", fleet[:2], [replace(fleet[2], targets=fleet[2].targets * 1e30)])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_missing_gpu_is_named() -> None:
    fleet = make_fleet(2)
    with pytest.raises(FitError, match="Set device to auto or cpu"):
        run_fit("BASELINE", fleet[:1], fleet[1:], device="cuda")
