"""The card of a model version: what it was made from, its errors, and its limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.words import counted
from core.datasets.datasets import DatasetSummary, get_dataset_summary, list_batteries
from core.datasets.series import targets_of
from core.measures.bootstrap import FEWEST_BATTERIES, Interval, pooled_interval
from core.model_versions.card_limits import known_limits
from core.model_versions.provenance import get_job_roles
from core.model_versions.stored_metrics import StoredMetrics
from core.model_versions.versions import ModelInfo, get_model_info
from db.tables import BatteryUnit, TestJob, TestJobBattery
from db.tables.columns import ROLES
from models.settings.catalogue import ALGORITHMS
from models.settings.resolving import SPECS_BY_NAME, own_settings

WORST = 3
SCORED = ("test", "val")


@dataclass(frozen=True)
class CardNumber:
    """One error pooled over the cycles of a role's batteries, in stored units.

    interval : at 95 % over batteries; None where there are too few or they were not kept
    """

    target: str
    role: str
    metric: str
    value: float
    interval: Interval | None
    n_batteries: int
    n_cycles: int


@dataclass(frozen=True)
class CardFloor:
    """A floor beside the model: pooled RMSE of both on the same batteries, in stored units."""

    target: str
    role: str
    floor: str
    floor_rmse: float
    model_rmse: float

    @property
    def is_beaten(self) -> bool:
        """Whether the model's error is lower; chance is not considered."""
        return self.model_rmse < self.floor_rmse


@dataclass(frozen=True)
class WorstBattery:
    """A battery with one of the largest RMSEs; `test_id` names a test that shows its curve."""

    target: str
    role: str
    code: str
    rmse: float
    test_id: int | None


@dataclass(frozen=True)
class ModelCard:
    """Everything that a reader of the model should know.

    roles : battery codes by role
    settings : label with unit, and value, of every setting that the algorithm uses
    coverage : by target, the coverage on the test batteries (see core.measures.coverage)
    applicability : what the training batteries were, and how many tested ones are unlike them
    """

    model: ModelInfo
    dataset: DatasetSummary
    roles: dict[str, tuple[str, ...]]
    features: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, Any], ...]
    numbers: tuple[CardNumber, ...]
    coverage: dict[str, dict[str, Any]]
    floors: tuple[CardFloor, ...]
    worst: tuple[WorstBattery, ...]
    applicability: tuple[str, ...]
    limits: tuple[str, ...]

    @property
    def algorithm(self) -> str:
        """The algorithm's name and what it does."""
        info = ALGORITHMS[self.model.algorithm]
        return f"{info.label}: {info.description}"


def model_card(session: Session, user: CurrentUser, model_id: int) -> ModelCard:
    """Collect the card of one model from what was stored with it."""
    model = get_model_info(session, user, model_id)
    dataset = get_dataset_summary(session, user, model.dataset_id)
    batteries = list_batteries(session, user, model.dataset_id)
    roles = get_job_roles(session, user, model.job_id)
    batteries = batteries.assign(role=batteries["battery_id"].map(roles))
    config = model.config
    return ModelCard(
        model=model,
        dataset=dataset,
        roles={role: _codes(batteries, role) for role in ROLES},
        features=tuple(zip(config.features, config.feature_units, strict=False)),
        settings=_settings(model),
        numbers=tuple(_numbers(model)),
        coverage=_coverage(model),
        floors=tuple(_floors(model)),
        worst=tuple(_worst(session, user, model)),
        applicability=(_seen(batteries), *_unlike(session, user, model)),
        limits=tuple(known_limits(model, dataset, batteries)),
    )


def _codes(batteries: pd.DataFrame, role: str) -> tuple[str, ...]:
    return tuple(str(code) for code in batteries.loc[batteries["role"] == role, "battery_code"])


def _settings(model: ModelInfo) -> tuple[tuple[str, Any], ...]:
    stored = model.config.hyperparameters
    return tuple(
        (SPECS_BY_NAME[name].title, SPECS_BY_NAME[name].shown(value))
        for name, value in own_settings(model.algorithm, stored).items()
        if name in SPECS_BY_NAME
    )


