"""After "Add a kind of background work": COUNT is done by a process and told by a command."""

from pathlib import Path

from tests.core.seeding import write_csv
from tests.docs.recipes.commands import ANN, add_ann, answer, help_of, import_file


def test_a_process_counts(data_dir: Path, tmp_path: Path) -> None:
    assert "Count the cycles of a dataset." in help_of()
    add_ann()
    dataset = import_file(write_csv(tmp_path / "cells.csv"))["dataset_id"]
    found = answer("count", "--as", ANN, "--dataset", dataset)
    assert found == {"status": "SUCCEEDED", "found": "Counted 200 cycles"}
