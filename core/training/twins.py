"""Twins of a physics-informed model: the same training with and without its physics.

One run cannot tell whether physics helps, because seeds differ more than methods do. So a group of
trainings repeats the model's batteries, settings and epochs with several seeds: with its physics
weight on one side, with weight 0 on the other. All of them have the same `training_job.group_key`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import Conflict, InvalidInput
from core.datasets.datasets import LoadedDataset, load_dataset
from core.jobs.states import ACTIVE
from core.model_versions.provenance import get_job_roles
from core.model_versions.versions import ModelInfo, describe_models, get_model_info
from core.training.duration import estimate_duration_s, total_duration_s
from core.training.request import TrainingRequest
from core.training.start import TrainingPlan, plan_repeat, plan_training, write_trainings
from core.training.trainings import cancel_job
from core.training.views import JobInfo, RunInfo, describe_jobs, get_run_info
from db.tables import ModelVersion, TrainingJob
from models.settings.catalogue import ALGORITHMS
from models.settings.resolving import SPECS_BY_NAME

FEWEST_SEEDS, MOST_SEEDS = 3, 10
NAME_LENGTH = 80
ACTIVE_TWINS = "Twins of this model wait or run. Let them finish, or cancel them."


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


@dataclass(frozen=True)
class TwinPlan:
    """Trainings that a group lacks and that nothing forbids."""

    model_id: int
    group_key: str
    trainings: tuple[TrainingPlan, ...]


def twin_refusal(model: ModelInfo) -> str:
    """Why this model cannot have twins; empty if it can."""
    if not ALGORITHMS[model.algorithm].physics:
        return "Its algorithm has no physics to switch off."
    if not _settings(model).get("physics_weight"):
        return (
            "This model was trained with a physics weight of 0. Open one that was trained with "
            "physics to compare both."
        )
    return ""


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
    if twins and model.metrics.batteries and (True, _seed(model)) not in twins:
        run = get_run_info(session, user, model.run_id)
        twins[True, _seed(model)] = Twin(True, _seed(model), run)
    ordered = sorted(twins.values(), key=lambda twin: (not twin.with_physics, twin.seed))
    return TwinGroup(model_id, tuple(ordered))


def start_twins(user: CurrentUser, model_id: int, n_seeds: int = FEWEST_SEEDS) -> str:
    """Queue what the group still lacks for `n_seeds` a side, all or none; returns its key.

    Raises
    ------
    InvalidInput, Conflict, NotFound
        As `plan_twins` and `write_twins`.
    """
    with read_scope() as session:
        plan = plan_twins(session, user, model_id, n_seeds)
    with session_scope() as session:
        return write_twins(session, user, plan)


def plan_twins(
    session: Session, user: CurrentUser, model_id: int, n_seeds: int = FEWEST_SEEDS
) -> TwinPlan:
    """Plan what the group still lacks for `n_seeds` a side; nothing is written.

    Raises
    ------
    InvalidInput
        The model has no physics, or the number of seeds is out of range.
    Conflict
        Trainings of the group wait or run, or nothing is lacking.
    """
    model = get_model_info(session, user, model_id)
    group = find_twins(session, user, model_id)
    if group.is_active:
        raise Conflict(ACTIVE_TWINS)
    dataset = load_dataset(session, user, model.dataset_id)
    requests = _missing(session, user, model, group, n_seeds, dataset)
    if not requests:
        raise Conflict(f"This model has its {n_seeds} seeds with and without physics already.")
    # Same batteries, target and horizon: what holds for one holds for all.
    first = plan_training(session, user, requests[0], dataset)
    plans = (first, *(plan_repeat(first, request) for request in requests[1:]))
    return TwinPlan(model.id, group_key(model), plans)


def write_twins(session: Session, user: CurrentUser, plan: TwinPlan) -> str:
    """Store planned twins and queue them; returns the key of the group.

    Raises
    ------
    NotFound
        The model or its dataset has been deleted since the plan was made.
    Conflict
        Somebody else has started twins of this model since, or changed the labels.
    """
    own = write_trainings(session, user, plan.trainings)
    # Locked, so that of two who start twins of one model the second sees those of the first; and
    # after the dataset, in the order in which deletion locks both.
    guard.get_model(session, user, plan.model_id, lock=True)
    others = guard.visible_jobs(user).where(
        TrainingJob.group_key == plan.group_key,
        TrainingJob.status.in_(ACTIVE),
        TrainingJob.id.not_in(own),
    )
    if session.scalars(others.with_only_columns(TrainingJob.id).limit(1)).first() is not None:
        raise Conflict(ACTIVE_TWINS)
    return plan.group_key


def estimate_twins(
    session: Session, user: CurrentUser, model_id: int, n_seeds: int = FEWEST_SEEDS
) -> tuple[int, float]:
    """How many trainings `start_twins` would queue, and rough seconds until the last ends."""
    model = get_model_info(session, user, model_id)
    group = find_twins(session, user, model_id)
    dataset = load_dataset(session, user, model.dataset_id)
    requests = _missing(session, user, model, group, n_seeds, dataset)
    durations = {
        str(place): sum(estimate_duration_s(request, dataset).values())
        for place, request in enumerate(requests)
    }
    return len(requests), total_duration_s(durations)


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


def fits(model: ModelInfo) -> bool:
    """Whether training the model again today would give the same one, with errors by battery."""
    return (
        bool(model.metrics.batteries)
        and not model.labels_changed
        and model.config.algorithm_version == ALGORITHMS[model.algorithm].version
    )


def _jobs(session: Session, user: CurrentUser, model: ModelInfo) -> list[JobInfo]:
    ids = session.scalars(
        guard.visible_jobs(user)
        .where(TrainingJob.group_key == group_key(model))
        .order_by(TrainingJob.id)
        .with_only_columns(TrainingJob.id)
    )
    jobs = describe_jobs(session, user, list(ids))
    return sorted(jobs, key=lambda job: job.id)


def _missing(
    session: Session,
    user: CurrentUser,
    model: ModelInfo,
    group: TwinGroup,
    n_seeds: int,
    dataset: LoadedDataset,
) -> list[TrainingRequest]:
    """The trainings that are missing for seeds s, s + 1, ... to have a model on both sides."""
    if problem := twin_refusal(model):
        raise InvalidInput(problem)
    if not FEWEST_SEEDS <= n_seeds <= MOST_SEEDS:
        raise InvalidInput(
            f"Choose {FEWEST_SEEDS} to {MOST_SEEDS} seeds on each side, not {n_seeds}."
        )
    usable = _usable(session, user, model, group)
    codes = dataset.codes
    by_id = get_job_roles(session, user, model.job_id)
    roles = {codes[battery_id]: role for battery_id, role in by_id.items()}
    # Near the largest seed there is, count down.
    highest = SPECS_BY_NAME["seed"].maximum or 0
    step = 1 if _seed(model) + n_seeds <= highest else -1
    return [
        _request(model, roles, side, _seed(model) + step * i)
        for i in range(n_seeds)
        for side in (True, False)
        if (side, _seed(model) + step * i) not in usable
    ]


def _usable(
    session: Session, user: CurrentUser, model: ModelInfo, group: TwinGroup
) -> set[tuple[bool, int]]:
    found = {(True, _seed(model))} if fits(model) else set()
    ids = [twin.run.model_version_id for twin in group.twins if twin.run.model_version_id]
    models = {info.id: info for info in describe_models(session, user, ids)}
    found |= {
        (twin.with_physics, twin.seed)
        for twin in group.twins
        if twin.run.model_version_id is not None and fits(models[twin.run.model_version_id])
    }
    return found


def _request(
    model: ModelInfo, roles: Mapping[str, str], with_physics: bool, seed: int
) -> TrainingRequest:
    settings = _settings(model) | {"seed": seed}
    if not with_physics:
        settings["physics_weight"] = 0.0
    side = "with" if with_physics else "without"
    return TrainingRequest(
        dataset_id=model.dataset_id,
        target=model.target,
        algorithms=[model.algorithm],
        roles=roles,
        hyperparams=settings,
        name=f"{model.title[:NAME_LENGTH]}, {side} physics, seed {seed}",
        group_key=group_key(model),
        overrule_recognition=model.overruled.reason if model.overruled else None,
    )


def _settings(model: ModelInfo) -> dict[str, Any]:
    """All settings of the model; names that are no longer known are passed over."""
    stored = model.config.hyperparameters
    return {name: value for name, value in stored.items() if name in SPECS_BY_NAME}


def _seed(model: ModelInfo) -> int:
    return int(_settings(model).get("seed", 0))


def _is_lost(run: RunInfo) -> bool:
    return run.status in ("FAILED", "CANCELED")
