"""The commands `study early`, `study rows`, `study show` and `studies`."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import InvalidInput
from core.base.paging import NEWEST, PAGE_SIZE, Page
from core.cli.battery_tables import read_table
from core.cli.edge import ActingEmail, AsJson, NoWait, acting_user
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
from core.cli.output import show, table
from core.cli.waiting import INTERRUPTED, finish_task
from core.datasets.datasets import get_dataset_summary
from core.studies import early_life, row_split
from core.studies.files import prediction_frame, score_frame, weight_frame
from core.studies.filters import StudyFilter
from core.studies.studies import StudyInfo, get_study_info, get_study_result, list_studies

commands = typer.Typer(help="Studies: analyses that train no model.", no_args_is_help=True)


@commands.command("early")
def early(
    acting: ActingEmail,
    dataset: Annotated[
        int | None, typer.Option(metavar="ID", help="Dataset; see `datasets`.")
    ] = None,
    cycles: Annotated[
        int | None,
        typer.Option(help=f"Last of the first cycles to use; by default {early_life.DEFAULT_K}."),
    ] = None,
    table_path: Annotated[
        Path | None,
        typer.Option(
            "--table",
            metavar="FILE",
            help="Instead of a dataset: a file with one row per battery.",
        ),
    ] = None,
    columns: Annotated[
        Path | None,
        typer.Option(metavar="MAP.JSON", help="Meaning of some columns; the rest is recognised."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the study.")] = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Predict how long batteries live from the first cycles of a dataset, or from a table."""
    user = acting_user(acting)
    if dataset is not None and table_path is None and columns is None:
        k = early_life.DEFAULT_K if cycles is None else cycles
        study_id = _queue_dataset(user, dataset, k, name)
    elif table_path is not None and dataset is None and cycles is None:
        study_id = _queue_table(user, table_path, columns, name)
    else:
        raise InvalidInput(
            "Give either --dataset ID, with --cycles if you like, or --table FILE, with --columns."
        )
    _finish(acting, user, study_id, no_wait, as_json)


