"""The commands `train` and `runs`."""

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from core.access.actor import CurrentUser
from core.base.database import read_scope
from core.base.errors import InvalidInput, TaskFailed
from core.base.paging import NEWEST, PAGE_SIZE, Page
from core.cli.edge import ActingEmail, AsJson, NoWait, OverruleRecognition, acting_user
from core.cli.json_files import read_object
from core.cli.lists import (
    JOB_STATUSES,
    NO_MATCH,
    After,
    Limit,
    Named,
    Since,
    Sort,
    Status,
    Until,
    one_of,
    show_list,
)
from core.cli.output import metrics_text, show
from core.cli.settings_text import parse_settings
from core.cli.waiting import INTERRUPTED, Glance, finish_or_leave
from core.datasets.overruled import overruled_notes
from core.model_versions.versions import get_model_info
from core.training.algorithm_choice import usual_algorithms
from core.training.filters import TrainingFilter
from core.training.request import TrainingRequest
from core.training.start import start_training
from core.training.views import JobInfo, RunInfo, get_job_info, list_runs
from models.settings.catalogue import ALGORITHMS


def train(
    acting: ActingEmail,
    dataset: Annotated[int, typer.Option(metavar="ID", help="Dataset; see `datasets`.")],
    target: Annotated[str, typer.Option(help="RUL, PCL or BOTH.")] = "BOTH",
    algorithms: Annotated[
        str | None,
        typer.Option(help=f"Names, separated by commas, out of {', '.join(ALGORITHMS)}."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the training.")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Largest number of passes over the training cycles.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Fixes all random draws: the same seed gives the same numbers."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting; BILSTM.key=value for one."),
    ] = None,
    roles: Annotated[
        Path | None,
        typer.Option(metavar="ROLES.JSON", help='{"battery code": "train", "val" or "test"}.'),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            help="Names of features, separated by commas; a name with a comma in double quotes. "
            "Default: the first eight of the dataset."
        ),
    ] = None,
    overrule_recognition: OverruleRecognition = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Train algorithms on a dataset; exit code 1 if none succeeded."""
    user = acting_user(acting)
    hyperparams = parse_settings(settings or [], epochs, seed)
    horizon = hyperparams.get("max_horizon", 0)
    request = TrainingRequest(
        dataset_id=dataset,
        target=target.upper(),
        algorithms=_listed(algorithms.upper())
        if algorithms
        else usual_algorithms(target.upper(), horizon),
        roles=_roles(roles),
        hyperparams=hyperparams,
        name=name,
        features=None if features is None else _names(features),
        overrule_recognition=overrule_recognition,
    )
    job_id = start_training(user, request)
    see = f"python -m core runs --as {acting}"
    finished = finish_or_leave(
        f"Training {job_id}", lambda: _glance(_job(user, job_id)), no_wait, see
    )
    job = _job(user, job_id)
    payload = {
        "job_id": job.id,
        "status": job.status,
        "overruled": overruled_notes(job.overruled),
        "runs": [_run_row(run, _metrics(user, run)) for run in job.runs],
    }
    show(payload, as_json, _lines(payload))
    if not finished and not no_wait:
        raise typer.Exit(INTERRUPTED)
    if finished and job.status != "SUCCEEDED":
        raise TaskFailed(_reason(job))


def list_all(
    acting: ActingEmail,
    job: Annotated[int | None, typer.Option(metavar="ID", help="Only this training.")] = None,
    name: Named = "",
    dataset: Annotated[
        int | None, typer.Option(metavar="ID", help="Only those on this dataset.")
    ] = None,
    status: Status = None,
    algorithm: Annotated[
        str | None, typer.Option(help="Only those of this algorithm, such as BILSTM.")
    ] = None,
    since: Since = None,
    until: Until = None,
    sort: Sort = NEWEST,
    limit: Limit = PAGE_SIZE,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """List training runs, the newest training first, 50 at once.

    Sorted by newest, oldest, name, dataset, status or algorithm.
    """
    user = acting_user(acting)
    wanted = TrainingFilter(
        name=name,
        dataset_id=dataset,
        statuses=tuple(filter(None, [one_of(status, JOB_STATUSES, "--status")])),
        algorithm=one_of(algorithm, list(ALGORITHMS), "--algorithm"),
        since=since,
        until=until,
        job_id=job,
    )
    with read_scope() as session:
        if job is not None:
            get_job_info(session, user, job)
        runs = list_runs(session, user, wanted, Page(limit, after, sort))
    rows = [
        {
            "run_id": run.id,
            "job_id": run.job_id,
            "name": run.job_name,
            "algorithm": run.algorithm,
            "target": run.target,
            "status": run.status,
            "epoch": run.current_epoch,
            "epochs": run.total_epochs,
            "model_version_id": run.model_version_id,
        }
        for run in runs
    ]
    empty = "No training runs yet. Start one with `train`."
    show_list("runs", runs, rows, as_json, NO_MATCH if wanted != TrainingFilter() else empty)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _names(text: str) -> list[str]:
    """Names between commas, where a name in double quotes may hold a comma."""
    (row,) = csv.reader([text], skipinitialspace=True)
    return [name.strip() for name in row if name.strip()]


def _roles(path: Path | None) -> dict[str, str] | None:
    if path is None:
        return None
    roles = read_object(path)
    if not all(isinstance(role, str) for role in roles.values()):
        raise InvalidInput(f'{path} must map battery codes to "train", "val" or "test".')
    return roles


def _job(user: CurrentUser, job_id: int) -> JobInfo:
    with read_scope() as session:
        return get_job_info(session, user, job_id)


def _glance(job: JobInfo) -> Glance:
    stages = [
        f"{run.algorithm} {run.current_epoch}/{run.total_epochs}"
        for run in job.runs
        if run.status == "RUNNING"
    ]
    return Glance(", ".join(stages) or job.status.lower(), job.progress, not job.is_active)


def _metrics(user: CurrentUser, run: RunInfo) -> dict[str, Any] | None:
    if run.model_version_id is None:
        return None
    with read_scope() as session:
        return get_model_info(session, user, run.model_version_id).metrics.content()


def _run_row(run: RunInfo, metrics: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "algorithm": run.algorithm,
        "status": run.status,
        "model_version_id": run.model_version_id,
        "metrics": metrics,
        "epochs": run.current_epoch,
        "seconds": round(run.task.elapsed_s, 2) if run.task else None,
        "message": run.task.message if run.task else None,
    }


def _lines(payload: dict[str, Any]) -> list[str]:
    lines = [f"Training {payload['job_id']}: {payload['status']}", *payload["overruled"]]
    for run in payload["runs"]:
        model = f", model {run['model_version_id']}" if run["model_version_id"] else ""
        note = f": {run['message']}" if run["message"] else ""
        lines.append(f"{run['algorithm']}: {run['status']}{model}{note}")
        for role in ("val", "test"):
            targets = (run["metrics"] or {}).get(role, {})
            lines += [f"  {role} {name}: {metrics_text(m)}" for name, m in targets.items()]
    return lines


def _reason(job: JobInfo) -> str:
    messages = [
        f"{run.algorithm}: {run.task.message}"
        for run in job.runs
        if run.task is not None and run.task.message
    ]
    return f"No run succeeded. {' '.join(messages)}".strip()
