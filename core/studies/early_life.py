"""Studies of cycle life from early cycles: how to start one, and its result as tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import InvalidInput
from core.datasets.datasets import list_batteries
from core.studies.battery_table import GROUP_LABELS, GROUPS, MIN_TRAIN, BatteryTable
from core.studies.settings import StudySettings
from core.studies.studies import create_study, proposed_name
from db.tables.columns import StudyKind

KIND: StudyKind = "EARLY_LIFE"
DEFAULT_K = 100
SMALLEST_K, LARGEST_K = 20, 1000
# RMSE in cycles. Severson et al. used up to nine features; a dataset has some of them.
PUBLISHED_BEST_RMSE = {"primary": 97.0, "secondary": 176.0}
# These studies select nothing by the validation batteries of a dataset, so they are a test.
ROLE_GROUPS = {"train": "train", "val": "primary", "test": "secondary"}
ROLE_LABELS = {"train": "Train", "primary": "Validation", "secondary": "Test"}


@dataclass(frozen=True)
class EarlyLifeResult:
    """What a finished study found.

    scores : model, label, is_floor, setting, group, n, rmse, rmse_low, rmse_high (cycles), mape,
        mape_low, mape_high (%), within_15 (% of batteries told within 15 % of their life; absent
        in studies of earlier releases), rmse_without, mape_without (without the cell that
        short-circuited, NaN where there is none)
    cv_rmse : by model, cycles, cross-validated over training batteries
    batteries : battery, group, cycle_life, and predicted life per model key
    weights : model, feature, effect_percent (change of predicted life for one standard deviation)
    chosen : the model that cross-validation on training batteries prefers
    """

    k: int | None
    is_severson: bool
    group_labels: dict[str, str]
    counts: dict[str, int]
    labels: dict[str, str]
    floors: frozenset[str]
    scores: pd.DataFrame
    cv_rmse: dict[str, float]
    batteries: pd.DataFrame
    weights: pd.DataFrame
    chosen: str
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    shorted: str | None

    def score(self, model: str, group: str) -> dict[str, Any]:
        """One row of `scores`."""
        chosen = (self.scores["model"] == model) & (self.scores["group"] == group)
        return {str(name): value for name, value in self.scores[chosen].iloc[0].items()}

    @property
    def test_groups(self) -> tuple[str, ...]:
        """Groups that nothing was fitted on, in order."""
        return tuple(group for group in GROUPS[1:] if group in self.counts)


def usual_name(source: str, k: int | None) -> str:
    """Propose a name for a study of a dataset's first k cycles, or of a table (k None)."""
    return proposed_name(f"Life from {k} cycles" if k else "Life from early features", source)


def create_from_table(
    session: Session,
    user: CurrentUser,
    name: str,
    table: BatteryTable,
    *,
    file_name: str,
    left_out: list[tuple[str, str]],
    variance: str | None,
) -> int:
    """Queue a study of an uploaded table; returns its id."""
    settings = StudySettings(
        source="table",
        file_name=file_name[:255],
        variance=variance,
        left_out=tuple(left_out),
        table=table.to_json(),
    )
    return create_study(session, user, KIND, name, settings)


def create_from_dataset(
    session: Session, user: CurrentUser, name: str, dataset_id: int, k: int = DEFAULT_K
) -> int:
    """Queue a study of a dataset's first k cycles; returns its id.

    Raises
    ------
    InvalidInput
        k is out of range, or too few batteries have a role and a cycle life beyond k.
    """
    guard.get_dataset(session, user, dataset_id)
    if not SMALLEST_K <= k <= LARGEST_K:
        raise InvalidInput(f"Look at the first {SMALLEST_K} to {LARGEST_K} cycles, not {k}.")
    frame = list_batteries(session, user, dataset_id)
    usable = frame[frame["cycle_life"].gt(k).fillna(False)]
    counts = usable["group_tag"].value_counts()
    n_train, n_other = counts.get("train", 0), counts.get("val", 0) + counts.get("test", 0)
    if n_train < MIN_TRAIN or not n_other:
        raise InvalidInput(
            f"{n_train} training batteries and {n_other} others have a known cycle life beyond "
            f"cycle {k}; this needs at least {MIN_TRAIN} and 1. Change the split, or lower the "
            "end-of-life threshold of the dataset so that more batteries reach it."
        )
    settings = StudySettings(source="dataset", k=k)
    return create_study(session, user, KIND, name, settings, dataset_id=dataset_id)


def parse_result(stored: Mapping[str, Any]) -> EarlyLifeResult:
    """Read a stored result as tables."""
    models = stored["models"]
    scores = [
        {
            "model": model["key"],
            "label": model["label"],
            "is_floor": model["is_floor"],
            "setting": model["setting"],
            "group": group,
            **values,
        }
        for model in models
        for group, values in model["scores"].items()
    ]
    weights = [
        {"model": model["key"], "feature": feature, "effect_percent": effect}
        for model in models
        for feature, effect in model["effects"]
    ]
    return EarlyLifeResult(
        k=stored["k"],
        is_severson=stored["is_severson"],
        group_labels=dict(stored["group_labels"]),
        counts=dict(stored["counts"]),
        labels={model["key"]: model["label"] for model in models},
        floors=frozenset(model["key"] for model in models if model["is_floor"]),
        scores=pd.DataFrame(scores),
        cv_rmse={model["key"]: model["cv_rmse"] for model in models},
        batteries=_batteries(stored["batteries"]),
        weights=pd.DataFrame(weights, columns=["model", "feature", "effect_percent"]),
        chosen=stored["chosen"],
        left_out=tuple((code, reason) for code, reason in stored["left_out"]),
        notes=tuple(stored["notes"]),
        shorted=stored["shorted"],
    )


def group_labels(source: str, is_severson: bool) -> dict[str, str]:
    """Names of the groups; a dataset's groups are called by its roles."""
    return dict(GROUP_LABELS if source == "table" or is_severson else ROLE_LABELS)


def _batteries(stored: Mapping[str, Any]) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "battery": stored["codes"],
            "group": stored["groups"],
            "cycle_life": stored["cycle_life"],
        }
    )
    for key, predicted in stored["predicted"].items():
        frame[key] = predicted
    return frame
