"""The commands `builtin add` and `builtin demo`: datasets that every account can read."""

from pathlib import Path
from typing import Annotated, Any

import typer

from core.base.database import read_scope, session_scope
from core.base.errors import TaskFailed
from core.cli.edge import AsJson, NoWait, ready_database
from core.cli.output import show
from core.cli.waiting import INTERRUPTED, finish_or_leave, glance_at
from core.datasets.builtin import (
    DEMO_NAME,
    SEVERSON_NAME,
    add_builtin,
    ensure_demo_fleet,
    find_builtin,
)
from core.jobs.queue import TaskState, latest_tasks

commands = typer.Typer(help="Datasets that every account can read.", no_args_is_help=True)


@commands.command("add")
def add(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="MAT, CSV, XLSX or ZIP.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the dataset; by default that of the file.")
    ] = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Register a file as a dataset for everybody."""
    ready_database()
    chosen = name or _usual_name(path)
    with session_scope() as session:
        dataset_id = add_builtin(session, path, chosen)
    _finish(dataset_id, chosen, True, no_wait, as_json)


@commands.command("demo")
def demo(no_wait: NoWait = False, as_json: AsJson = False) -> None:
    """Create the simulated demonstration fleet, unless it is there."""
    ready_database()
    created = ensure_demo_fleet()
    with read_scope() as session:
        dataset_id = created or find_builtin(session, DEMO_NAME)
    if dataset_id is None:
        raise TaskFailed("The demonstration fleet was removed meanwhile. Try again.")
    _finish(dataset_id, DEMO_NAME, created is not None, no_wait, as_json)


def _usual_name(path: Path) -> str:
    return SEVERSON_NAME if path.name == "SeversonBattery.mat" else path.stem


def _finish(dataset_id: int, name: str, created: bool, no_wait: bool, as_json: bool) -> None:
    see = "python -m core datasets --as EMAIL"
    task = _task(dataset_id)
    ended = task is not None and not task.is_active
    finished = ended or finish_or_leave(name, lambda: glance_at(_task(dataset_id)), no_wait, see)
    task = _task(dataset_id)
    if finished and (task is None or task.status != "SUCCEEDED"):
        reason = task.message if task else None
        raise TaskFailed(reason or f"{name} could not be made. Try again.")
    payload: dict[str, Any] = {
        "dataset_id": dataset_id,
        "name": name,
        "created": created,
        "status": task.status if task else None,
    }
    show(payload, as_json, [f"Dataset {dataset_id}: {name} ({payload['status']})"])
    if not finished and not no_wait:
        raise typer.Exit(INTERRUPTED)


def _task(dataset_id: int) -> TaskState | None:
    with read_scope() as session:
        return latest_tasks(session, "BUILTIN", [dataset_id]).get(dataset_id)
