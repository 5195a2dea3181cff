"""The list of trainings as its page shows it: the twins of a model stand as one entry."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from core.access import guard
from core.access.actor import CurrentUser
from core.base.paging import BY_AGE, FIRST, Listed, Page, page_ids
from core.jobs.states import ACTIVE
from core.model_versions.versions import ModelInfo
from core.training.filters import EVERY_TRAINING, JOB_ORDERS, TrainingFilter, filtered_jobs
from core.training.trainings import job_status
from core.training.twins import superseded_twins, twin_origins
from core.training.views import JobInfo, describe_jobs
from db.tables import TrainingJob

# Trainings under way that stand above the table, those that run or start first.
MOST_UNDER_WAY = 10
# Trainings read to find them; twins count as one.
MOST_READ = 60


@dataclass(frozen=True)
class TrainingEntry:
    """A training, or all twins of a model together.

    origin : the model whose twins they are; None for a single training
    """

    job: JobInfo
    origin: ModelInfo | None = None


@dataclass(frozen=True)
class TrainingBoard:
    """What the page of trainings shows.

    active : what waits or runs, oldest first; `more_active` says whether that is not all
    """

    active: tuple[TrainingEntry, ...]
    more_active: bool
    listed: Listed[TrainingEntry]


def training_board(
    session: Session,
    user: CurrentUser,
    wanted: TrainingFilter = EVERY_TRAINING,
    page: Page = FIRST,
) -> TrainingBoard:
    """A page of trainings and those under way.

    Twins stand together while the list is neither narrowed nor sorted otherwise than by age:
    a filter finds the single trainings.
    """
    query = filtered_jobs(guard.visible_jobs(user), wanted, page.order)
    together = wanted == TrainingFilter() and page.order in BY_AGE
    if together:
        query = query.where(~superseded_twins(session, user))
    ids = page_ids(session, query, TrainingJob.id, JOB_ORDERS, page)
    active = _active(session, user)
    groups = _groups(session, user, [*ids, *active])
    members = [job_id for group in groups for job_id in group.job_ids]
    jobs = {job.id: job for job in describe_jobs(session, user, [*ids, *active, *members])}
    entries = {job_id: TrainingEntry(job) for job_id, job in jobs.items()}
    stands_for = {
        job_id: _together([jobs[i] for i in group.job_ids if i in jobs], group.origin)
        for group in groups
        for job_id in group.job_ids
    }
    under_way = _distinct([(entries | stands_for)[i] for i in active if i in jobs])
    shown = entries | stands_for if together else entries
    return TrainingBoard(
        tuple(under_way[:MOST_UNDER_WAY]),
        len(under_way) > MOST_UNDER_WAY or len(active) == MOST_READ,
        ids.replaced([shown[job_id] for job_id in ids if job_id in jobs]),
    )


@dataclass(frozen=True)
class _Group:
    """The twins of a model: their jobs, the newest first."""

    origin: ModelInfo
    job_ids: tuple[int, ...]


def _active(session: Session, user: CurrentUser) -> Sequence[int]:
    query = guard.visible_jobs(user).where(TrainingJob.status.in_(ACTIVE))
    return session.scalars(
        query.with_only_columns(TrainingJob.id).order_by(TrainingJob.id).limit(MOST_READ)
    ).all()


def _groups(session: Session, user: CurrentUser, job_ids: Sequence[int]) -> list[_Group]:
    """The groups that these jobs belong to, whole."""
    key = TrainingJob.group_key
    some = guard.visible_jobs(user).where(TrainingJob.id.in_(job_ids), key.is_not(None))
    keys = session.scalars(some.with_only_columns(key).distinct()).all()
    origins = twin_origins(session, user, keys)
    rows = session.execute(
        guard.visible_jobs(user)
        .where(key.in_(list(origins)))
        .with_only_columns(key, TrainingJob.id)
        .order_by(TrainingJob.id.desc())
    )
    members: dict[str, list[int]] = {}
    for group_key, job_id in rows:
        members.setdefault(str(group_key), []).append(job_id)
    return [_Group(origins[group_key], tuple(ids)) for group_key, ids in members.items()]


def _distinct(entries: Sequence[TrainingEntry]) -> list[TrainingEntry]:
    return list({entry.job.id: entry for entry in entries}.values())


def _together(jobs: Sequence[JobInfo], origin: ModelInfo) -> TrainingEntry:
    runs = tuple(run for job in jobs for run in job.runs)
    started = [job.started_at for job in jobs if job.started_at]
    finished = [job.finished_at for job in jobs if job.finished_at]
    job = replace(
        jobs[0],
        name=f"Twins of {origin.title} ({len(jobs)} trainings)",
        status=job_status([run.status for run in runs]),
        progress=sum(job.progress for job in jobs) / len(jobs),
        started_at=min(started, default=None),
        finished_at=max(finished) if len(finished) == len(jobs) else None,
        runs=runs,
    )
    return TrainingEntry(job, origin)
