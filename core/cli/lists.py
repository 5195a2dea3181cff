"""Shared by the commands that list things: options for filters and pages, and output."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

import typer

from core.base.errors import InvalidInput
from core.base.paging import LARGEST_PAGE, PAGE_SIZE, Listed
from core.cli.output import show, table
from core.jobs.states import ACTIVE, FINISHED

Word = TypeVar("Word", bound=str)
NO_MATCH = "Nothing matches. Leave out a filter."
JOB_STATUSES = (*ACTIVE, *FINISHED)

Limit = Annotated[
    int,
    typer.Option(metavar="N", help=f"How many at once: {PAGE_SIZE} if absent, to {LARGEST_PAGE}."),
]
After = Annotated[
    str | None,
    typer.Option(
        metavar="PLACE",
        help="Go on where the last page ended: the `next` of its JSON, also on standard error. "
        "Give the same filters and sorting again.",
    ),
]
Named = Annotated[
    str, typer.Option("--name", metavar="TEXT", help="Only those whose name contains this.")
]
Sort = Annotated[
    str, typer.Option(metavar="ORDER", help="newest, oldest, name, ...; an unknown one lists all.")
]
Status = Annotated[
    str | None,
    typer.Option(help="Only those in this state: PENDING, RUNNING, SUCCEEDED, FAILED, CANCELED."),
]
Since = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only from this time on (UTC)."),
]
Until = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only before this time (UTC)."),
]


def one_of(value: str | None, known: Sequence[Word], option: str) -> Word | None:
    """Return the value in capitals.

    Raises
    ------
    InvalidInput
        It is not one of the known values.
    """
    if value is None:
        return None
    for word in known:
        if word == value.upper():
            return word
    raise InvalidInput(f"{option} is one of {', '.join(known)}, not {value!r}.")


def show_list(
    noun: str,
    listed: Listed[Any],
    rows: Sequence[Mapping[str, Any]],
    as_json: bool,
    empty: str,
    columns: Sequence[str] | None = None,
) -> None:
    """Print a page as JSON or as a table, and the option that gives the next page."""
    shown = [{key: row[key] for key in columns} for row in rows] if columns else rows
    more = {} if listed.next is None else {"next": listed.next}
    show({noun: rows} | more, as_json, table(shown, empty))
    if more:
        typer.echo(f"There are more. Go on with: --after {listed.next}", err=True)
