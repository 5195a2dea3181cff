"""`user add`: creates accounts from the command line."""

import sys
from typing import Annotated

import typer

from core.accounts.accounts import add_user
from core.base.database import session_scope
from core.cli.edge import AsJson, ready_database
from core.cli.output import show

commands = typer.Typer(help="Accounts.", no_args_is_help=True)


@commands.callback()
def _group() -> None:
    """Accounts."""


@commands.command("add")
def add(
    email: Annotated[str, typer.Option(help="E-mail, used to sign in.")],
    name: Annotated[str, typer.Option(help="Name shown on the pages.")],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
    admin: Annotated[bool, typer.Option("--admin", help="Make it an administrator.")] = False,
    as_json: AsJson = False,
) -> None:
    """Create an account, whether sign-up is open or not."""
    password = _password(password_stdin)
    ready_database()
    with session_scope() as session:
        user = add_user(session, email, name, password, admin)
    role = "administrator" if user.is_admin else "user"
    show(
        {"user_id": user.id, "email": user.email, "name": user.name, "is_admin": user.is_admin},
        as_json,
        [f"Created the {role} {user.name} <{user.email}>."],
    )


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    prompted: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    return prompted
