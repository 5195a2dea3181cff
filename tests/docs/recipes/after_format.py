"""After "Add a file format": JSON lines on the page Upload and on the command line."""

import json
from pathlib import Path

import pandas as pd
import pytest

from core.access.actor import CurrentUser
from core.base.errors import BadFile
from core.ingest.formats.readers import preview
from tests.core.seeding import write_csv
from tests.docs.recipes.commands import ANN, add_ann, answer, import_file
from tests.pages.conftest import run_page, user

__all__ = ["user"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    table = pd.read_csv(write_csv(tmp_path / "cells.csv"))
    file = tmp_path / "cells.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in table.to_dict("records")) + "\n")
    return file


def test_the_page_upload_takes_it(user: CurrentUser) -> None:
    (chooser,) = run_page("upload", user).get("file_uploader")
    assert ".jsonl" in chooser.proto.type


def test_the_command_line_reads_the_same_as_from_csv(
    data_dir: Path, path: Path, tmp_path: Path
) -> None:
    add_ann()
    for file in (path, tmp_path / "cells.csv"):
        import_file(file)
    listed = answer("datasets", "--as", ANN)["datasets"]
    counts = [(row["batteries"], row["cycles"]) for row in listed if row["name"] == "Cells"]
    assert counts == [(5, 200)] * 2


def test_a_wrong_ending_is_named_with_the_right_one(path: Path) -> None:
    with pytest.raises(BadFile, match=r"content is JSON lines.*'\.jsonl'"):
        preview(path, "cells.csv")
    with pytest.raises(BadFile, match=r"\.parquet, \.jsonl and \.csv"):
        preview(path, "cells.doc")
