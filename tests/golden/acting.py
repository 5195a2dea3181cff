"""What somebody does in FadeBench, one line each, with the services and real processes."""

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.datasets.uploads import confirm_mapping, receive_upload
from core.evaluation.request import TestRequest
from core.evaluation.start import start_test
from core.ingest.formats.readers import preview
from core.ingest.mapping import ColumnMapping
from core.jobs.queue import is_idle
from core.jobs.supervisor import Supervisor
from core.model_versions.versions import ModelInfo, list_models
from core.training.request import TrainingRequest
from core.training.start import start_training
from core.training.views import get_job_info

PATIENCE_S = 600.0


def receive(user: CurrentUser, path: Path) -> int:
    """Upload a file and confirm no mapping yet; returns the upload's id."""
    with path.open("rb") as stream, session_scope() as session:
        return receive_upload(session, user, path.name, stream)


def upload(user: CurrentUser, path: Path, name: str, **mapping: Any) -> int:
    """Upload a file and queue its reading with the proposed mapping and some changes of it."""
    proposed = preview(path, path.name).mapping.to_json()
    upload_id = receive(user, path)
    with session_scope() as session:
        chosen = ColumnMapping.from_json({**proposed, **mapping})
        confirm_mapping(session, user, upload_id, chosen, name)
    return upload_id


def train(
    user: CurrentUser,
    dataset_id: int,
    target: str,
    *algorithms: str,
    settings: dict[str, Any],
    name: str | None = None,
    roles: dict[str, str] | None = None,
) -> int:
    """Queue a training; returns the job's id."""
    request = TrainingRequest(dataset_id, target, algorithms, roles, settings, name)
    return start_training(user, request)


def test(
    user: CurrentUser,
    model_id: int,
    dataset_id: int,
    horizon: int | None = None,
    codes: Sequence[str] | None = None,
) -> int:
    """Queue a test; returns its id."""
    return start_test(user, TestRequest(model_id, dataset_id, codes, horizon))


test.__test__ = False  # type: ignore[attr-defined]


def models_of(user: CurrentUser) -> list[ModelInfo]:
    """The models of an account, oldest first."""
    with read_scope() as session:
        return list(list_models(session, user))[::-1]


def model_of(user: CurrentUser, name: str) -> int:
    """Id of the first model of this name."""
    return next(model.id for model in models_of(user) if model.name == name)


def work() -> None:
    """Let background processes do all that waits."""
    started = time.monotonic()

    def done() -> bool:
        assert time.monotonic() - started < PATIENCE_S, "work got stuck"
        with read_scope() as session:
            return is_idle(session)

    Supervisor().run(done)


def kill_in_the_middle(user: CurrentUser, job_id: int) -> None:
    """Start the waiting run that comes first, and kill its process when it has learned a little."""
    supervisor, started = Supervisor(), time.monotonic()
    supervisor.start_waiting()
    (process,) = supervisor._children.values()
    while True:
        assert time.monotonic() - started < PATIENCE_S, "the training did not start"
        with read_scope() as session:
            if any(run.current_epoch for run in get_job_info(session, user, job_id).runs):
                break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def claim_all(lane: str) -> None:
    """Mark all that waits in a lane as running, as if each process died before its first words."""
    supervisor = Supervisor()
    while supervisor._claim(lane) is not None:
        pass