def _numbers(model: ModelInfo) -> list[CardNumber]:
    found = []
    for target in targets_of(model.target):
        for role in SCORED:
            overall = model.metrics.of_role(role).get(target, StoredMetrics())
            each = _by_battery(model, role, target)
            for metric in ("rmse", "mae"):
                value = overall.value(metric)
                if value is not None:
                    counts = overall.n_batteries or 0, overall.n or 0
                    interval = _interval(metric, each)
                    found.append(CardNumber(target, role, metric, value, interval, *counts))
    return found


def _by_battery(model: ModelInfo, role: str, target: str) -> dict[str, dict[str, float]]:
    """n, mae and rmse by battery code; empty for models that did not keep them."""
    batteries = model.metrics.of_batteries(role)
    return {code: values[target] for code, values in batteries.items() if target in values}


def _interval(metric: str, each: Mapping[str, Mapping[str, float]]) -> Interval | None:
    if len(each) < FEWEST_BATTERIES:
        return None
    cycles = np.array([values["n"] for values in each.values()], dtype=np.float64)
    errors = np.array([values[metric] for values in each.values()], dtype=np.float64)
    return pooled_interval(metric, cycles, errors)


def _coverage(model: ModelInfo) -> dict[str, dict[str, Any]]:
    tested = model.metrics.test.items()
    return {target: values.interval for target, values in tested if values.interval}


def _floors(model: ModelInfo) -> list[CardFloor]:
    """Floors on the test batteries, or on the validation batteries where there are no others."""
    for role in SCORED:
        found = []
        for floor, values in model.metrics.floors.get(role, {}).items():
            for target, own in model.metrics.of_role(role).items():
                rmse = values[target].rmse if target in values else None
                if rmse is not None and own.rmse is not None:
                    found.append(CardFloor(target, role, floor, rmse, own.rmse))
        if found:
            return found
    return []


def _worst(session: Session, user: CurrentUser, model: ModelInfo) -> list[WorstBattery]:
    found = []
    for target in targets_of(model.target):
        for role in SCORED:
            each = _by_battery(model, role, target)
            if each:
                order = sorted(each, key=lambda code: -each[code]["rmse"])[:WORST]
                tests = _tests_with(session, user, model, order)
                found += [
                    WorstBattery(target, role, code, each[code]["rmse"], tests.get(code))
                    for code in order
                ]
                break
    return found


def _tests_with(
    session: Session, user: CurrentUser, model: ModelInfo, codes: list[str]
) -> dict[str, int]:
    """The newest finished test of the model by code of a battery of its own dataset."""
    rows = session.execute(
        guard.visible_results(user)
        .join(TestJobBattery, TestJobBattery.test_job_id == TestJob.id)
        .join(BatteryUnit, BatteryUnit.id == TestJobBattery.battery_id)
        .where(
            TestJob.model_version_id == model.id,
            BatteryUnit.dataset_id == model.dataset_id,
            BatteryUnit.battery_code.in_(codes),
        )
        .order_by(TestJob.id)
        .with_only_columns(BatteryUnit.battery_code, TestJob.id)
    )
    return dict(rows.all())


def _seen(batteries: pd.DataFrame) -> str:
    """Say how many training batteries there were, and their cycle lives."""
    train = batteries[batteries["role"] == "train"]
    lives = train["cycle_life"].dropna()
    life = f", with cycle lives of {lives.min():,} to {lives.max():,} cycles" if len(lives) else ""
    return (
        f"It has learned from {counted(len(train), 'battery')} of one dataset{life}. "
        "It knows no other chemistry, cell format or cycling protocol."
    )


def _unlike(session: Session, user: CurrentUser, model: ModelInfo) -> list[str]:
    """Say how many tested batteries were unlike the training batteries."""
    ratios = session.scalars(
        select(TestJobBattery.distance_ratio).where(
            TestJobBattery.test_job_id.in_(
                guard.visible_results(user)
                .where(TestJob.model_version_id == model.id)
                .with_only_columns(TestJob.id)
            ),
            TestJobBattery.distance_ratio.is_not(None),
        )
    ).all()
    if not ratios:
        return []
    unlike = sum(ratio > 1 for ratio in ratios if ratio is not None)
    return [
        f"In its tests so far, {unlike} of {counted(len(ratios), 'battery was', 'batteries were')} "
        "unlike the training batteries (further from them than these are from each other)."
    ]
