"""Starting twins: which trainings a group lacks, planned first and then written all or none."""

from collections.abc import Mapping
from dataclasses import dataclass

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
from core.training.twins import (
    FEWEST_SEEDS,
    MOST_SEEDS,
    TwinGroup,
    find_twins,
    group_key,
    seed_of,
    settings_of,
)
from db.tables import TrainingJob
from models.settings.catalogue import ALGORITHMS
from models.settings.resolving import SPECS_BY_NAME

NAME_LENGTH = 80
ACTIVE_TWINS = "Twins of this model wait or run. Let them finish, or cancel them."


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
    if not settings_of(model).get("physics_weight"):
        return (
            "This model was trained with a physics weight of 0. Open one that was trained with "
            "physics to compare both."
        )
    return ""


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


def fits(model: ModelInfo) -> bool:
    """Whether training the model again today would give the same one, with errors by battery."""
    return (
        bool(model.metrics.batteries)
        and not model.labels_changed
        and model.config.algorithm_version == ALGORITHMS[model.algorithm].version
    )


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
    step = 1 if seed_of(model) + n_seeds <= highest else -1
    return [
        _request(model, roles, side, seed_of(model) + step * i)
        for i in range(n_seeds)
        for side in (True, False)
        if (side, seed_of(model) + step * i) not in usable
    ]


def _usable(
    session: Session, user: CurrentUser, model: ModelInfo, group: TwinGroup
) -> set[tuple[bool, int]]:
    found = {(True, seed_of(model))} if fits(model) else set()
    ids = [twin.run.model_version_id for twin in group.twins if twin.run.model_version_id]
    models = {info.id: info for info in describe_models(session, user, ids)}
    found |= {
        (twin.with_physics, twin.seed)
        for twin in group.twins
        if twin.run.model_version_id is not None
        and fits(models[twin.run.model_version_id])
        and models[twin.run.model_version_id].config.features == model.config.features
    }
    return found


def _request(
    model: ModelInfo, roles: Mapping[str, str], with_physics: bool, seed: int
) -> TrainingRequest:
    settings = settings_of(model) | {"seed": seed}
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
        features=model.config.features or None,
        overrule_recognition=model.overruled.reason if model.overruled else None,
    )
