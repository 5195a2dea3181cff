"""Compares twins battery by battery over their seeds, to tell whether physics helped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy.orm import Session

from core.access.actor import CurrentUser
from core.datasets.series import targets_of
from core.measures.bootstrap import Floats
from core.measures.paired import Difference, twin_difference
from core.model_versions.versions import ModelInfo, describe_models, get_model_info
from core.training.twins import TwinGroup, find_twins

METRIC = "rmse"


@dataclass(frozen=True)
class TargetTwins:
    """Twins compared on one target.

    role : "test", or "val" where the training has no test batteries with labels
    difference : RMSE with physics minus RMSE without, averaged over seeds; its median over
        batteries, in stored units (PCL as a fraction, RUL in cycles)
    batteries : battery_code, with_physics, without, difference (means over seeds)
    seeds : seed, with_physics, without, difference (means over batteries)
    """

    target: str
    role: str
    difference: Difference
    batteries: pd.DataFrame
    seeds: pd.DataFrame


@dataclass(frozen=True)
class TwinReport:
    """The group and what it shows; `problem` says why there is nothing to show yet."""

    group: TwinGroup
    targets: tuple[TargetTwins, ...]
    problem: str


def twin_report(session: Session, user: CurrentUser, model_id: int) -> TwinReport:
    """Compare the finished twins of a model by the errors that were stored with them."""
    model = get_model_info(session, user, model_id)
    group = find_twins(session, user, model_id)
    if not group.seeds:
        return TwinReport(group, (), "No seed has a model with and one without physics yet.")
    ids = [twin.run.model_version_id for twin in group.twins if twin.run.model_version_id]
    infos = {info.id: info for info in describe_models(session, user, ids)}
    models = _alike(
        {
            (twin.with_physics, twin.seed): infos[twin.run.model_version_id]
            for twin in group.twins
            if twin.run.model_version_id is not None
        }
    )
    seeds = [seed for seed in group.seeds if (True, seed) in models and (False, seed) in models]
    found = [_target(models, seeds, target) for target in targets_of(model.target)]
    targets = tuple(item for item in found if item is not None)
    return TwinReport(group, targets, "" if targets else _problem(models))


def _alike(models: Mapping[tuple[bool, int], ModelInfo]) -> dict[tuple[bool, int], ModelInfo]:
    """Models made by the same code from the same labels and features as the newest.

    Others do not compare.
    """
    newest = max(models.values(), key=lambda model: model.id)
    making = _making(newest)
    return {key: model for key, model in models.items() if _making(model) == making}


def _making(model: ModelInfo) -> tuple[int, int, tuple[str, ...]]:
    config = model.config
    return config.algorithm_version, config.labels_version, config.features


def _problem(models: Mapping[tuple[bool, int], ModelInfo]) -> str:
    if not any(model.metrics.batteries for model in models.values()):
        return (
            "These models are from an earlier version, which did not keep errors by battery. "
            "Train the twins again."
        )
    return "Their test and validation batteries have no labels, so there are no errors to compare."


def _target(
    models: Mapping[tuple[bool, int], ModelInfo], seeds: list[int], target: str
) -> TargetTwins | None:
    for role in ("test", "val"):
        errors = {
            key: _errors(model, role, target) for key, model in models.items() if key[1] in seeds
        }
        codes = sorted(set.intersection(*map(set, errors.values()))) if errors else []
        if codes:
            sides = [
                np.array([[errors[side, seed][code] for code in codes] for seed in seeds])
                for side in (True, False)
            ]
            return _compared(target, role, codes, seeds, *sides)
    return None


def _errors(model: ModelInfo, role: str, target: str) -> dict[str, float]:
    """RMSE by battery code."""
    batteries = model.metrics.of_batteries(role)
    found = {code: values.get(target, {}).get(METRIC) for code, values in batteries.items()}
    return {code: float(value) for code, value in found.items() if value is not None}


def _compared(
    target: str, role: str, codes: list[str], seeds: list[int], with_: Floats, without: Floats
) -> TargetTwins:
    return TargetTwins(
        target,
        role,
        twin_difference(with_, without),
        _means("battery_code", codes, with_.mean(axis=0), without.mean(axis=0)),
        _means("seed", seeds, with_.mean(axis=1), without.mean(axis=1)),
    )


def _means(name: str, keys: list[Any], with_: Floats, without: Floats) -> pd.DataFrame:
    return pd.DataFrame(
        {name: keys, "with_physics": with_, "without": without, "difference": with_ - without}
    )
