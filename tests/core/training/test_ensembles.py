"""Ensembles wait for the other runs of their job, and end with them."""

import pytest
from sqlalchemy import select

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.errors import InvalidInput
from core.jobs.context import load_context
from core.jobs.kinds import get_kinds, settle_task
from core.jobs.supervisor import Supervisor
from core.model_versions.versions import compare_configs, list_models, open_checkpoint
from core.removal.marking import delete_job
from core.removal.sweeping import sweep
from core.training.ensembles import list_members
from core.training.request import TrainingRequest
from core.training.start import start_training
from core.training.trainings import cancel_job, cancel_run
from core.training.views import JobInfo, RunInfo, get_job_info, run_log
from db.tables import BackgroundTask, TrainingJobRun
from models.model.checkpoint import TrainedModel
from tests.core.backups.stored_files import on_disk
from tests.core.seeding import work_off

Dataset = tuple[CurrentUser, int]
MEMBERS = ("BASELINE", "BILSTM")
SMALL = {"epochs": 1, "hidden_size": 4, "window_length": 3}


def start(dataset: Dataset, *algorithms: str, **settings: object) -> int:
    user, dataset_id = dataset
    chosen = algorithms or (*MEMBERS, "ENSEMBLE", "MEAN")
    request = TrainingRequest(dataset_id, "PCL", chosen, hyperparams=SMALL | settings)
    return start_training(user, request)


def look(user: CurrentUser, job_id: int) -> tuple[JobInfo, dict[str, RunInfo]]:
    with read_scope() as session:
        job = get_job_info(session, user, job_id)
    return job, {run.algorithm: run for run in job.runs}


def end_next(status: str) -> None:
    """The oldest waiting run starts and ends without a model, or works."""
    task_id = Supervisor()._claim("train")
    assert task_id is not None
    if status == "SUCCEEDED":
        with read_scope() as session:
            context = load_context(session, task_id)
        get_kinds()[context.kind].load_work()(context)
        return
    with session_scope() as session:
        task = session.get_one(BackgroundTask, task_id)
        settle_task(session, task, status, "The data are odd.")


def test_it_combines_the_models_of_its_job_and_nothing_else(dataset: Dataset) -> None:
    user, _ = dataset
    job_id = start(dataset)
    _, before = look(user, job_id)
    assert before["ENSEMBLE"].task is None
    assert all(run.task is not None for name, run in before.items() if name != "ENSEMBLE")
    work_off()
    job, runs = look(user, job_id)
    assert (job.status, job.progress) == ("SUCCEEDED", 1.0)
    assert {run.status for run in runs.values()} == {"SUCCEEDED"}
    with read_scope() as session:
        members = list_members(session, user, job_id)
        model = next(m for m in list_models(session, user) if m.algorithm == "ENSEMBLE")
        log = [line.message for line in run_log(session, user, model.run_id)]
        compared = compare_configs(session, user, [model.id])
    titles = [member.title for member in members]
    assert titles == ["Small fleet Baseline v1", "Small fleet BiLSTM v1"]
    weights = model.config.ensemble["PCL"]
    assert list(weights) == titles and sum(weights.values()) == pytest.approx(1.0)
    assert any(line.startswith("Weights for PCL: Small fleet") for line in log)
    assert f"Weight of {titles[0]}, PCL" in set(compared["setting"])
    assert (model.metrics.test["PCL"].rmse or 0) > 0


def test_its_file_outlives_its_members(dataset: Dataset) -> None:
    user, _ = dataset
    job_id = start(dataset)
    work_off()
    with read_scope() as session:
        for member in list_members(session, user, job_id):
            on_disk(member.checkpoint).unlink()
        model = next(m for m in list_models(session, user) if m.algorithm == "ENSEMBLE")
        path, _ = open_checkpoint(session, user, model.id)
    assert TrainedModel.load(on_disk(path)).algorithm == "ENSEMBLE"


@pytest.mark.parametrize("other", ["FAILED", "CANCELED"])
def test_with_one_model_left_it_fails_with_a_sentence(dataset: Dataset, other: str) -> None:
    user, _ = dataset
    job_id = start(dataset)
    for status in ("SUCCEEDED", other):
        end_next(status)
    _, runs = look(user, job_id)
    assert runs["ENSEMBLE"].status == "PENDING" and runs["ENSEMBLE"].task is None
    end_next("SUCCEEDED")
    job, runs = look(user, job_id)
    ensemble = runs["ENSEMBLE"]
    assert (job.status, ensemble.status, runs["MEAN"].status) == (
        "SUCCEEDED",
        "FAILED",
        "SUCCEEDED",
    )
    assert ensemble.task is not None and not ensemble.task.is_active
    assert "needs two finished models of its training to combine; only one was." in str(
        ensemble.task.message
    )
    with read_scope() as session:
        assert run_log(session, user, ensemble.id)[-1].level == "ERROR"
    assert Supervisor()._claim("train") is None


def test_cancelled_while_it_waits_it_never_starts(dataset: Dataset) -> None:
    user, _ = dataset
    job_id = start(dataset)
    _, runs = look(user, job_id)
    with session_scope() as session:
        cancel_run(session, user, runs["ENSEMBLE"].id)
    job, runs = look(user, job_id)
    assert (job.status, runs["ENSEMBLE"].status) == ("RUNNING", "CANCELED")
    work_off()
    job, runs = look(user, job_id)
    assert job.status == "SUCCEEDED" and runs["ENSEMBLE"].model_version_id is None


def test_cancelling_the_job_ends_it_too_whatever_is_done(dataset: Dataset) -> None:
    user, _ = dataset
    job_id = start(dataset)
    end_next("SUCCEEDED")
    end_next("SUCCEEDED")
    with session_scope() as session:
        cancel_job(session, user, job_id)
    job, runs = look(user, job_id)
    assert job.status == "SUCCEEDED" and runs["BILSTM"].status == "SUCCEEDED"
    assert runs["ENSEMBLE"].status == runs["MEAN"].status == "CANCELED"
    assert Supervisor()._claim("train") is None


def test_queued_it_is_cancelled_like_any_run_and_deleted_with_its_job(dataset: Dataset) -> None:
    user, _ = dataset
    job_id = start(dataset, *MEMBERS, "ENSEMBLE")
    end_next("SUCCEEDED")
    end_next("SUCCEEDED")
    job, runs = look(user, job_id)
    assert job.status == "RUNNING" and runs["ENSEMBLE"].task is not None
    with session_scope() as session:
        cancel_run(session, user, runs["ENSEMBLE"].id)
    job, runs = look(user, job_id)
    assert (job.status, runs["ENSEMBLE"].status) == ("SUCCEEDED", "CANCELED")
    with session_scope() as session:
        delete_job(session, user, job_id)
    sweep()
    with read_scope() as session:
        assert not session.scalars(select(TrainingJobRun.id)).all()
        tasks = select(BackgroundTask.id).where(BackgroundTask.kind == "TRAIN")
        assert not session.scalars(tasks).all()


def test_what_it_cannot_combine_is_refused_at_once(dataset: Dataset) -> None:
    with pytest.raises(InvalidInput, match="at least two other "):
        start(dataset, "BASELINE", "MEAN", "ENSEMBLE")
    with pytest.raises(InvalidInput, match="same farthest cycle ahead for all of"):
        start(dataset, *MEMBERS, "ENSEMBLE", overrides={"BILSTM": {"max_horizon": 5}})
