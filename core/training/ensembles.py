"""Ensembles: each waits for the other runs of its training, then combines their models.

The run of an ensemble has no task of its own until the last of the others has ended.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.errors import InvalidInput
from core.jobs.queue import end_task, enqueue, latest_tasks
from core.jobs.states import FINISHED, move
from db.tables import ModelVersion, TrainingJobRun, TrainingJobRunLog
from db.tables.columns import utc_now
from models.settings.catalogue import ALGORITHMS
from models.settings.hyperparameters import Hyperparameters

ENSEMBLE = "ENSEMBLE"
FEWEST_MEMBERS = 2


@dataclass(frozen=True)
class Member:
    """A finished model of a job: its title and the stored path of its checkpoint."""

    title: str
    checkpoint: str


def is_member(algorithm: str) -> bool:
    """Whether an ensemble may combine this algorithm: all but floors and ensembles."""
    return ALGORITHMS[algorithm].family in ("network", "estimator")


def check_members(settings: Mapping[str, Hyperparameters]) -> None:
    """Raise InvalidInput if an ensemble is chosen with fewer than two algorithms to combine."""
    if ENSEMBLE not in settings:
        return
    members = [name for name in settings if is_member(name)]
    if len(members) < FEWEST_MEMBERS:
        raise InvalidInput(
            "The ensemble combines the other models of its training: choose at least two other "
            "algorithms (floors do not count), or leave the ensemble out."
        )
    for name in members:
        if settings[name].max_horizon != settings[ENSEMBLE].max_horizon:
            raise InvalidInput(
                "The ensemble needs the same farthest cycle ahead for all of its models; "
                f"{ALGORITHMS[name].label} has its own. Remove that, or leave the ensemble out."
            )


def advance(session: Session, user_id: int, runs: Sequence[Row[Any]]) -> bool:
    """Queue the waiting ensemble of a job once all its other runs have ended.

    With fewer than two models to combine it fails instead. The caller holds the lock of the job,
    so of two runs that end together only the second gets here with all of them ended.

    runs: `id, algorithm, status` of every run of the job

    Returns
    -------
    Whether the run of the ensemble has ended.
    """
    waiting = next((r for r in runs if r.algorithm == ENSEMBLE and r.status == "PENDING"), None)
    others = [run for run in runs if run.algorithm != ENSEMBLE]
    if waiting is None or any(run.status not in FINISHED for run in others):
        return False
    if latest_tasks(session, "TRAIN", [waiting.id]):
        return False
    task_id = enqueue(session, user_id, "TRAIN", waiting.id)
    done = sum(run.status == "SUCCEEDED" and is_member(run.algorithm) for run in others)
    if done >= FEWEST_MEMBERS:
        return False
    _fail(session, user_id, waiting.id, task_id, done)
    return True


def has_begun(session: Session, run_id: int) -> bool:
    """Whether the run of an ensemble has a task; before that, no process works on it."""
    return bool(latest_tasks(session, "TRAIN", [run_id]))


def list_members(session: Session, user: CurrentUser, job_id: int) -> list[Member]:
    """The models of a job that an ensemble combines, in the order of their runs."""
    guard.get_job(session, user, job_id)
    models = session.scalars(
        guard.visible_models(user)
        .where(TrainingJobRun.job_id == job_id)
        .order_by(ModelVersion.run_id)
    ).all()
    return [
        Member(f"{model.name} {model.version}", model.checkpoint_path)
        for model in models
        if is_member(model.algorithm)
    ]


def _fail(session: Session, user_id: int, run_id: int, task_id: int, done: int) -> None:
    found = "only one was" if done == 1 else "none was"
    message = (
        f"An ensemble needs two finished models of its training to combine; {found}. See the other "
        "runs for the reason, then train again."
    )
    end_task(session, task_id, "FAILED", message)
    if move(session, TrainingJobRun, run_id, "FAILED", finished_at=utc_now()):
        session.add(
            TrainingJobRunLog(run_id=run_id, user_id=user_id, level="ERROR", message=message)
        )
        session.flush()
