"""Words that columns hold are types: mypy refuses a comparison with a misspelt one."""

from pathlib import Path
from typing import get_args

import pytest

from core.jobs.queue import TaskState
from core.training.views import JobInfo
from db.tables.columns import STATUSES, Status
from tests.paths import ROOT

SNIPPET = """
from db.tables.tasks import BackgroundTask


def is_done(task: BackgroundTask) -> bool:
    return task.status == "{status}"
"""


def _errors(tmp_path: Path, status: str) -> list[str]:
    from mypy import api

    file = tmp_path / "snippet.py"
    file.write_text(SNIPPET.format(status=status))
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--follow-imports", "silent"]
    cache = ["--cache-dir", str(tmp_path / "cache")]
    report, problem, _code = api.run([*options, *cache, str(file)])
    assert not problem
    return [line for line in report.splitlines() if " error: " in line]


@pytest.mark.slow
def test_a_misspelt_status_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)

    assert _errors(tmp_path, "SUCCEEDED") == []
    [error] = _errors(tmp_path, "SUCCEDED")
    assert "Non-overlapping equality check" in error


def test_what_pages_read_carries_the_types() -> None:
    assert get_args(Status) == STATUSES
    assert TaskState.__annotations__["status"] == Status
    assert JobInfo.__annotations__["status"] == Status
