"""Trainings at any stage, made with the real services and without a process."""

from sqlalchemy import select
from sqlalchemy.orm import Session
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from core.access.actor import CurrentUser
from core.base.database import read_scope, session_scope
from core.base.storage import atomic_file
from core.jobs.queue import end_task
from core.jobs.states import move
from core.model_versions.config import ModelConfig, ModelMetrics
from core.model_versions.versions import add_model
from core.training.request import TrainingRequest
from core.training.start import start_training
from core.training.trainings import begin, settle, update_job
from core.training.views import get_job_info
from db.tables import BackgroundTask, TrainingJobRun, TrainingJobRunMetric
from db.tables.columns import utc_now
from models.settings.resolving import resolve

METRICS = {
    "n": 900,
    "mae": 0.004,
    "mse": 2.5e-5,
    "rmse": 0.005,
    "r2": 0.98,
    "rmspe": 0.006,
    "rmspe_pcl": 0.05,
    "rmspe_pcl_left_out": 3,
    "n_batteries": 5,
    "macro": {"mae": 0.004, "mse": 2.5e-5, "rmse": 0.0048, "r2": 0.97, "rmspe": 0.006},
}


def start_job(
    user: CurrentUser,
    dataset_id: int,
    algorithms: tuple[str, ...] = ("BASELINE",),
    epochs: int = 4,
    max_horizon: int = 0,
) -> tuple[int, list[int]]:
    """A waiting job for PCL; returns its id and those of its runs."""
    settings = {"epochs": epochs, "max_horizon": max_horizon}
    request = TrainingRequest(
        dataset_id, "PCL", algorithms, hyperparams=settings, name="My training"
    )
    job_id = start_training(user, request)
    with read_scope() as session:
        runs = [run.id for run in get_job_info(session, user, job_id).runs]
    return job_id, runs


def run_epochs(run_id: int, epochs: int) -> None:
    """The run has started and reported this many epochs."""
    with session_scope() as session:
        move(session, BackgroundTask, _task(session, run_id), "RUNNING", started_at=utc_now())
        begin(session, run_id)
        session.add_all(
            TrainingJobRunMetric(
                run_id=run_id,
                epoch=epoch,
                train_loss=1.0 / epoch,
                val_loss=1.5 / epoch,
                metrics={"val_rmse_PCL": 0.02 / epoch},
            )
            for epoch in range(1, epochs + 1)
        )
        session.get_one(TrainingJobRun, run_id).current_epoch = epochs
        session.flush()
        update_job(session, run_id)


def fail(run_id: int, message: str) -> None:
    """The run ends without a model."""
    with session_scope() as session:
        end_task(session, _task(session, run_id), "FAILED", message)
        settle(session, run_id, "FAILED", message)


def succeed(user: CurrentUser, run_id: int, name: str = "My training", **settings: object) -> int:
    """The run yields a model; returns its id. `settings` differ from the defaults."""
    unfinished = f"{user.id}/models/run_{run_id}.pt"
    with atomic_file(unfinished) as path:
        path.write_bytes(b"weights")
    with session_scope() as session:
        run = session.get_one(TrainingJobRun, run_id)
        hp = resolve(run.algorithm, settings).to_json()
        move(session, TrainingJobRun, run_id, "SUCCEEDED", finished_at=utc_now())
        model_id = add_model(
            session,
            user_id=user.id,
            run_id=run_id,
            algorithm=run.algorithm,
            name=name,
            config=ModelConfig(hyperparameters=hp, features=(), best_epoch=3, labels_version=1),
            metrics=ModelMetrics.from_json({"val": {"PCL": METRICS}, "test": {"PCL": METRICS}}),
            unfinished_path=unfinished,
        )
        update_job(session, run_id)
        end_task(session, _task(session, run_id), "SUCCEEDED")
    return model_id


def _task(session: Session, run_id: int) -> int:
    return session.scalars(
        select(BackgroundTask.id).where(
            BackgroundTask.kind == "TRAIN", BackgroundTask.subject_id == run_id
        )
    ).one()


def confirm_deletion(page: AppTest, name: str, key: str) -> AppTest:
    """Type the name and confirm; AppTest closes a dialog at each run, so it is opened anew."""
    _button(page, "Delete…").click()
    page.text_input(key=key).set_value(name)
    page.run()
    _button(page, "Delete…").click()
    _button(page, "Delete for good").click()
    page.run()
    assert not page.exception
    return page


def _button(page: AppTest, label: str) -> Button:
    return next(button for button in page.button if button.label == label)
