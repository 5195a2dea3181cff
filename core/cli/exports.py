"""The command `export`: writes the results of a test to a file."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from core.access.actor import CurrentUser
from core.base import storage
from core.base.database import read_scope, session_scope
from core.base.errors import Conflict, InvalidInput, TaskFailed
from core.cli.edge import ActingEmail, AsJson, NoWait, acting_user
from core.cli.output import show
from core.cli.output_files import check_target, whole_file
from core.cli.waiting import INTERRUPTED, finish_or_leave, glance_at
from core.evaluation.evaluations import get_test_info
from core.evaluation.exports import (
    ExportInfo,
    create_export,
    get_export_info,
    latest_exports,
    open_export,
)
from core.jobs.states import FINISHED
from db.tables.columns import EXPORT_FORMATS, ExportFormat


def export_results(
    acting: ActingEmail,
    test: Annotated[int, typer.Option(metavar="ID", help="Number of the test; `test` prints it.")],
    out: Annotated[Path, typer.Option(metavar="PATH", help="Path of the file to write.")],
    file_format: Annotated[str, typer.Option("--format", help="csv or xlsx.")] = "csv",
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Write predictions (CSV), or these with all metrics (XLSX), to a file."""
    user = acting_user(acting)
    wanted = _checked_format(file_format)
    check_target(out, force)
    export_id = _wanted_export(user, test, wanted)
    if not _export(user, export_id).is_ready:
        see = f"python -m core export --as {acting} --test {test}"
        finished = finish_or_leave(
            f"Export {export_id}", lambda: glance_at(_export(user, export_id).task), no_wait, see
        )
        if not finished:
            waiting = {"export_id": export_id, "format": wanted, "path": None, "bytes": None}
            show(waiting, as_json, [f"Export {export_id} is being made; ask again for the file."])
            raise typer.Exit(0 if no_wait else INTERRUPTED)
    size = _copy(user, export_id, out)
    made = {"export_id": export_id, "format": wanted, "path": str(out), "bytes": size}
    show(made, as_json, [f"Wrote {out} ({size:,} bytes)."])


def _checked_format(text: str) -> ExportFormat:
    for known in EXPORT_FORMATS:
        if known == text.upper():
            return known
    raise InvalidInput(f"The format is csv or xlsx, not {text!r}.")


def _wanted_export(user: CurrentUser, test_id: int, wanted: ExportFormat) -> int:
    """Return the newest usable export of the format, or start a new one."""
    with session_scope() as session:
        info = get_test_info(session, user, test_id)
        if info.status not in FINISHED:
            raise Conflict("This test is not finished yet. Wait for it, then export again.")
        if info.status != "SUCCEEDED":
            raise Conflict("This test ended without results. Start a new one.")
        found = latest_exports(session, user, test_id).get(wanted)
        if found is not None and (found.is_ready or found.is_active):
            return found.id
        return create_export(session, user, test_id, wanted)


def _export(user: CurrentUser, export_id: int) -> ExportInfo:
    with read_scope() as session:
        return get_export_info(session, user, export_id)


def _copy(user: CurrentUser, export_id: int, out: Path) -> int:
    info = _export(user, export_id)
    if not info.is_ready:
        message = info.task.message if info.task else None
        raise TaskFailed(message or "The file could not be made. Try again.")
    with read_scope() as session:
        source = open_export(session, user, export_id)
    with (
        storage.open_file(source) as stream,
        whole_file(out) as partial,
        partial.open("wb") as target,
    ):
        shutil.copyfileobj(stream, target)
    return out.stat().st_size
