"""Twins of a physics-informed model: the same training with and without its physics.

One run cannot tell whether physics helps, because seeds differ more than methods do. So a group of
trainings repeats the model's batteries, settings and epochs with several seeds: with its physics
weight on one side, with weight 0 on the other. All of them have the same `training_job.group_key`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.model_versions.versions import ModelInfo, describe_models, get_model_info
from core.training.trainings import cancel_job
from core.training.views import JobInfo, RunInfo, describe_jobs, get_run_info
from db.tables import ModelVersion, TrainingJob
from models.settings.resolving import SPECS_BY_NAME

FEWEST_SEEDS, MOST_SEEDS = 3, 10


@dataclass(frozen=True)
class Twin:
    """One training of the group; the model itself is one unless it was trained again."""

    with_physics: bool
    seed: int
    run: RunInfo


@dataclass(frozen=True)
class TwinGroup:
    """All trainings of the group, with physics first, then by seed."""

    model_id: int
    twins: tuple[Twin, ...]

    @property
    def is_active(self) -> bool:
        """Whether any of them waits or runs."""
        return any(twin.run.is_active for twin in self.twins)

    @property
    def progress(self) -> float:
        """Share of the work that is done, 0 to 1."""
        return sum(twin.run.progress for twin in self.twins) / max(len(self.twins), 1)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds that have a model on both sides."""
        sides = [
            {t.seed for t in self.twins if t.with_physics == side and t.run.model_version_id}
            for side in (True, False)
        ]
        return tuple(sorted(sides[0] & sides[1]))

    @property
    def is_complete(self) -> bool:
        """Whether enough seeds have a model on both sides."""
        return len(self.seeds) >= FEWEST_SEEDS


def find_twins(session: Session, user: CurrentUser, model_id: int) -> TwinGroup:
    """The trainings of a model's group; empty until they are started."""
    model = get_model_info(session, user, model_id)
    twins = {}
    # The oldest first, so that a newer training of the same seed takes its place.
    for job in _jobs(session, user, model):
        for run in job.runs:
            key = (bool(job.hyperparams.physics_weight), job.hyperparams.seed)
            if key not in twins or not _is_lost(run):
                twins[key] = Twin(*key, run)
    # The report checks whether it was made like the others.
    if twins and model.metrics.batteries and (True, seed_of(model)) not in twins:
        run = get_run_info(session, user, model.run_id)
        twins[True, seed_of(model)] = Twin(True, seed_of(model), run)
    ordered = sorted(twins.values(), key=lambda twin: (not twin.with_physics, twin.seed))
    return TwinGroup(model_id, tuple(ordered))


def cancel_twins(session: Session, user: CurrentUser, model_id: int) -> None:
    """Stop the trainings of the group that have not ended; finished ones stay."""
    model = get_model_info(session, user, model_id)
    for job in _jobs(session, user, model):
        if job.is_active:
            cancel_job(session, user, job.id)


def twin_origins(
    session: Session, user: CurrentUser, keys: Iterable[str | None]
) -> dict[str, ModelInfo]:
    """By key of a group, the model that its trainings are twins of, for those still there."""
    ids = _living(session, user, {key for key in keys if key})
    models = {model.id: model for model in describe_models(session, user, list(ids.values()))}
    return {key: models[model_id] for key, model_id in ids.items()}


def superseded_twins(session: Session, user: CurrentUser) -> ColumnElement[bool]:
    """Which trainings a list leaves out so that each group stands as its newest training.

    The trainings of a group whose model is gone stay: there is no page that would show it.
    """
    newest = dict(
        session.execute(
            guard.visible_jobs(user)
            .where(TrainingJob.group_key.is_not(None))
            .with_only_columns(TrainingJob.group_key, func.max(TrainingJob.id))
            .group_by(TrainingJob.group_key)
        ).all()
    )
    living = _living(session, user, {str(key) for key in newest})
    return and_(
        func.coalesce(TrainingJob.group_key, "").in_(living),
        TrainingJob.id.not_in([newest[key] for key in living]),
    )


def _living(session: Session, user: CurrentUser, keys: set[str]) -> dict[str, int]:
    """Id of the model of each group whose model is still there."""
    run_ids = [int(part) for part in (key.split("-")[1] for key in keys) if part.isdigit()]
    rows = session.execute(
        guard.visible_models(user)
        .where(ModelVersion.run_id.in_(run_ids))
        .with_only_columns(ModelVersion.id, ModelVersion.run_id, ModelVersion.created_at)
    )
    found = {_key(run_id, created_at): model_id for model_id, run_id, created_at in rows}
    return {key: found[key] for key in keys if key in found}


def group_key(model: ModelInfo) -> str:
    """The key of a model's group; the time distinguishes runs that reuse a deleted run's number."""
    return _key(model.run_id, model.created_at)


def _key(run_id: int, created_at: datetime) -> str:
    return f"twins-{run_id}-{created_at:%Y%m%d%H%M%S}"


def _jobs(session: Session, user: CurrentUser, model: ModelInfo) -> list[JobInfo]:
    ids = session.scalars(
        guard.visible_jobs(user)
        .where(TrainingJob.group_key == group_key(model))
        .order_by(TrainingJob.id)
        .with_only_columns(TrainingJob.id)
    )
    jobs = describe_jobs(session, user, list(ids))
    return sorted(jobs, key=lambda job: job.id)


def settings_of(model: ModelInfo) -> dict[str, Any]:
    """All settings of the model; names that are no longer known are passed over."""
    stored = model.config.hyperparameters
    return {name: value for name, value in stored.items() if name in SPECS_BY_NAME}


def seed_of(model: ModelInfo) -> int:
    return int(settings_of(model).get("seed", 0))


def _is_lost(run: RunInfo) -> bool:
    return run.status in ("FAILED", "CANCELED")
