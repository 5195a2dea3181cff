"""Every kind of background work is known where work starts, and its absence is a loud error."""

import subprocess
import sys

import pytest
from sqlalchemy import select

from core.access.actor import CurrentUser
from core.base.database import session_scope
from core.jobs import kinds
from core.jobs.kinds import NotWired, get_kinds, get_sweep
from core.jobs.supervisor import Supervisor, start_in_thread
from core.wiring import KINDS, wire
from db.tables import BackgroundTask
from db.tables.tasks import TASK_KINDS
from tests.core.seeding import queue_training
from tests.paths import ROOT


@pytest.fixture
def unwired(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "_KINDS", {})
    monkeypatch.setattr(kinds, "_SWEEPS", [])


def test_every_kind_of_task_is_wired_to_work_that_can_be_loaded() -> None:
    assert set(get_kinds()) == set(TASK_KINDS)
    for kind in get_kinds().values():
        assert callable(kind.load_work())


@pytest.mark.usefixtures("unwired")
def test_without_wiring_nothing_is_started_in_silence(dataset: tuple[CurrentUser, int]) -> None:
    queue_training(*dataset)
    for ask in (get_kinds, get_sweep, Supervisor, start_in_thread):
        with pytest.raises(NotWired, match=r"core\.wiring\.wire"):
            ask()
    wire()
    assert get_kinds() == KINDS


@pytest.mark.usefixtures("unwired")
def test_without_wiring_no_task_is_settled(dataset: tuple[CurrentUser, int]) -> None:
    queue_training(*dataset)
    with session_scope() as session, pytest.raises(NotWired):
        task = session.scalars(select(BackgroundTask).where(BackgroundTask.kind == "TRAIN")).one()
        kinds.settle_task(session, task, "FAILED", "It ended.")


@pytest.mark.parametrize("module", ["core.jobs.supervisor", "core.jobs.context"])
def test_jobs_know_nothing_of_what_they_are_about(module: str) -> None:
    nouns = ("uploads", "training", "testing", "exports", "studies", "builtin", "sweeping")
    code = f"import sys, {module}; print([n for n in {nouns} if f'core.{{n}}' in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
