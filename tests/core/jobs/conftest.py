"""An account with a small dataset, and a supervisor that works for it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from core.access.actor import CurrentUser
from core.accounts import passwords
from tests.core.jobs.processes import supervisor_at_work, tasks
from tests.core.seeding import add_account, add_dataset


@pytest.fixture
def user(fresh_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CurrentUser]:
    """An account; the processes that a test leaves running end with it."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    yield add_account("ann@example.org")
    for task in tasks("RUNNING"):
        if task.pid is not None and psutil.pid_exists(task.pid):
            os.kill(task.pid, signal.SIGKILL)


@pytest.fixture
def dataset_id(user: CurrentUser, tmp_path: Path) -> int:
    """A small dataset of this account."""
    return add_dataset(user, tmp_path)[1]


@pytest.fixture
def serving(dataset_id: int) -> Iterator[None]:
    """The supervisor begins once the dataset is there."""
    with supervisor_at_work():
        yield
