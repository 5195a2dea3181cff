"""Start of every command: checks the database and finds the account to act for."""

from typing import Annotated

import typer

from core.access.actor import CurrentUser
from core.accounts.accounts import user_by_email
from core.base.database import get_engine, is_current, migrate, read_scope
from core.base.errors import Conflict

ActingEmail = Annotated[
    str, typer.Option("--as", metavar="EMAIL", help="E-mail of the account to act for.")
]
AsJson = Annotated[
    bool,
    typer.Option("--json", help="Write JSON alone to standard output, progress to standard error."),
]
OverruleRecognition = Annotated[
    str | None,
    typer.Option(
        "--overrule-recognition",
        metavar="REASON",
        help="Why batteries that the leakage check takes for the same are different; 10 to 500 "
        "characters, shown beside every number that follows.",
    ),
]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="Return at once; the work goes on in the background.")
]


def ready_database() -> None:
    """Migrate an SQLite database; other databases must be up to date already.

    Raises
    ------
    Conflict
        The tables of a database server are not those of this release.
    """
    if get_engine().dialect.name == "sqlite":
        migrate()
    elif not is_current():
        raise Conflict(
            "The database is not up to date with this release. Run `python -m alembic upgrade "
            "head` first."
        )


def acting_user(email: str) -> CurrentUser:
    """Prepare the database and return the account to act for; raises `NotFound` without one."""
    ready_database()
    with read_scope() as session:
        return user_by_email(session, email)