@commands.command("rows")
def rows(
    acting: ActingEmail,
    dataset: Annotated[int, typer.Option(metavar="ID", help="Dataset; see `datasets`.")],
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Compare a random split with a split by battery, by the errors of the same models."""
    user = acting_user(acting)
    with session_scope() as session:
        study_id = row_split.create_row_split(session, user, dataset)
    _finish(acting, user, study_id, no_wait, as_json)


@commands.command("show")
def show_study(
    acting: ActingEmail,
    study_id: Annotated[int, typer.Argument(metavar="ID", help="Study; see `studies`.")],
    as_json: AsJson = False,
) -> None:
    """Show what a study found, or how far it is."""
    user = acting_user(acting)
    _show(user, _study(user, study_id), as_json)


def list_all(
    acting: ActingEmail,
    name: Named = "",
    kind: Annotated[
        str | None, typer.Option(help=f"Only {early_life.KIND} or {row_split.KIND}.")
    ] = None,
    dataset: Annotated[
        int | None, typer.Option(metavar="ID", help="Only those of this dataset.")
    ] = None,
    status: Status = None,
    since: Since = None,
    until: Until = None,
    sort: Sort = NEWEST,
    limit: Limit = PAGE_SIZE,
    after: After = None,
    as_json: AsJson = False,
) -> None:
    """List studies, the newest first, 50 at once.

    Sorted by newest, oldest, name, dataset or status.
    """
    user = acting_user(acting)
    wanted = StudyFilter(
        name=name,
        kind=one_of(kind, (early_life.KIND, row_split.KIND), "--kind"),
        dataset_id=dataset,
        statuses=tuple(filter(None, [one_of(status, JOB_STATUSES, "--status")])),
        since=since,
        until=until,
    )
    with read_scope() as session:
        listed = list_studies(session, user, wanted, Page(limit, after, sort))
        found = [
            {
                "study_id": info.id,
                "kind": info.kind,
                "name": info.name,
                "dataset_id": info.dataset_id,
                "source": info.source,
                "status": info.status,
                "created_at": info.created_at,
            }
            for info in listed
        ]
    empty = "No studies yet. Start one with `study early` or `study rows`."
    empty = NO_MATCH if wanted != StudyFilter() else empty
    show_list("studies", listed, found, as_json, empty)


def _queue_dataset(user: CurrentUser, dataset_id: int, k: int, name: str | None) -> int:
    with session_scope() as session:
        source = get_dataset_summary(session, user, dataset_id).name
        chosen = name or early_life.usual_name(source, k)
        return early_life.create_from_dataset(session, user, chosen, dataset_id, k)


def _queue_table(user: CurrentUser, path: Path, columns: Path | None, name: str | None) -> int:
    found = read_table(path, columns)
    with session_scope() as session:
        return early_life.create_from_table(
            session,
            user,
            name or early_life.usual_name(path.name, None),
            found.table,
            file_name=path.name,
            left_out=found.left_out,
            variance=found.variance,
        )


def _finish(acting: str, user: CurrentUser, study_id: int, no_wait: bool, as_json: bool) -> None:
    """Wait for a study, unless told not to, and show its result."""
    info, interrupted = finish_task(
        f"Study {study_id}",
        lambda: _study(user, study_id),
        no_wait,
        f"python -m core study show {study_id} --as {acting}",
    )
    _show(user, info, as_json)
    if interrupted:
        raise typer.Exit(INTERRUPTED)


def _show(user: CurrentUser, info: StudyInfo, as_json: bool) -> None:
    """Print a study and, once there is one, its result."""
    found: dict[str, Any] | None = None
    lines = [info.task.message] if info.task and info.task.message else []
    if info.status == "SUCCEEDED":
        with read_scope() as session:
            found, lines = DESCRIPTIONS[info.kind](get_study_result(session, user, info.id))
    payload = {
        "study_id": info.id,
        "name": info.name,
        "source": info.source,
        "status": info.status,
        "seconds": round(info.task.elapsed_s, 2) if info.task else None,
        "result": found,
    }
    show(payload, as_json, [f"Study {info.id}: {info.name} ({info.status})", *lines])


def _study(user: CurrentUser, study_id: int) -> StudyInfo:
    with read_scope() as session:
        return get_study_info(session, user, study_id)


def _early_found(stored: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    result = early_life.parse_result(stored)
    found = {
        "cycles": result.k,
        "chosen": result.chosen,
        "scores": _records(score_frame(result)),
        "batteries": _records(prediction_frame(result)),
        "weights": _records(weight_frame(result)),
        "left_out": [{"battery": code, "reason": reason} for code, reason in result.left_out],
        "notes": result.notes,
    }
    scores = [
        {"model": label, "cross_validated": result.cv_rmse[model]}
        | {
            result.group_labels[group].lower().replace(" ", "_"): result.score(model, group)["rmse"]
            for group in result.counts
        }
        for model, label in result.labels.items()
    ]
    chosen = f"RMSE in cycles. Chosen by cross-validation: {result.labels[result.chosen]}."
    return found, [*table(scores, ""), chosen]


def _rows_found(stored: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    result = row_split.parse_result(stored)
    scores = _records(result.scores)
    found = {
        "batteries": result.n_batteries,
        "labelled_cycles": result.rows_total,
        "cycles_used": result.rows_used,
        "scores": scores,
    }
    units = "RMSE of PCL as a fraction, of RUL in cycles; ratio with its 95 % interval."
    return found, [*table(scores, ""), units]


def _records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """Turn a frame into rows, with None for missing numbers."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


# Kind of study -> functions that give its stored result as data and as lines of text.
DESCRIPTIONS: dict[str, Callable[[dict[str, Any]], tuple[dict[str, Any], list[str]]]] = {
    early_life.KIND: _early_found,
    row_split.KIND: _rows_found,
}
