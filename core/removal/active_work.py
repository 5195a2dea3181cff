"""Waiting or running work that keeps a dataset, a training or a test from being changed or deleted.

Relabelling and deletion ask here, so that both refuse because of the same work.
"""

from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from core.base.errors import Conflict
from core.jobs.states import ACTIVE
from db.tables import (
    BackgroundTask,
    Dataset,
    ModelVersion,
    Study,
    TestExport,
    TestJob,
    TrainingJob,
    TrainingJobRun,
)

# Kind of work: the noun for one piece of it and for several.
NOUNS = {
    "TRAIN": ("training run", "training runs"),
    "TEST": ("test", "tests"),
    "EXPORT": ("export", "exports"),
    "STUDY": ("study", "studies"),
}


class Scope(NamedTuple):
    """Conditions that choose rows of four tables: everything that hangs on one thing."""

    datasets: ColumnElement[bool]
    jobs: ColumnElement[bool]
    tests: ColumnElement[bool]
    studies: ColumnElement[bool]


def below_datasets(dataset_ids: list[int]) -> Scope:
    """The datasets, their trainings and studies, and tests on them or of models trained on them."""
    return Scope(
        Dataset.id.in_(dataset_ids),
        TrainingJob.dataset_id.in_(dataset_ids),
        or_(
            TestJob.dataset_id.in_(dataset_ids),
            TestJob.model_version_id.in_(models_of(TrainingJob.dataset_id.in_(dataset_ids))),
        ),
        Study.dataset_id.in_(dataset_ids),
    )


def models_of(jobs: ColumnElement[bool]) -> Select[int]:
    """Ids of the model versions that came of some training jobs."""
    return (
        select(ModelVersion.id)
        .join(TrainingJobRun, TrainingJobRun.id == ModelVersion.run_id)
        .join(TrainingJob, TrainingJob.id == TrainingJobRun.job_id)
        .where(jobs)
    )


def refuse_active_work(session: Session, scope: Scope, refusal: str) -> None:
    """Raise `Conflict` if work in the scope waits or runs.

    refusal : what cannot be done, such as "It cannot be deleted yet"
    """
    subjects = {
        "TRAIN": select(TrainingJobRun.id).join(TrainingJob).where(scope.jobs),
        "TEST": select(TestJob.id).where(scope.tests),
        "EXPORT": select(TestExport.id).join(TestJob).where(scope.tests),
        "STUDY": select(Study.id).where(scope.studies),
    }
    in_scope = or_(
        *(
            (BackgroundTask.kind == kind) & BackgroundTask.subject_id.in_(ids)
            for kind, ids in subjects.items()
        )
    )
    rows = session.execute(
        select(BackgroundTask.kind, func.count())
        .where(BackgroundTask.status.in_(ACTIVE), in_scope)
        .group_by(BackgroundTask.kind)
    )
    counts: dict[str, int] = dict(rows.all())
    if counts:
        raise Conflict(f"{refusal}: {_listed(counts)}. Cancel that first, or let it finish.")


def _listed(counts: dict[str, int]) -> str:
    parts = [
        f"{counts[kind]} {one if counts[kind] == 1 else many}"
        for kind, (one, many) in NOUNS.items()
        if kind in counts
    ]
    named = " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
    return f"{named} on it still {'waits or runs' if sum(counts.values()) == 1 else 'wait or run'}"
