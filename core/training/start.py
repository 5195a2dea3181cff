"""Starts trainings: a plan is read and checked first, then written in a short transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import func, insert
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import InvalidInput
from core.base.names import checked_name
from core.datasets.datasets import LoadedDataset, keep_datasets, load_dataset
from core.datasets.overruled import Overruled
from core.datasets.series import targets_of
from core.jobs.queue import enqueue_all
from core.leakage.overruling import settle_findings
from core.training import ensembles
from core.training.ensembles import ENSEMBLE
from core.training.features import stored_names
from core.training.leakage_check import training_findings
from core.training.request import TrainingRequest
from core.training.settings import TrainingSettings
from db.tables import BatteryUnit, CycleData, TrainingJob, TrainingJobBattery, TrainingJobRun
from db.tables.columns import ROLES, TARGETS
from models.settings.catalogue import ALGORITHMS
from models.settings.errors import HyperparameterError
from models.settings.hyperparameters import Hyperparameters
from models.settings.resolving import check_question, resolve, total_rounds


@dataclass(frozen=True)
class TrainingPlan:
    """A training that has passed all checks.

    roles : "train", "val" or "test" by battery id
    rounds : epochs, or rounds of boosting, of each algorithm
    labels_version : version of the labels that were checked
    features : names of the features to learn from; None = the dataset's first eight
    overruled : findings that the owner overruled
    """

    request: TrainingRequest
    name: str
    roles: Mapping[int, str]
    rounds: Mapping[str, int]
    labels_version: int
    features: tuple[str, ...] | None
    overruled: Overruled | None = None


def start_training(user: CurrentUser, request: TrainingRequest) -> int:
    """Check a request and queue its runs; returns the id of the training job.

    Raises
    ------
    InvalidInput, NotFound
        As `plan_training`.
    Conflict
        As `write_trainings`.
    """
    with read_scope() as session:
        plan = plan_training(session, user, request)
    with session_scope() as session:
        return write_trainings(session, user, [plan])[0]


def plan_training(
    session: Session,
    user: CurrentUser,
    request: TrainingRequest,
    dataset: LoadedDataset | None = None,
) -> TrainingPlan:
    """Read and check all that a training needs, without writing.

    dataset : that of the request, if the caller has just loaded it

    Raises
    ------
    InvalidInput
        A choice of the request cannot be used; the message says which, and what to do.
    """
    settings = checked_settings(request)
    dataset = dataset or load_dataset(session, user, request.dataset_id)
    require_inputs(settings, bool(dataset.summary.features))
    roles = checked_roles(request, dataset)
    features = stored_names(request.features, dataset.summary.features)
    _require_labels(session, user, request, roles)
    found = training_findings(session, user, request, dataset)
    overruled = settle_findings(found, request.overrule_recognition)
    name = request.name or dataset.summary.name[:120]
    return TrainingPlan(
        request=request,
        name=checked_name(name, "training"),
        roles=roles,
        rounds=_rounds(settings),
        labels_version=dataset.summary.labels_version,
        features=features,
        overruled=overruled,
    )


def plan_repeat(plan: TrainingPlan, request: TrainingRequest) -> TrainingPlan:
    """Return the plan of a request that differs from a planned one in settings and name only.

    The leakage check is not repeated, so the caller must change neither horizon nor features.
    """
    name = checked_name(request.name, "training") if request.name else plan.name
    return replace(plan, request=request, name=name, rounds=_rounds(checked_settings(request)))


def write_trainings(
    session: Session, user: CurrentUser, plans: Sequence[TrainingPlan]
) -> list[int]:
    """Store planned trainings and queue their runs, all or none; returns the job ids.

    An ensemble is queued when the other runs of its job have ended (`core.training.ensembles`).

    Raises
    ------
    NotFound
        The dataset has been deleted since the plan was made.
    Conflict
        The labels of the dataset have been changed since.
    """
    keep_datasets(session, user, {plan.request.dataset_id: plan.labels_version for plan in plans})
    return [_write(session, user, plan) for plan in plans]


def _write(session: Session, user: CurrentUser, plan: TrainingPlan) -> int:
    settings = TrainingSettings.from_json(plan.request.hyperparams)
    if plan.features is not None:
        settings = settings.changed(features=plan.features)
    job = TrainingJob(
        user_id=user.id,
        dataset_id=plan.request.dataset_id,
        target=plan.request.target,
        hyperparams=settings.to_json(),
        group_key=plan.request.group_key,
        name=plan.name,
        overruled=plan.overruled.to_json() if plan.overruled else None,
    )
    session.add(job)
    session.flush()
    session.execute(
        insert(TrainingJobBattery),
        [
            {"job_id": job.id, "battery_id": battery_id, "split_role": role}
            for battery_id, role in plan.roles.items()
        ],
    )
    session.execute(
        insert(TrainingJobRun),
        [
            {"job_id": job.id, "algorithm": algorithm, "total_epochs": rounds}
            for algorithm, rounds in plan.rounds.items()
        ],
    )
    # Selected, because MySQL does not return the ids of rows inserted together.
    runs = session.execute(
        guard.visible_runs(user)
        .where(TrainingJobRun.job_id == job.id)
        .order_by(TrainingJobRun.id)
        .with_only_columns(TrainingJobRun.id, TrainingJobRun.algorithm)
    )
    waiting = [run.id for run in runs if run.algorithm != ENSEMBLE]
    enqueue_all(session, user.id, "TRAIN", waiting)
    return job.id


def _rounds(settings: Mapping[str, Hyperparameters]) -> dict[str, int]:
    return {algorithm: total_rounds(algorithm, hp) for algorithm, hp in settings.items()}


def checked_settings(request: TrainingRequest) -> dict[str, Hyperparameters]:
    """Return the settings of every chosen algorithm; raises `InvalidInput` for impossible ones."""
    if request.target not in TARGETS:
        raise InvalidInput(f"The target is RUL, PCL or BOTH, not {request.target!r}.")
    if not request.algorithms:
        raise InvalidInput("Choose at least one algorithm.")
    unknown = [name for name in request.algorithms if name not in ALGORITHMS]
    if unknown:
        raise InvalidInput(
            f"There is no algorithm {unknown[0]!r}. Choose from {', '.join(ALGORITHMS)}."
        )
    try:
        chosen = [name for name in ALGORITHMS if name in request.algorithms]
        settings = {name: resolve(name, request.hyperparams) for name in chosen}
        for name, hp in settings.items():
            check_question(name, targets_of(request.target), hp)
        ensembles.check_members(settings)
        return settings
    except HyperparameterError as error:
        raise InvalidInput(str(error)) from error


def require_inputs(settings: Mapping[str, Hyperparameters], has_features: bool) -> None:
    """Raise `InvalidInput` where an algorithm would have no input: no features, no capacity.

    Floors need none, and a forecast may have the capacity measured so far.
    """
    if has_features:
        return
    for name, hp in settings.items():
        info = ALGORITHMS[name]
        if info.family == "floor" or (hp.max_horizon > 0 and hp.use_capacity_history):
            continue
        if info.family != "ensemble":
            raise InvalidInput(
                f"The dataset has no features, so {info.label} has no input. Train a forecast "
                "that uses the measured capacity, or read the file with feature columns."
            )


def checked_roles(request: TrainingRequest, dataset: LoadedDataset) -> dict[int, str]:
    """Return the role by battery id: at least one "train" and one "val".

    dataset : that of the request
    """
    if request.roles is None:
        frame = dataset.batteries
        known = frame[frame["group_tag"].isin(ROLES)]
        roles = dict(zip(known["battery_id"], known["group_tag"], strict=True))
    else:
        ids = dataset.ids_of(request.roles)
        roles = {ids[code]: role for code, role in request.roles.items()}
    wrong = set(roles.values()) - set(ROLES)
    if wrong:
        raise InvalidInput(f"A role is train, val or test, not {sorted(wrong)[0]!r}.")
    for role, purpose in (("train", "to fit on"), ("val", "to stop early by")):
        if role not in roles.values():
            raise InvalidInput(f"Give at least one battery the role {role}: {purpose}.")
    return {int(battery_id): role for battery_id, role in roles.items()}


def _require_labels(
    session: Session, user: CurrentUser, request: TrainingRequest, roles: Mapping[int, str]
) -> None:
    """Raise `InvalidInput` if no train or no validation battery has a label of the target."""
    used = [battery_id for battery_id, role in roles.items() if role in ("train", "val")]
    rows = session.execute(
        guard.visible_batteries(user)
        .join(CycleData, CycleData.battery_id == BatteryUnit.id)
        .where(BatteryUnit.id.in_(used))
        .group_by(BatteryUnit.id)
        .with_only_columns(
            BatteryUnit.id,
            func.count(CycleData.pcl).label("PCL"),
            func.count(CycleData.rul).label("RUL"),
        )
    ).all()
    for role in ("train", "val"):
        for target in targets_of(request.target):
            if not any(getattr(row, target) for row in rows if roles[row.id] == role):
                hint = (
                    "None of them reaches end of life; a higher end-of-life threshold may help."
                    if target == "RUL"
                    else "The file has neither PCL nor capacity."
                )
                raise InvalidInput(f"No {role} battery has {target} labels. {hint}")
