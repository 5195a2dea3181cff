"""Puts all commands together; expected errors are printed as one line."""

from typing import Any

import typer
from sqlalchemy.exc import ArgumentError, OperationalError
from typer.core import TyperGroup
from typer.exceptions import TyperException

from core.base.defects import ADVICE, report_defect
from core.cli import (
    accounts,
    backups,
    builtins,
    datasets,
    exports,
    relabelling,
    serving,
    studies,
    tests,
    training,
)
from core.wiring import wire


class OneLineErrors(TyperGroup):
    """Commands whose expected errors end with exit code 1 and one line on standard error."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except (*ADVICE, OSError) as error:
            message = str(error) or type(error).__name__
        except OperationalError as error:
            message = f"The database cannot be used: {error.orig}. Check FADEBENCH_DATABASE_URL."
        except ArgumentError as error:
            message = f"FADEBENCH_DATABASE_URL cannot be used: {error}."
        except Exception as error:
            message = report_defect(f"the command {ctx.invoked_subcommand!r}", error)
        typer.echo(f"Error: {' '.join(message.split())}", err=True)
        raise typer.Exit(1)


# Commands that wait for background work also start it.
wire()
app = typer.Typer(
    cls=OneLineErrors,
    help="FadeBench on the command line: import, train, test and export.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(accounts.commands, name="user")
app.command("import")(datasets.import_file)
app.command("datasets")(datasets.list_all)
app.command("relabel")(relabelling.relabel)
app.command("train")(training.train)
app.command("runs")(training.list_all)
app.command("test")(tests.test_model)
app.add_typer(studies.commands, name="study")
app.command("studies")(studies.list_all)
app.command("export")(exports.export_results)
app.add_typer(builtins.commands, name="builtin")
app.command("serve-jobs")(serving.serve_jobs)
app.command("backup")(backups.backup)
app.command("restore")(backups.restore)
