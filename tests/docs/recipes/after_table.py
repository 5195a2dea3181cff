"""After "Add a table": it takes rows, and a backup holds them."""

from pathlib import Path

from sqlalchemy import select
from typer.testing import CliRunner

from core.base.database import read_scope, session_scope
from core.cli.app import app
from db.tables import DatasetRemark
from tests.conftest import settings_of
from tests.core.seeding import write_csv
from tests.docs.recipes.commands import add_ann, import_file


def test_a_backup_brings_its_rows_to_another_place(data_dir: Path, tmp_path: Path) -> None:
    add_ann()
    dataset = import_file(write_csv(tmp_path / "cells.csv"))["dataset_id"]
    with session_scope() as session:
        session.add(DatasetRemark(dataset_id=dataset, body="Cells of spring", weight=0.5))
    archive = tmp_path / "all.zip"
    done = CliRunner().invoke(app, ["backup", str(archive)])
    assert done.exit_code == 0, done.output
    with settings_of(tmp_path / "elsewhere"):
        done = CliRunner().invoke(app, ["restore", str(archive)])
        assert done.exit_code == 0, done.output
        with read_scope() as session:
            found = session.execute(select(DatasetRemark.body, DatasetRemark.weight)).all()
    assert found == [("Cells of spring", 0.5)]
