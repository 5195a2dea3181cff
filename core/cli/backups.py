"""The commands `backup` and `restore`: one archive holds the database and all files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from core.backups.archive import Report
from core.backups.make import make_backup
from core.backups.restore import restore_backup
from core.backups.target import list_occupants
from core.base import data_folder
from core.base.database import get_engine
from core.base.errors import Conflict
from core.cli.edge import AsJson
from core.cli.output import show
from core.cli.output_files import check_target, whole_file

CONFIRMATION = "replace"


def backup(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="Where the archive (ZIP) goes.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Save the database and all files in one archive; the app may run meanwhile."""
    check_target(out, force)
    # Readable by its owner only: it holds password hashes and everybody's files.
    with (
        _progress("Backup") as report,
        # A restore that began meanwhile would mix its files with the rows of before.
        data_folder.in_use(),
        whole_file(out, mode=0o600) as partial,
        partial.open("wb") as target,
    ):
        manifest = make_backup(get_engine(), target, report)
    rows, size = sum(entry.rows for entry in manifest.tables), out.stat().st_size
    payload = {
        "path": str(out),
        "bytes": size,
        "revision": manifest.revision,
        "rows": rows,
        "files": len(manifest.files),
        "vanished_files": list(manifest.vanished),
        "missing_files": list(manifest.missing),
    }
    line = f"Wrote {out} ({size:,} bytes): {rows:,} rows, {len(manifest.files):,} files."
    show(payload, as_json, [line, *_absent(manifest.vanished, manifest.missing)])


def restore(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="An archive that `backup` made.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Delete what this installation has.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --replace: do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put an archive into the configured database and data folder; stop the app first."""
    engine = get_engine()
    if replace and not yes:
        _confirm(list_occupants(engine))
    with _progress("Restore") as report:
        restored = restore_backup(engine, path, replace, report)
    manifest = restored.manifest
    payload = {
        "path": str(path),
        "made_at": f"{manifest.made_at:%Y-%m-%dT%H:%M:%SZ}",
        "revision": manifest.revision,
        "rows": restored.rows,
        "files": restored.files,
        "missing_files": list(manifest.missing),
        "cut_off_tasks": restored.cut_off_tasks,
        "replaced_database": str(restored.copy) if restored.copy else None,
    }
    lines = [
        f"Restored {restored.rows:,} rows and {restored.files:,} files of {payload['made_at']}.",
        "Everybody signs in again.",
    ]
    if restored.copy:
        lines.append(f"The database that was here is kept as {restored.copy}.")
    show(payload, as_json, [*lines, *_absent((), manifest.missing)])


def _confirm(occupants: dict[str, int]) -> None:
    """Ask for a typed word before anything is deleted; an empty installation asks nothing."""
    if not occupants:
        return
    found = ", ".join(f"{noun}: {count}" for noun, count in occupants.items())
    typer.echo(f"Everything here will be deleted ({found}).", err=True)
    typed = typer.prompt(f"Type {CONFIRMATION} to go on", default="", show_default=False, err=True)
    if typed.strip() != CONFIRMATION:
        raise Conflict("Nothing was changed: the confirmation was not given.")


def _absent(vanished: Sequence[str], missing: Sequence[str]) -> list[str]:
    lines = [f"Deleted while the backup was made: {path}" for path in vanished]
    return lines + [f"MISSING, although the database names it: {path}" for path in missing]


@contextmanager
def _progress(what: str) -> Iterator[Report]:
    """Show a bar on standard error from the first report on, so that a refusal stays one line."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True))
    shown = bar.add_task(what, total=1.0)

    def report(stage: str, share: float) -> None:
        bar.start()
        bar.update(shown, description=f"{what}: {stage}", completed=share)

    try:
        yield report
    finally:
        if bar.live.is_started:
            bar.stop()
