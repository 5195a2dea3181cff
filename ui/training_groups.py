"""Trainings that belong together as one entry of the list: the twins of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.registry import ModelInfo
from core.training import job_status
from core.training_views import JobInfo
from ui.links import go, link

# The tab of the model page that shows the twins.
PHYSICS_VIEW = "Does physics help?"


def grouped(jobs: Sequence[JobInfo], origins: Mapping[str, ModelInfo]) -> list[JobInfo]:
    """The jobs with each group as one, in the place of its newest member.

    A group whose model is gone stays apart: there is no page that would show it.
    """
    members: dict[str, list[JobInfo]] = {}
    for job in jobs:
        if job.group_key in origins:
            members.setdefault(str(job.group_key), []).append(job)
    entries, seen = [], set()
    for job in jobs:
        key = str(job.group_key)
        if key not in members:
            entries.append(job)
        elif key not in seen:
            seen.add(key)
            entries.append(_together(members[key], origins[key]))
    return entries


def link_to(job: JobInfo, origins: Mapping[str, ModelInfo], icon: str | None = None) -> None:
    """A link to a training, or to the model whose twins it stands for."""
    origin = origins.get(job.group_key or "")
    if origin is None:
        link(job.name, "runs", icon=icon, job=job.id)
    else:
        link(job.name, "models", icon=icon, model=origin.id, model_view=PHYSICS_VIEW)


def open_entry(job: JobInfo, origins: Mapping[str, ModelInfo]) -> None:
    """Leave for a training, or for the model whose twins it stands for."""
    origin = origins.get(job.group_key or "")
    if origin is None:
        go("runs", job=job.id)
    else:
        go("models", model=origin.id, model_view=PHYSICS_VIEW)


def _together(jobs: Sequence[JobInfo], origin: ModelInfo) -> JobInfo:
    runs = tuple(run for job in jobs for run in job.runs)
    started = [job.started_at for job in jobs if job.started_at]
    finished = [job.finished_at for job in jobs if job.finished_at]
    return replace(
        jobs[0],
        name=f"Twins of {origin.title} ({len(jobs)} trainings)",
        status=job_status([run.status for run in runs]),
        progress=sum(job.progress for job in jobs) / len(jobs),
        started_at=min(started, default=None),
        finished_at=max(finished) if len(finished) == len(jobs) else None,
        runs=runs,
    )
