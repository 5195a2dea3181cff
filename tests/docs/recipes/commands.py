"""Commands as somebody types them, for the proofs of the recipes."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from core.cli.app import app
from tests.core.seeding import PASSWORD

ANN = "ann@example.org"


def answer(*arguments: str | int | Path, typed: str | None = None) -> Any:
    """What a command prints with --json."""
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"], input=typed)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def help_of(*arguments: str) -> str:
    """What `--help` says."""
    done = CliRunner().invoke(app, [*arguments, "--help"], env={"COLUMNS": "300"})
    assert done.exit_code == 0, done.output
    return done.stdout


def add_ann() -> None:
    """An account."""
    named = ("--email", ANN, "--name", "Ann", "--password-stdin")
    answer("user", "add", *named, typed=f"{PASSWORD}\n")


def import_file(path: Path) -> Any:
    """A dataset of Ann's."""
    return answer("import", path, "--as", ANN, "--name", "Cells", "--nominal-capacity-ah", "1.1")
