"""The command `serve-jobs`: does background work without the app."""

import time
from typing import Annotated

import typer

from core.accounts.accounts import user_by_email
from core.base.database import read_scope
from core.cli.edge import AsJson, ready_database
from core.cli.output import show
from core.cli.waiting import interruptible
from core.jobs.queue import is_idle
from core.jobs.supervisor import Supervisor


def serve_jobs(
    acting: Annotated[
        str | None,
        typer.Option("--as", metavar="EMAIL", help="With --until-idle: this account's work only."),
    ] = None,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when no work waits or runs any more.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Start and watch background work until Ctrl-C; any number may run beside the app."""
    ready_database()
    user_id = None
    if acting is not None:
        with read_scope() as session:
            user_id = user_by_email(session, acting).id
    started = time.monotonic()
    with interruptible() as interrupted:
        if not until_idle:
            typer.echo("Working on the queue. Ctrl-C ends this; running work goes on.", err=True)
        Supervisor().run(lambda: interrupted() or (until_idle and _idle(user_id)))
    payload = {
        "status": "interrupted" if interrupted() else "idle",
        "seconds": round(time.monotonic() - started, 1),
    }
    show(payload, as_json, [f"Stopped ({payload['status']})."])


def _idle(user_id: int | None) -> bool:
    with read_scope() as session:
        return is_idle(session, user_id)
