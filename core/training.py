"""Training jobs and their runs: create, cancel, and keep their states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from core import access, ensembles, storage
from core.datasets import battery_ids, get_dataset_summary, list_batteries
from core.ensembles import ENSEMBLE
from core.errors import InvalidInput
from core.jobs.states import CANCELLED_BY_USER, FINISHED, move
from core.jobs.tasks import cancel_task, enqueue
from core.leakage.finding import refuse_blocked
from core.leakage.findings import training_findings
from core.names import checked_name
from core.series import targets_of
from core.training_views import get_job_info
from core.users import CurrentUser
from db.tables import (
    CycleData,
    TrainingJob,
    TrainingJobBattery,
    TrainingJobRun,
    TrainingJobRunLog,
)
from db.tables.columns import ROLES, TARGETS, utc_now
from models.config import (
    ALGORITHMS,
    HyperparameterError,
    Hyperparameters,
    check_question,
    resolve,
    total_rounds,
)


@dataclass(frozen=True)
class TrainingRequest:
    """What to train.

    roles : role (train, val, test) by battery code; None takes the dataset's split
    hyperparams : as `models.config.resolve` takes them: shared settings and "overrides"
    group_key : ties jobs together that differ in seed or physics only
    """

    dataset_id: int
    target: str
    algorithms: Sequence[str]
    roles: Mapping[str, str] | None = None
    hyperparams: Mapping[str, Any] = field(default_factory=dict)
    name: str | None = None
    group_key: str | None = None


def create_job(session: Session, user: CurrentUser, request: TrainingRequest) -> int:
    """Create a job, its battery roles and its runs, and queue the runs; returns the job's id.

    An ensemble is queued when the other runs have ended (`core.ensembles`).

    Raises
    ------
    InvalidInput
        A choice cannot be used; the message says which and what to do.
    """
    access.get_dataset(session, user, request.dataset_id, keep=True)
    summary = get_dataset_summary(session, user, request.dataset_id)
    settings = checked_settings(request)
    roles = checked_roles(session, user, request)
    _require_labels(session, request, roles)
    refuse_blocked(training_findings(session, user, request))
    job = TrainingJob(
        user_id=user.id,
        dataset_id=request.dataset_id,
        target=request.target,
        hyperparams=dict(request.hyperparams),
        group_key=request.group_key,
        name=checked_name(request.name, "training") if request.name else summary.name[:120],
    )
    session.add(job)
    session.flush()
    session.add_all(
        TrainingJobBattery(job_id=job.id, battery_id=battery_id, split_role=role)
        for battery_id, role in roles.items()
    )
    for algorithm, hp in settings.items():
        run = TrainingJobRun(
            job_id=job.id, algorithm=algorithm, total_epochs=total_rounds(algorithm, hp)
        )
        session.add(run)
        session.flush()
        if algorithm != ENSEMBLE:
            enqueue(session, user.id, "TRAIN", run.id)
    return job.id


def cancel_run(session: Session, user: CurrentUser, run_id: int) -> None:
    """Stop a run; one that waits ends at once, one that works within a second."""
    run = access.get_run(session, user, run_id)
    if run.algorithm == ENSEMBLE and not ensembles.has_begun(session, run_id):
        # With the job locked nobody can queue it meanwhile.
        _lock_job(session, run.job_id)
        if not ensembles.has_begun(session, run_id):
            settle(session, run_id, "CANCELED", CANCELLED_BY_USER)
            return
    if cancel_task(session, "TRAIN", run_id):
        settle(session, run_id, "CANCELED", CANCELLED_BY_USER)


def cancel_job(session: Session, user: CurrentUser, job_id: int) -> None:
    """Stop every run of a job that has not ended."""
    runs = get_job_info(session, user, job_id).runs
    # The ensemble first: it would start when the last of the others ends.
    for run in sorted(runs, key=lambda run: run.algorithm != ENSEMBLE):
        if run.is_active:
            cancel_run(session, user, run.id)


def begin(session: Session, run_id: int) -> None:
    """The process of a run starts."""
    move(session, TrainingJobRun, run_id, "RUNNING", started_at=utc_now())
    update_job(session, run_id)


def settle(session: Session, run_id: int, status: str, message: str) -> None:
    """A run ended without a model."""
    if move(session, TrainingJobRun, run_id, status, finished_at=utc_now()):
        run = session.get_one(TrainingJobRun, run_id)
        job = session.get_one(TrainingJob, run.job_id)
        _remove_unfinished(job.user_id, run_id)
        level = "ERROR" if status == "FAILED" else "INFO"
        text = message[:1].upper() + message[1:2000]
        session.add(
            TrainingJobRunLog(run_id=run_id, user_id=job.user_id, level=level, message=text)
        )
        session.flush()
    update_job(session, run_id)


def unfinished_checkpoint(user_id: int, run_id: int) -> str:
    """Relative path of a checkpoint whose model is not stored yet."""
    return f"{user_id}/models/run_{run_id}.pt"


def update_job(session: Session, run_id: int) -> None:
    """Make status and progress of a job follow from its runs, and its ensemble follow them."""
    job_id = select(TrainingJobRun.job_id).where(TrainingJobRun.id == run_id).scalar_subquery()
    job = _lock_job(session, job_id)
    runs = _run_states(session, job.id)
    if ensembles.advance(session, job.user_id, runs):
        runs = _run_states(session, job.id)
    shares = [
        1.0 if run.status in FINISHED else run.current_epoch / max(run.total_epochs, 1)
        for run in runs
    ]
    job.progress = round(sum(shares) / len(shares), 5)
    session.flush()
    status = job_status([run.status for run in runs])
    now = utc_now()
    if status != "PENDING":
        move(session, TrainingJob, job.id, "RUNNING", started_at=now)
    if status in FINISHED:
        move(session, TrainingJob, job.id, status, finished_at=now)


def _lock_job(session: Session, job_id: Any) -> TrainingJob:
    """The job, locked, so that of two runs that end together the second sees the first."""
    return session.scalars(
        select(TrainingJob).where(TrainingJob.id == job_id).with_for_update()
    ).one()


def _run_states(session: Session, job_id: int) -> Sequence[Row[Any]]:
    columns = ("id", "algorithm", "status", "current_epoch", "total_epochs")
    return session.execute(
        select(*(getattr(TrainingJobRun, name) for name in columns)).where(
            TrainingJobRun.job_id == job_id
        )
    ).all()


def job_status(runs: Sequence[str]) -> str:
    """Status of a job whose runs have these."""
    if all(status == "PENDING" for status in runs):
        return "PENDING"
    if any(status not in FINISHED for status in runs):
        return "RUNNING"
    for status in ("SUCCEEDED", "CANCELED"):
        if status in runs:
            return status
    return "FAILED"


def _remove_unfinished(user_id: int, run_id: int) -> None:
    """A process that was killed while it saved could not clean up itself."""
    storage.remove_file(unfinished_checkpoint(user_id, run_id))


def checked_settings(request: TrainingRequest) -> dict[str, Hyperparameters]:
    """Settings of every chosen algorithm; `InvalidInput` says what cannot be trained."""
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


def checked_roles(session: Session, user: CurrentUser, request: TrainingRequest) -> dict[int, str]:
    """Role by battery id; at least one train and one val."""
    if request.roles is None:
        frame = list_batteries(session, user, request.dataset_id)
        known = frame[frame["group_tag"].isin(ROLES)]
        roles = dict(zip(known["battery_id"], known["group_tag"], strict=True))
    else:
        ids = battery_ids(session, user, request.dataset_id, list(request.roles))
        roles = {ids[code]: role for code, role in request.roles.items()}
    wrong = set(roles.values()) - set(ROLES)
    if wrong:
        raise InvalidInput(f"A role is train, val or test, not {sorted(wrong)[0]!r}.")
    for role, purpose in (("train", "to fit on"), ("val", "to stop early by")):
        if role not in roles.values():
            raise InvalidInput(f"Give at least one battery the role {role}: {purpose}.")
    return {int(battery_id): role for battery_id, role in roles.items()}


def _require_labels(session: Session, request: TrainingRequest, roles: dict[int, str]) -> None:
    columns = {"PCL": CycleData.pcl, "RUL": CycleData.rul}
    targets = targets_of(request.target)
    for role in ("train", "val"):
        chosen = [battery_id for battery_id, value in roles.items() if value == role]
        counts = session.execute(
            select(*(func.count(columns[target]) for target in targets)).where(
                CycleData.battery_id.in_(chosen)
            )
        ).one()
        for target, count in zip(targets, counts, strict=True):
            if not count:
                hint = (
                    "None of them reaches end of life; a higher end-of-life threshold may help."
                    if target == "RUL"
                    else "The file has neither PCL nor capacity."
                )
                raise InvalidInput(f"No {role} battery has {target} labels. {hint}")
